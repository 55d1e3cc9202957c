"""
Figures as tables for people, as bench.json for the next run, and beside bench/baseline.json, which they must not leave behind.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

Figures = dict[str, dict[str, Any]]

APART = {"functions", "package"}
"""What bench.json holds beside use cases."""

WORSE_BY = 0.05
_COUNTS = ("total", "write_units", "read_units")
_OF_FUNCTIONS = ("cold_x", "warm_x", "log_bytes")
_OF_PACKAGE = ("zip_bytes", "opening_beside_bare", "api_handler_beside_plain")
_INSTRUCTIONS = ("cold_x", "warm_x", "opening_beside_bare", "api_handler_beside_plain")


def compared(file: Path, figures: Figures) -> Figures:
    """Write *figures* to *file* and return those that stood there before."""
    before: Figures = json.loads(file.read_text()) if file.exists() else {}
    file.write_text(json.dumps(figures, indent=1, sort_keys=True) + "\n")
    return before


def shown(figures: Figures, before: Figures) -> str:
    lines = [f"{'use case':46} {'calls':>5} {'write':>6} {'read':>6}   what was called"]
    for name, figure in figures.items():
        if name not in APART:
            calls = ", ".join(f"{n} {call}" if n > 1 else call for call, n in figure["calls"].items())
            row = f"{name:46} {figure['total']:5d} {figure['write_units']:6g} {figure['read_units']:6g}   {calls}"
            lines.append(row + _change(figure, before.get(name)))
    return "\n".join([*lines, *_functions(figures)])


def _change(figure: Mapping[str, Any], before: Mapping[str, Any] | None) -> str:
    if before is None:
        return ""
    changes = [f"{n} was {before[n]:g}" for n in _COUNTS if before[n] != figure[n]]
    return f"   ({', '.join(changes)})" if changes else ""


def _functions(figures: Figures) -> Iterator[str]:
    package = figures["package"]
    unit, each = ("M instructions", 1e6) if package["counted"] == "instructions" else ("ms of CPU", 1)
    yield ""
    yield f"{'function':14} {'start, x A':>10} {'warm, ' + unit:>22} {'CPU ms: start':>14} {'first':>6} {'warm':>6} {'RSS MB':>7} {'log bytes':>10}"
    for door, f in figures["functions"].items():
        yield (
            f"{door:14} {f['cold_x']:10.2f} {f['warm_count'] / each:22.1f} {f['start_ms']:14.0f} {f['first_ms']:6.0f}"
            f" {f['warm_cpu_ms']:6.1f} {f['rss_mb']:7.0f} {f['log_bytes']:10.0f}"
        )
    yield f"A is {package['anchor'] / each:.0f} {unit}. A start is counted until the first event is answered."
    yield f"The zip has {package['zip_bytes'] / 1e6:.2f} MB ({package['architecture']})."
    if "bare_count" in package:
        yield (
            f"Opening a ticket takes {package['opening_beside_bare']:.2f} x the bare TransactWriteItems of the same items"
            f" ({package['bare_count'] / each:.1f} {unit})."
        )
    if "api_handler_beside_plain" in package:
        yield f"The API starts with {package['api_handler_beside_plain']:.2f} x what the same code takes as `chalice package` ships it."


def counts(figures: Figures) -> Figures:
    """
    Return what a baseline keeps: what repeats, wherever it is measured. Instructions are kept as parts of those of A, because a
    Python that is built with its optimisations takes fewer.
    """
    kept: Figures = {name: {n: f[n] for n in _COUNTS} for name, f in figures.items() if name not in APART}
    own = figures["package"]
    in_anchors = {door: f | {"warm_x": f["warm_count"] / own["anchor"]} for door, f in figures["functions"].items()}
    kept["functions"] = {d: {n: round(f[n], 4) for n in _OF_FUNCTIONS} for d, f in in_anchors.items()}
    kept["package"] = {name: round(own[name], 3) for name in _OF_PACKAGE if name in own}
    return kept | {"package": kept["package"] | {name: own[name] for name in ("counted", "architecture")}}


def worse(figures: Figures, baseline: Figures) -> list[str]:
    """
    Return what got worse than the baseline by more than WORSE_BY, in words.

    Instructions are compared with instructions only, and bytes of a zip with those of the same architecture.
    """
    now = counts(figures)
    same = {name: now["package"][name] == baseline["package"][name] for name in ("counted", "architecture")}
    found = []
    for path, was in _numbers(baseline):
        is_now = _at(now, path)
        skipped = (path[-1] in _INSTRUCTIONS and not same["counted"]) or (
            path[-1] == "zip_bytes" and not same["architecture"]
        )
        if is_now is not None and not skipped and is_now > was * (1 + WORSE_BY):
            found.append(f"{': '.join(path)}: {is_now:g}, and {was:g} in the baseline")
    return found


def _numbers(node: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], float]]:
    for name, held in node.items():
        if isinstance(held, Mapping):
            yield from _numbers(held, (*path, name))
        elif isinstance(held, int | float):
            yield (*path, name), held


def _at(node: Any, path: tuple[str, ...]) -> float | None:
    for name in path:
        node = node.get(name) if isinstance(node, Mapping) else None
    return node if isinstance(node, int | float) else None
