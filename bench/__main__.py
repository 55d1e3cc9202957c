"""
`make bench`: what each use case asks of AWS, as counts that repeat. Writes bench.json, and compares with the last one.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import tests.conftest  # noqa: F401 the environment of a desk in process
from bench.report import compared, shown
from bench.use_cases import measured

RESULT = Path("bench.json")


def main() -> int:
    figures = measured()
    print(shown(figures, compared(RESULT, figures)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
