"""
`python -m infra COMMAND`. A command is a module with add_arguments(parser) and run(args), imported only when used.
"""

import argparse
import sys
from importlib import import_module

from botocore.exceptions import BotoCoreError, ClientError

from infra.aws import Trouble

COMMANDS = {
    "run": ("infra.run", "start the whole desk on this machine"),
    "demo": ("infra.demo", "drive a running desk through what it does"),
    "package": ("infra.package", "build the two templates and the zip into build/"),
    "deploy": ("infra.deploy", "create or upgrade a stage"),
    "destroy": ("infra.destroy", "remove a stage's desk, and its data only when told twice"),
    "storefronts": ("infra.storefronts", "set up storefronts from a file, with their mail identities"),
    "keys": ("infra.keys", "make, list and revoke API keys"),
    "agents": ("infra.agents", "say who may answer by mail, and of what each is told"),
    "sweep": ("infra.sweep", "play the tickets' timers up to a time"),
    "mail": ("infra.mail", "say how mails are read, and show those that are sent"),
    "cost": ("infra.cost", "say what tickets and an idle month cost, or what a stage used"),
    "doctor": ("infra.doctor", "say what is not well with a stage"),
    "dead-letters": ("infra.dead_letters", "list and replay what was given up"),
}


def main(arguments: list[str]) -> int:
    """Run one command and return its exit code: 0 done, 1 failed with words that say what to do, 2 not understood."""
    parser = argparse.ArgumentParser(prog="python -m infra", description="Careline's commands.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    asked = next((word for word in arguments if not word.startswith("-")), "")
    for name, (module, help_line) in COMMANDS.items():
        subparser = commands.add_parser(name, help=help_line, description=f"{help_line[0].upper()}{help_line[1:]}.")
        if name == asked:
            import_module(module).add_arguments(subparser)
    args = parser.parse_args(arguments)
    try:
        return int(import_module(COMMANDS[args.command][0]).run(args))
    except Trouble as trouble:
        print(trouble, file=sys.stderr)
    except (BotoCoreError, ClientError) as error:
        print(f"AWS refused: {error}\nTry: python -m infra doctor", file=sys.stderr)
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
