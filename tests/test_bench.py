"""
The bench fails when a count got worse, and only then.
"""

import copy

import pytest

from bench.report import counts, shown, worse

FIGURES = {
    "open": {"calls": {"dynamodb.GetItem": 1}, "total": 2, "write_units": 20, "read_units": 1.0},
    "functions": {
        "api_handler": {
            "cold_x": 0.9, "warm_count": 20e6, "log_bytes": 250.0, "start_ms": 300.0, "first_ms": 30.0,
            "warm_cpu_ms": 6.0, "rss_mb": 40.0,
        }
    },
    "package": {
        "architecture": "x86_64", "counted": "instructions", "zip_bytes": 7_000_000, "anchor": 930e6,
        "bare_count": 7e6, "opening_beside_bare": 2.6, "api_handler_beside_plain": 0.3,
    },
}  # fmt: skip
BASELINE = counts(FIGURES)


def changed(*path, by):
    figures = copy.deepcopy(FIGURES)
    node = figures
    for name in path[:-1]:
        node = node[name]
    node[path[-1]] *= by
    return figures


COUNTED = [
    ("open", "total"),
    ("open", "write_units"),
    ("open", "read_units"),
    ("functions", "api_handler", "cold_x"),
    ("functions", "api_handler", "warm_count"),
    ("functions", "api_handler", "log_bytes"),
    ("package", "zip_bytes"),
    ("package", "opening_beside_bare"),
    ("package", "api_handler_beside_plain"),
]


@pytest.mark.parametrize("path", COUNTED, ids=" ".join)
def test_a_count_that_got_worse_is_told(path):
    assert [line.partition(": ")[0] for line in worse(changed(*path, by=1.06), BASELINE)] == [path[0]]
    assert worse(changed(*path, by=1.04), BASELINE) == []
    assert worse(changed(*path, by=0.5), BASELINE) == []


@pytest.mark.parametrize("name", ["start_ms", "first_ms", "warm_cpu_ms", "rss_mb"])
def test_time_is_never_compared(name):
    assert worse(changed("functions", "api_handler", name, by=9), BASELINE) == []


def test_what_was_not_measured_is_not_compared():
    short = {**FIGURES, "functions": {}, "package": {**FIGURES["package"]}}
    del short["package"]["api_handler_beside_plain"]
    assert worse(short, BASELINE) == []


def test_cpu_time_is_not_compared_with_instructions():
    other = changed("functions", "api_handler", "cold_x", by=2)
    assert worse(other, BASELINE)
    other["package"]["counted"] = "cpu_ms"
    assert worse(other, BASELINE) == []


def test_zips_of_two_architectures_are_not_compared():
    other = changed("package", "zip_bytes", by=2)
    other["package"]["architecture"] = "arm64"
    assert worse(other, BASELINE) == []


def test_the_table_says_what_changed():
    before = changed("open", "write_units", by=2)
    assert "write_units was 40" in shown(FIGURES, before)
    assert "was" not in shown(FIGURES, FIGURES).replace("what was called", "")
    assert "0.30 x" in shown(FIGURES, {})
