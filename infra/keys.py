"""
API keys: made here, shown once, revoked here.
"""

import argparse

from infra import stage
from infra.aws import Trouble, session_for

SCOPES = ("storefront", "publishable", "agent", "admin")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    create = actions.add_parser("create", help="make a key and print it, this once")
    create.add_argument("scope", choices=SCOPES)
    create.add_argument("--storefront", help="whose, for the scopes storefront and publishable")
    create.add_argument("--name", default="", help="whose, for people")
    create.add_argument("--email", default="", help="an agent's address")
    listing = actions.add_parser("list", help="show every key, without its secret")
    revoke = actions.add_parser("revoke", help="void a key within a minute")
    revoke.add_argument("id", help="as `list` shows it")
    for each in (create, listing, revoke):
        stage.add_stage(each)


def run(args: argparse.Namespace) -> int:
    stage.enter(args.stage, session_for(args.stage))
    from chalicelib import wiring
    from chalicelib.domain.access import Scope
    from chalicelib.domain.errors import DeskError
    from chalicelib.usecases import house

    desk = wiring.desk()
    try:
        if args.action == "create":
            print(
                house.create_key(desk, Scope(args.scope), storefront=args.storefront, name=args.name, email=args.email)
            )
        elif args.action == "revoke":
            house.revoke_key(desk, args.id)
            print(f"{args.id} opens nothing any more, in a minute at the latest.")
        else:
            for key in house.api_keys(desk):
                state = f"revoked {key.revoked_at:%Y-%m-%d}" if key.revoked_at else "active"
                print(
                    f"{key.id}  {key.scope:12} {key.storefront or '-':12} {key.created_at:%Y-%m-%d}  {state:20} {key.name}".rstrip()
                )
    except DeskError as error:
        raise Trouble(f"{error}\nSee: python -m infra keys list, python -m infra storefronts list") from error
    return 0
