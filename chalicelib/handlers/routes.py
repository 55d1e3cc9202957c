"""
The HTTP API and the pages, one line for each door: who may open it, what it takes, what answers.

A door's code is imported when it first opens: a cold start pays for one door, not for all.
"""

from chalicelib.domain.access import Scope
from chalicelib.frozen import frozen

PUBLIC: frozenset[Scope] = frozenset()
ADMINS = frozenset({Scope.ADMIN})
AGENTS = frozenset({Scope.AGENT, Scope.ADMIN})
STOREFRONTS = AGENTS | {Scope.STOREFRONT}
ALL_KEYS = STOREFRONTS | {Scope.PUBLISHABLE}


@frozen
class Route:
    """
    Attributes:
        method, path: As Chalice takes them.
        opens: `module.function` in chalicelib/handlers.
        scopes: Whose keys open it; PUBLIC needs none (a signed link may be asked for inside).
        takes: The schema of its body in handlers/schema.py; `form` for a page's form, None for no body.
        gives: The status of success.
        cors: Whether browsers of other origins may call it.
        bare: Whether it may come without its body.
    """

    method: str
    path: str
    opens: str
    scopes: frozenset[Scope]
    summary: str
    takes: str | None = None
    gives: int = 200
    cors: bool = False
    bare: bool = False

    @property
    def is_page(self) -> bool:
        return self.opens.startswith("pages.")


ROUTES = (
    Route("POST", "/v1/tickets", "tickets.open_ticket", ALL_KEYS, "Open a ticket", "OPEN_TICKET", 201, cors=True),
    Route("GET", "/v1/tickets", "tickets.list_tickets", STOREFRONTS, "List tickets"),
    Route("GET", "/v1/tickets/{reference}", "tickets.read", STOREFRONTS, "Read a ticket"),
    Route("PATCH", "/v1/tickets/{reference}", "tickets.update", AGENTS, "Change a ticket", "PATCH_TICKET"),
    Route("GET", "/v1/tickets/{reference}/messages", "tickets.list_messages", STOREFRONTS, "Read the conversation"),
    Route(
        "POST",
        "/v1/tickets/{reference}/messages",
        "tickets.write",
        STOREFRONTS,
        "Write on a ticket",
        "AGENT_MESSAGE",
        201,
    ),
    Route("POST", "/v1/tickets/{reference}/resolve", "tickets.resolve", AGENTS, "Resolve a ticket"),
    Route("POST", "/v1/tickets/{reference}/reopen", "tickets.reopen", AGENTS, "Open a ticket again"),
    Route("GET", "/v1/tickets/{reference}/promises", "tickets.list_promises", AGENTS, "Explain the promises"),
    Route("GET", "/v1/tickets/{reference}/events", "tickets.list_events", AGENTS, "What happened, by whom, and why"),
    Route("PUT", "/v1/tickets/{reference}/check-in", "tickets.plan_check_in", AGENTS, "Plan a message", "CHECK_IN"),
    Route("DELETE", "/v1/tickets/{reference}/check-in", "tickets.cancel_check_in", AGENTS, "Cancel a planned message"),
    Route("GET", "/v1/customers/{address}", "customers.read", AGENTS, "What is known of an address"),
    Route(
        "DELETE", "/v1/customers/{address}/suppression", "customers.lift_suppression", AGENTS, "Mail an address again"
    ),
    Route(
        "POST",
        "/v1/tickets/{reference}/macros/{name}",
        "macros.draft",
        AGENTS,
        "Draft an answer from a macro",
        "MACRO",
        bare=True,
    ),
    Route("GET", "/v1/macros", "macros.list_macros", AGENTS, "List a storefront's macros"),
    Route("GET", "/v1/storefronts/{storefront}", "storefronts.read", ADMINS, "Read a storefront's settings"),
    Route(
        "PUT", "/v1/storefronts/{storefront}", "storefronts.put", ADMINS, "Write a storefront's settings", "SETTINGS"
    ),
    Route("POST", "/v1/uploads", "tickets.upload", ALL_KEYS, "Ask where to put a file", "UPLOAD", 201, cors=True),
    Route("GET", "/tickets/{token}", "pages.ticket", PUBLIC, "The customer's page of a ticket"),
    Route("POST", "/tickets/{token}", "pages.write", PUBLIC, "Write on the customer's page", "form", 303),
    Route("GET", "/tickets/{token}/messages/{message}", "pages.message", PUBLIC, "A mail as it was sent"),
    Route("GET", "/surveys/{token}", "pages.survey", PUBLIC, "The survey"),
    Route("POST", "/surveys/{token}", "pages.rate", PUBLIC, "Rate the help", "form"),
    Route(
        "GET", "/opt-outs/{token}", "pages.opt_out", PUBLIC, "Ask for no more reminders, surveys and planned messages"
    ),
    Route("POST", "/opt-outs/{token}", "pages.opted_out", PUBLIC, "Get no more of them", "form"),
    Route("GET", "/docs", "pages.docs", PUBLIC, "This API, for people"),
    Route("GET", "/openapi.json", "docs.openapi", PUBLIC, "This API, as OpenAPI 3.1"),
    Route("GET", "/health", "docs.health", PUBLIC, "Whether the desk answers"),
)
