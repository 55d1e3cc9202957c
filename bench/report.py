"""
Figures as a table for people and as bench.json for the next run.
"""

import json
from pathlib import Path
from typing import Any

Figures = dict[str, dict[str, Any]]


def compared(file: Path, figures: Figures) -> Figures:
    """Write *figures* to *file* and return those that stood there before."""
    before: Figures = json.loads(file.read_text()) if file.exists() else {}
    file.write_text(json.dumps(figures, indent=1, sort_keys=True) + "\n")
    return before


def shown(figures: Figures, before: Figures) -> str:
    lines = [f"{'use case':46} {'calls':>5} {'write':>6} {'read':>6}   what was called"]
    for name, figure in figures.items():
        calls = ", ".join(f"{n} {call}" if n > 1 else call for call, n in figure["calls"].items())
        row = f"{name:46} {figure['total']:5d} {figure['write_units']:6g} {figure['read_units']:6g}   {calls}"
        lines.append(row + _change(figure, before.get(name)))
    return "\n".join(lines)


def _change(figure: dict[str, Any], before: dict[str, Any] | None) -> str:
    if before is None:
        return ""
    names = ("total", "write_units", "read_units")
    changes = [f"{n} was {before[n]:g}" for n in names if before[n] != figure[n]]
    return f"   ({', '.join(changes)})" if changes else ""
