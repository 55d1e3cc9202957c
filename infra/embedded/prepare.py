"""
Deploy the stage `local` to the embedded AWS, and put there what a first look needs: two storefronts and their keys.

A process of its own (`python -m infra.embedded.prepare KEYS_FILE PUBLIC_URL`), because to work at the desk a process
takes on the desk's environment. What is there already stays; the tokens, which nobody can read again, are in KEYS_FILE.
"""

import fcntl
import json
import sys
from pathlib import Path

from infra import deploy, stage
from infra.aws import Session, Trouble, session_for
from infra.embedded.settings import ROOT, STAGE, SUPPORT, write_secret


def prepare(keys_file: Path, public_url: str) -> None:
    session = session_for(STAGE)
    build = ROOT / "build"
    build.mkdir(exist_ok=True)
    with (build / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two desks of one checkout would write one build folder
        deploy.deploy(STAGE, session=session, public_url=public_url, embedded=True, say=headline)
    stage.enter(STAGE, session)
    seed(keys_file, session)


def headline(line: str) -> None:
    """
    Say which stack is at work, not each of its resources.
    """
    if not line.startswith(" "):
        print(line, flush=True)


def seed(keys_file: Path, session: Session) -> None:
    from chalicelib.domain.access import Scope, taken_apart
    from chalicelib.domain.storefront import Storefront
    from chalicelib.usecases import house
    from chalicelib.wiring import desk

    there = {storefront.id for storefront in house.storefronts(desk())}
    for name, address in SUPPORT.items():
        if name not in there:
            house.put_storefront(desk(), Storefront(id=name, name=name.capitalize(), support_addresses=(address,)))
    for storefront in house.storefronts(desk()):
        for address in storefront.support_addresses:
            session.client("ses").verify_domain_identity(Domain=address.rpartition("@")[2])
    wanted = {
        "storefront_key": (Scope.STOREFRONT, {"storefront": "demo"}),
        "other_storefront_key": (Scope.STOREFRONT, {"storefront": "other"}),
        "publishable_key": (Scope.PUBLISHABLE, {"storefront": "demo"}),
        "agent_key": (Scope.AGENT, {"name": "Robin", "email": "robin@demo.test"}),
        "admin_key": (Scope.ADMIN, {"name": "Sam", "email": "sam@demo.test"}),
    }
    kept = json.loads(keys_file.read_text()) if keys_file.exists() else {}
    opening = {key.id for key in house.api_keys(desk()) if key.revoked_at is None}
    for name, (scope, of) in wanted.items():
        parts = taken_apart(kept.get(name, ""))
        if not parts or parts[0] not in opening:
            kept[name] = house.create_key(desk(), scope, **of)
    write_secret(keys_file, kept)


if __name__ == "__main__":
    try:
        prepare(Path(sys.argv[1]), sys.argv[2])
    except Trouble as trouble:
        sys.exit(str(trouble))
