"""
The macros that are shipped, from the files under templates/macros/.

| file | holds |
|---|---|
| index.json | title and technique of each, in the order in which they are shown |
| <name>/<language>.txt | its text |
"""

import json
from collections.abc import Mapping
from functools import cache

from chalicelib.adapters import templates
from chalicelib.domain.storefront import Macro

FOLDER = templates.FOLDER / "macros"


@cache
def shipped() -> Mapping[str, Macro]:
    index = json.loads((FOLDER / "index.json").read_text("utf-8"))
    return {name: Macro(_texts(name), **about) for name, about in index.items()}


def _texts(name: str) -> dict[str, str]:
    return {path.stem: path.read_text("utf-8").strip() for path in sorted((FOLDER / name).glob("*.txt"))}
