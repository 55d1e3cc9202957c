"""
`make package`: build/data.json, build/desk.json and build/function.zip, as they are deployed.

Chalice builds the libraries (a layer, kept as long as requirements.txt stays the same) and the code; here both become
one zip with the same bytes for the same input: sorted, dated 1980, compiled, without what never runs.
"""

import argparse
import fcntl
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any

import yaml
from chalice.package import YAMLTemplateSerializer

from infra import lean
from infra.aws import Trouble
from infra.template import finished

ROOT = Path(__file__).parent.parent
AWS_ARCHITECTURE = "arm64"

# python/lib/python3.11/site-packages: where a layer keeps its libraries
LAYER_DEPTH = 4

# What a wheel brings along and no function imports.
NEVER_IMPORTED = {"__pycache__", "tests", "bin", "sboms", "swagger_ui", "RECORD", "WHEEL", "INSTALLER", "REQUESTED"}
DATA_NEVER_READ = {"botocore", "boto3"}  # lean.py brings what is read


@dataclass(frozen=True)
class Package:
    data: Path
    desk: Path
    function: Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--architecture", choices=["arm64", "x86_64"], default=AWS_ARCHITECTURE)
    parser.add_argument("--out", type=Path, default=ROOT / "build")


def run(args: argparse.Namespace) -> int:
    built = package(args.architecture, out=args.out)
    for path in (built.data, built.desk, built.function):
        print(f"{path}  {path.stat().st_size / 1e6:.1f} MB")
    return 0


def host_architecture() -> str:
    return "arm64" if platform.machine() in {"arm64", "aarch64"} else "x86_64"


def package(architecture: str = AWS_ARCHITECTURE, *, out: Path = ROOT / "build") -> Package:
    """
    Build what is deployed, the same for every stage: the stage is a parameter of the templates.

    Args:
        architecture: arm64 or x86_64, as in .chalice/config.json.
        out: Folder for the three files; made if it is not there.

    Raises:
        Trouble: Chalice failed, or a library has no wheel for the architecture.
    """
    out.mkdir(parents=True, exist_ok=True)
    built = Package(out / "data.json", out / "desk.json", out / "function.zip")
    work = out / f"chalice-{architecture}"
    with (ROOT / ".build.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # Chalice writes what it builds into one folder of the checkout
        chalice(architecture, work)
        together = libraries(work / "layer-deployment.zip")
    write_json(built.data, load_yaml(ROOT / "infra/data.yaml"))
    write_json(built.desk, finished(yaml.safe_load((work / "sam.yaml").read_text())))
    shutil.copyfile(together, built.function)
    append(built.function, dict(code(work)))
    return built


def chalice(architecture: str, out: Path) -> None:
    command = [str(Path(sys.executable).parent / "chalice"), "package", "--stage", architecture]
    command += ["--merge-template", str(ROOT / "infra/resources.yaml"), str(out.resolve())]
    environment = {**os.environ, **stand_ins()}  # it imports app.py, to see its doors
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    if done.returncode or "Could not install dependencies" in said:
        raise Trouble(f"chalice package failed for {architecture}:\n{said.strip()}")


def stand_ins() -> dict[str, str]:
    """Return what a function finds in its environment, names in place of what only a stage knows."""
    template = load_yaml(ROOT / "infra/resources.yaml")
    variables = template["Globals"]["Function"]["Environment"]["Variables"]
    usual = {name: str(each["Default"]) for name, each in template["Parameters"].items() if "Default" in each}
    named = {
        name: value if isinstance(value, str) else usual.get(value.get("Ref", ""), name)
        for name, value in variables.items()
    }
    return {"AWS_DEFAULT_REGION": "us-east-1", **named}


def load_yaml(path: Path) -> dict[str, Any]:
    """Return a template with its short forms (!Ref, !Sub) written out, as CloudFormation's JSON has them."""
    loaded: dict[str, Any] = YAMLTemplateSerializer().load_template(path.read_text())
    return loaded


def write_json(path: Path, template: dict[str, Any]) -> None:
    path.write_text(json.dumps(template, indent=1, sort_keys=True) + "\n")


def libraries(layer: Path) -> Path:
    """Return the zip of the libraries, kept beside Chalice's own until its layer, or how it is made, is another one."""
    made_of = hashlib.sha256(layer.read_bytes() + Path(__file__).read_bytes()).hexdigest()[:16]
    made = ROOT / f".chalice/deployments/libraries-{made_of}.zip"
    if not made.exists():
        partial = made.with_suffix(f".{os.getpid()}")
        found = ((PurePosixPath(*path.parts[LAYER_DEPTH:]), content) for path, content in unzipped(layer))
        append(partial, {str(path): content for path, content in found if runs(path)})
        partial.rename(made)
    return made


def code(work: Path) -> Iterator[tuple[str, bytes]]:
    """Yield what is the project's own, and the part of Chalice that runs it."""
    yield from ((str(path), content) for path, content in unzipped(work / "deployment.zip") if runs(path))
    yield from lean.documentation()
    for file in (ROOT / "templates").rglob("*"):
        if file.is_file():
            yield str(file.relative_to(ROOT)), file.read_bytes()
    yield from lean.compiled_templates()
    yield from lean.models()
    yield "roots.pem", lean.roots()


def unzipped(archive: Path) -> Iterator[tuple[PurePosixPath, bytes]]:
    with zipfile.ZipFile(archive) as opened:
        for name in opened.namelist():
            yield PurePosixPath(name), opened.read(name)


def append(archive: Path, files: dict[str, bytes]) -> None:
    """Add *files*, compiled, to a zip: the same bytes for the same files."""
    with TemporaryDirectory() as name, zipfile.ZipFile(archive, "a") as opened:
        folder = Path(name)
        for file, content in files.items():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_bytes(content)
        compile_all(folder)
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(str(path.relative_to(folder)))
            entry.external_attr = 0o100644 << 16
            opened.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED)


def compile_all(folder: Path) -> None:
    """
    Put bytecode beside each module.

    Lambda's code folder is read-only, so a module without bytecode is compiled at each cold start; and the zip's dates
    are all alike, so only bytecode that is never checked against its source is used (PEP 552). A process of its own,
    because what is interned in this one would show in the bytes.
    """
    command = [
        sys.executable,
        "-S",
        "-m",
        "compileall",
        "-q",
        "-s",
        str(folder),
        "--invalidation-mode",
        "unchecked-hash",
    ]
    subprocess.run([*command, str(folder)], env={"PYTHONHASHSEED": "0"}, check=True)


def runs(path: PurePosixPath) -> bool:
    """Tell whether anything in Lambda reads this file."""
    if NEVER_IMPORTED & set(path.parts):
        return False
    match path.parts:
        case (library, "data" | "examples", *_):
            return library not in DATA_NEVER_READ
        case ("dateutil", "zoneinfo", name):
            return not name.endswith(".tar.gz")
        case ("botocore", "docs", *within):
            return within == ["utils.py"]
    return True
