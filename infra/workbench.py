"""
Put the pinned tools into .venv, and say what is in the way: `make` runs this, with any Python, when they changed.
"""

import math
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
OLDEST = (3, 11)
SYSTEMS = "/usr/bin/python3"
QUICKER = 0.9
YARDSTICK = f"""
import ensurepip, sys, time, venv
if sys.version_info < {OLDEST}:
    sys.exit(1)
def told(one, *, two):
    return {{"one": one, "two": str(two)}}
began = time.process_time()
for number in range(200_000):
    told(number, two=number)
print(time.process_time() - began)
"""
NAMED = "--this-python"  # it is chosen, and used as it is
NEWER = ("python3.14", "python3.13", "python3.12", "python3.11")


def main() -> None:
    if sys.version_info < OLDEST:
        again_with_a_newer_python()
    if NAMED not in sys.argv:
        again_with_the_systems_python()
    check_venv()
    print("Setting up the tools in .venv (once, about a minute) ...", flush=True)
    python = str(VENV / "bin/python")
    if not works(python):
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(VENV)], check=True)
    pip = [python, "-m", "pip", "--quiet", "--disable-pip-version-check", "install"]
    if subprocess.run([*pip, "--requirement", str(ROOT / "requirements-tools.txt")], check=False).returncode:
        sys.exit(
            "pip could not install the tools, for the reason above. It needs a package index: behind a proxy set "
            "HTTPS_PROXY, for a mirror PIP_INDEX_URL. Then run make again."
        )
    (VENV / ".tools").touch()


def again_with_a_newer_python() -> None:
    for name in NEWER:
        if shutil.which(name):
            os.execvp(name, [name, *sys.argv])  # noqa: S606 - it is this program again
    sys.exit(
        "Python 3.11 or newer is missing: this is {}.{}. Install one and run make again, "
        "or name it: make PYTHON=/path/to/python3".format(*sys.version_info[:2])
    )


def again_with_the_systems_python() -> None:
    """
    Go on with the system's own Python where it is the quicker one, and return where it is not.

    Distributions build theirs with all optimisations; one that was compiled by hand often lacks them.
    """
    own, systems = (min(seconds(python) for _ in range(5)) for python in (sys.executable, SYSTEMS))
    if systems < QUICKER * own:
        print(f"{SYSTEMS} is {own / systems:.1f} times as quick as {sys.executable}, and is used.", flush=True)
        os.execv(SYSTEMS, [SYSTEMS, *sys.argv, NAMED])  # noqa: S606 - it is this program again


def seconds(python: str) -> float:
    """
    Return how long a Python takes to call a function often; infinite where it cannot be used here.
    """
    try:
        done = subprocess.run([python, "-c", YARDSTICK], capture_output=True, check=False)
    except OSError:
        return math.inf
    return float(done.stdout) if done.returncode == 0 else math.inf


def check_venv() -> None:
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError as error:
        sys.exit(
            f"Python's module {error.name} is missing. On Debian and Ubuntu: sudo apt install python3-venv. "
            "Then run make again."
        )


def works(python: str) -> bool:
    """
    Tell whether .venv is whole: it is not after its folder was moved, or the Python below it removed.
    """
    try:
        return subprocess.run([python, "-m", "pip", "--version"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


if __name__ == "__main__":
    main()
