"""
The one place where AWS clients are made, and where it is decided who repeats a call.

botocore repeats a call whose answer was lost, silently. A mail would go out twice and a message be queued twice, so
what sends is tried once, here, and again only by the rules of the desk. Reads, and writes that a condition guards,
may be repeated.
"""

from functools import cache
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.handlers import convert_body_to_file_like_object

from chalicelib.config import use_what_the_package_brings

CONNECT_TIMEOUT_SECONDS = 2
READ_TIMEOUT_SECONDS = 8
_ATTEMPTS = {"s3": 3}
_USER_AGENT = "careline"
"""Named here, it is not put together anew for each call, which would take botocore as long as to sign it."""

use_what_the_package_brings()


@cache
def client(service: str) -> Any:  # noqa: ANN401 botocore makes its clients at run time
    """
    Return the client of a service; made on first use, kept for the life of the process.

    botocore makes a file of the bytes that S3 is to store, and before it sends a file it asks whether it may
    (`Expect: 100-continue`), and waits. Bytes are sent at once.
    """
    settings = Config(
        connect_timeout=CONNECT_TIMEOUT_SECONDS,
        read_timeout=READ_TIMEOUT_SECONDS,
        parameter_validation=False,  # AWS does it too; PynamoDB leaves it out as well
        retries={"mode": "standard", "total_max_attempts": _ATTEMPTS.get(service, 1)},
        s3={"addressing_style": "path"} if service == "s3" else None,
        signature_version="s3v4" if service == "s3" else None,
    )
    made = session().create_client(service, config=settings)
    made.meta.events.unregister("before-parameter-build.s3.PutObject", convert_body_to_file_like_object)
    return made


@cache
def session() -> botocore.session.Session:
    """Return the session of which all clients are made, so that what botocore reads for them is read once."""
    made = botocore.session.get_session()
    made.set_default_client_config(Config(user_agent=_USER_AGENT))
    return made
