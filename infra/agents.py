"""
Agents: who may answer by mail, and what each wants to be told.
"""

import argparse
from typing import TYPE_CHECKING

from infra import stage
from infra.aws import Trouble, session_for

if TYPE_CHECKING:
    from chalicelib.domain.agents import Agent

SETTINGS = {
    "assigned": "a ticket is assigned to the agent",
    "customer_wrote": "the customer writes on the agent's ticket",
    "named": "a note names the agent",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    add = actions.add_parser("add", help="register an agent, or change what an agent is told")
    add.add_argument("--email", required=True, help="the address the agent is mailed at, and answers from")
    add.add_argument("--name", required=True, help="as customers see it, and as notes may say it after an @")
    for setting, when in SETTINGS.items():
        told = f"whether to mail the agent when {when} (default: yes)"
        add.add_argument(
            f"--{setting.replace('_', '-')}", action=argparse.BooleanOptionalAction, default=True, help=told
        )
    listing = actions.add_parser("list", help="show every agent")
    remove = actions.add_parser("remove", help="mail an agent no more, and take no answer by mail any more")
    remove.add_argument("email", help="as `list` shows it")
    for each in (add, listing, remove):
        stage.add_stage(each)


def run(args: argparse.Namespace) -> int:
    stage.enter(args.stage, session_for(args.stage))
    from chalicelib import wiring
    from chalicelib.domain.agents import Agent
    from chalicelib.domain.errors import DeskError
    from chalicelib.usecases import house

    desk = wiring.desk()
    try:
        if args.action == "add":
            settings = {setting: getattr(args, setting) for setting in SETTINGS}
            print(described(house.put_agent(desk, Agent(args.email, args.name, **settings))))
        elif args.action == "remove":
            house.remove_agent(desk, args.email)
            print(f"{args.email} cannot answer by mail any more, in a minute at the latest. To void keys: keys revoke.")
        else:
            print(*map(described, house.agents(desk)), sep="\n")
    except DeskError as error:
        raise Trouble(f"{error}\nSee: python -m infra agents list") from error
    return 0


def described(agent: "Agent") -> str:
    told = ", ".join(setting for setting in SETTINGS if getattr(agent, setting)) or "nothing"
    return f"{agent.address:32} {agent.name:20} is told: {told}"
