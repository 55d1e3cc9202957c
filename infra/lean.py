"""
What a cold start would do again and again, done once when the package is built.

| what | instead of |
|---|---|
| `models/`: botocore's data of the operations that functions call, without documentation, for AWS_DATA_PATH | 400 services, and gzip |
| `roots.pem`: the roots that AWS's own certificates come from, for AWS_CA_BUNDLE | every root of the web |
| `templates/compiled/`: the templates as Python modules | Jinja's compiler |
| `botocore/docs/`: names, of which no documentation is ever made | its writer of documentation, and an HTML parser |

tests/test_grants.py compares the operations with what the functions were seen to call, tests/test_lean.py each with botocore's own.
Roots: Amazon Trust Services, "Certification Authorities" (Amazon Root CA 1 to 4, Starfield Services Root G2).
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import botocore
from botocore.loaders import Loader

from chalicelib.adapters import templates

OPERATIONS = {
    "dynamodb": {"BatchGetItem", "DeleteItem", "GetItem", "PutItem", "Query", "TransactWriteItems", "UpdateItem"},
    # CreateBucket is never called: botocore asks it for the address of a form that a browser posts.
    "s3": {
        "CopyObject",
        "CreateBucket",
        "DeleteObject",
        "DeleteObjects",
        "GetObject",
        "HeadObject",
        "ListObjectsV2",
        "PutObject",
    },
    "ses": {"SendRawEmail"},
    "sns": {"Publish"},
    "sqs": {"GetQueueAttributes", "SendMessage"},
}
ROOTS = ("Amazon Root CA", "Starfield Services Root Certificate Authority - G2")
_DOCSTRINGS = """\
\"\"\"Docstrings that say nothing: this is a package, and nobody reads its help.\"\"\"


class _Silent(str):
    __slots__ = ()

    def __new__(cls, *_, **__):
        return super().__new__(cls)


ClientMethodDocstring = PaginatorDocstring = WaiterDocstring = _Silent
"""
_ENDPOINT_PREFIXES = {*OPERATIONS, "email"}  # SES is `email` there
_OF_ALL_SERVICES = ("_retry", "endpoints", "partitions", "sdk-default-configuration")
_TOLD_TO_PEOPLE = {"documentation", "documentationUrl", "externalDocs"}
_NAMED_IN_EACH_CALL = "operationContextParams"
"""Where botocore finds the names of tables in a call, for an address by account: a function's credentials name no account."""


def models() -> Iterator[tuple[str, bytes]]:
    """
    Yield the files of botocore's data that functions need: `(path in the zip, content)`.

    Raises:
        KeyError: botocore does not know an operation any more.
    """
    loader = Loader()
    for service, operations in OPERATIONS.items():
        version = loader.determine_latest_version(service, "service-2")
        model = loader.load_service_model(service, "service-2", version)
        yield _file(f"{service}/{version}/service-2", _model(model, operations))
        rules = loader.load_service_model(service, "endpoint-rule-set-1", version)
        yield _file(f"{service}/{version}/endpoint-rule-set-1", _silent(rules))
    for name in _OF_ALL_SERVICES:
        held = loader.load_data(name)
        yield _file(name, _endpoints(held) if name == "endpoints" else held)


def roots() -> bytes:
    """
    Return the certificates of ROOTS, as botocore brings them.

    Raises:
        LookupError: One of them is not there any more.
    """
    bundle = (Path(botocore.__file__).parent / "cacert.pem").read_text()
    labelled = re.findall(r'# Label: "([^"]+)".*?(-----BEGIN.*?-----END CERTIFICATE-----)', bundle, re.DOTALL)
    found = {label: pem for label, pem in labelled if label.startswith(ROOTS)}
    for name in ROOTS:
        if not any(label.startswith(name) for label in found):
            raise LookupError(f"botocore brings no root of the name {name} any more.")
    return "".join(f"# {label}\n{pem}\n" for label, pem in found.items()).encode()


def compiled_templates() -> Iterator[tuple[str, bytes]]:
    """Yield each mail's and page's template as a Python module."""
    with TemporaryDirectory() as folder:
        templates.compile_into(Path(folder))
        for module in sorted(Path(folder).glob("*.py")):
            yield f"templates/{templates.COMPILED}/{module.name}", module.read_bytes()


def documentation() -> Iterator[tuple[str, bytes]]:
    """Yield what stands in for botocore's writer of documentation, which each client would bring along for its `__doc__`."""
    yield "botocore/docs/__init__.py", b""
    yield "botocore/docs/docstring.py", _DOCSTRINGS.encode()


def _model(model: dict[str, Any], operations: set[str]) -> dict[str, Any]:
    kept = {name: _silent(model["operations"][name]) for name in sorted(operations)}
    for each in kept.values():
        each.pop(_NAMED_IN_EACH_CALL, None)
    shapes, asked = {}, list(_named(kept))
    while asked:
        name = asked.pop()
        if name not in shapes:
            shapes[name] = _silent(model["shapes"][name])
            asked += _named(shapes[name])
    used = dict(sorted(shapes.items()))
    return {"version": model["version"], "metadata": model["metadata"], "operations": kept, "shapes": used}


def _named(node: Any) -> Iterator[str]:  # noqa: ANN401 JSON
    """Yield the names of the shapes that a part of a model refers to."""
    if isinstance(node, dict):
        if isinstance(node.get("shape"), str):
            yield node["shape"]
        for each in node.values():
            yield from _named(each)
    elif isinstance(node, list):
        for each in node:
            yield from _named(each)


def _silent(node: Any) -> Any:  # noqa: ANN401 JSON
    """Return a part of a model without the words that are for people; a member may have the same name, and stays."""
    if isinstance(node, list):
        return [_silent(each) for each in node]
    if not isinstance(node, dict):
        return node
    return {name: _silent(each) for name, each in node.items() if name not in _TOLD_TO_PEOPLE or "shape" in each}


def _endpoints(held: dict[str, Any]) -> dict[str, Any]:
    partitions = [
        {**each, "services": {name: s for name, s in each["services"].items() if name in _ENDPOINT_PREFIXES}}
        for each in held["partitions"]
    ]
    return {**held, "partitions": partitions}


def _file(name: str, content: Any) -> tuple[str, bytes]:  # noqa: ANN401 JSON
    return f"models/{name}.json", json.dumps(content, separators=(",", ":")).encode()
