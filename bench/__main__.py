"""
`make bench`: what each use case asks of AWS and what each function costs to start and to run, as counts that repeat.

Writes bench.json, compares with the last one, and fails when a count is worse than bench/baseline.json by more than 5 %:
whoever means it writes a new baseline in the same commit (`python -m bench --accept`).
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import tests.conftest  # noqa: F401 the environment of a desk in process
from bench.report import compared, counts, shown, worse
from bench.use_cases import measured

RESULT = Path("bench.json")
BASELINE = Path(__file__).with_name("baseline.json")


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--short", action="store_true", help="of the functions, measure the API's alone")
    parser.add_argument("--accept", action="store_true", help="write the figures as the new baseline")
    args = parser.parse_args()
    figures = measured()
    with tempfile.NamedTemporaryFile(suffix=".json") as told:
        only = ["--only", "api_handler"] if args.short else []
        subprocess.run([sys.executable, "-m", "bench.cold", "--json", told.name, *only], check=True)  # noqa: S603 ours
        figures |= json.loads(Path(told.name).read_text())
    print(shown(figures, compared(RESULT, figures)))
    if args.accept:
        BASELINE.write_text(json.dumps(counts(figures), indent=1, sort_keys=True) + "\n")
        print(f"{BASELINE} holds these counts now.")
        return 0
    found = worse(figures, json.loads(BASELINE.read_text()))
    for line in found:
        print(f"WORSE: {line}")
    if found:
        print("If this is meant, say so: `python -m bench --accept`, in the same commit.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
