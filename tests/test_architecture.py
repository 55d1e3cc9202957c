"""
The arrows of the architecture, read off the imports.

    handlers -> usecases -> domain          domain and mail know nobody, but frozen.py, as everybody does
                   |
                adapters                    wiring.py joins them; config.py reads the environment, once
"""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from chalicelib.domain.access import Scope
from chalicelib.handlers.routes import ALL_KEYS, PUBLIC, ROUTES

ROOT = Path(__file__).parents[1]
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts): path
    for path in [ROOT / "app.py", *sorted((ROOT / "chalicelib").rglob("*.py"))]
    if path.name != "__init__.py"
}
OUTSIDE = {"aws_lambda_powertools", "boto3", "botocore", "chalice", "jinja2", "markupsafe", "pynamodb"}
# Whom each layer may import; a layer may always import itself.
ARROWS = {
    "app": {"chalicelib.handlers", "chalice"},
    "chalicelib.frozen": set(),
    "chalicelib.config": set(),
    "chalicelib.wiring": {"chalicelib.config", "chalicelib.adapters", "chalicelib.domain"},
    "chalicelib.domain": set(),
    "chalicelib.mail": {"nh3"},  # cleans HTML: bytes in, bytes out, like the rest of mail
    "chalicelib.adapters": {"chalicelib.config", "chalicelib.domain", "botocore", "pynamodb", "jinja2", "markupsafe"},
    "chalicelib.usecases": {"chalicelib.wiring", "chalicelib.adapters", "chalicelib.domain", "chalicelib.mail"},
    "chalicelib.handlers": {
        "chalicelib.wiring", "chalicelib.usecases", "chalicelib.adapters", "chalicelib.domain", "chalicelib.mail",
        "chalice", "aws_lambda_powertools",
    },
}  # fmt: skip
# Errors of the table and of AWS cross the layers where they are told apart: as a 503, and as what passes by itself.
EXCEPTIONS_ARE_KNOWN_IN = {"chalicelib.handlers.problems", "chalicelib.usecases.due"}


def layer(module):
    return next((name for name in ARROWS if module == name or module.startswith(f"{name}.")), None)


def imported(path):
    """Yield the full name of every module that a file imports, at its top or inside a function."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def forbidden(module, path):
    """Return what a module imports without a right to."""
    own = layer(module)
    wrong = []
    for name in imported(path):
        top = name.partition(".")[0]
        if top in sys.stdlib_module_names:
            continue
        target = layer(name) or top
        if target == "chalicelib.frozen":
            continue
        if target == own or target in ARROWS[own]:
            continue
        if module in EXCEPTIONS_ARE_KNOWN_IN and ".exceptions." in name:
            continue
        wrong.append(name)
    return wrong


@pytest.mark.parametrize("module", MODULES)
def test_no_arrow_points_outwards(module):
    assert layer(module), f"{module} belongs to no layer"
    assert forbidden(module, MODULES[module]) == []


@pytest.mark.parametrize("module", [m for m in MODULES if layer(m) in ("chalicelib.domain", "chalicelib.mail")])
def test_domain_and_mail_know_neither_the_world_nor_the_time(module):
    said = set(imported(MODULES[module]))
    assert not {name.partition(".")[0] for name in said} & (
        OUTSIDE | {"os", "random", "secrets", "socket", "time", "uuid"}
    )
    calls = {
        ast.unparse(node.func)
        for node in ast.walk(ast.parse(MODULES[module].read_text()))
        if isinstance(node, ast.Call)
    }
    assert not calls & {"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "open"}


def test_the_environment_is_read_in_one_place():
    readers = {m for m, path in MODULES.items() if {"os", "os.environ", "os.getenv"} & set(imported(path))}
    assert readers == {"chalicelib.config"}


def test_clients_of_aws_are_made_in_one_place():
    makers = {m for m, path in MODULES.items() if "create_client" in path.read_text() or "boto3" in path.read_text()}
    assert makers == {"chalicelib.adapters.aws"}


def test_key_strings_are_built_in_one_place():
    def builds_keys(path):
        strings = (
            n.values[0] for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.JoinedStr) and n.values
        )
        starts = ("TICKET#", "MESSAGE#", "EVENT#", "OUTBOX#", "RECEIPT#", "MAIL#", "ASSIGNEE#", "DUE#", "UNSENT#")
        return any(isinstance(s, ast.Constant) and str(s.value).startswith(starts) for s in strings)

    builders = {m for m, path in MODULES.items() if builds_keys(path)}
    assert builders == {"chalicelib.adapters.keys"}


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_every_route_declares_who_may_open_it(route):
    assert isinstance(route.scopes, frozenset)
    assert route.scopes <= set(Scope)
    assert (route.scopes == PUBLIC) is not route.path.startswith("/v1/")


def test_the_publishable_key_opens_tickets_and_uploads_only():
    assert {route.opens for route in ROUTES if Scope.PUBLISHABLE in route.scopes} == {
        "tickets.open_ticket",
        "tickets.upload",
    }
    assert set(Scope) == ALL_KEYS


def test_a_storefront_reads_and_continues_tickets_and_changes_none():
    opens = {route.opens for route in ROUTES if Scope.STOREFRONT in route.scopes}
    reads = {"tickets.list_tickets", "tickets.read", "tickets.list_messages"}
    assert opens == reads | {"tickets.open_ticket", "tickets.upload", "tickets.write"}


def test_who_may_do_more_may_do_all_that_who_may_less():
    for route in ROUTES:
        for less, more in (
            (Scope.PUBLISHABLE, Scope.STOREFRONT),
            (Scope.STOREFRONT, Scope.AGENT),
            (Scope.AGENT, Scope.ADMIN),
        ):
            assert more in route.scopes or less not in route.scopes


def loaded_by(module):
    """Return what a new process has imported once it has imported *module*."""
    told = f"import sys, {module}; print(*sorted(sys.modules))"
    done = subprocess.run(  # noqa: S603 our own interpreter
        [sys.executable, "-c", told], cwd=ROOT, env=os.environ, capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


@pytest.mark.parametrize("door", ["docs", "pages", "tickets"])
def test_only_who_asks_for_the_description_of_the_api_pays_for_it(door):
    loaded = loaded_by(f"chalicelib.handlers.{door}")
    assert f"chalicelib.handlers.{door}" in loaded
    assert loaded & {"chalicelib.handlers.answers", "chalicelib.handlers.openapi"} == set()


def test_a_cold_start_pays_for_no_door_that_stays_shut():
    """What only one door needs is imported when it opens: no templates, no mail, no use case, no boto3."""
    loaded = loaded_by("app")
    assert "chalicelib.handlers.routes" in loaded
    heavy = {"boto3", "jinja2", "nh3", "markupsafe", "asyncio", "yaml"}
    heavy |= {m for m in MODULES if m.startswith(("chalicelib.mail.", "chalicelib.usecases."))}
    heavy |= {
        f"chalicelib.handlers.{m}" for m in ("docs", "door", "events", "macros", "pages", "queued", "tickets", "wire")
    }
    heavy |= {f"chalicelib.adapters.{m}" for m in ("lists", "macros", "mailer", "queues", "templates", "topic")}
    assert loaded & heavy == set()
