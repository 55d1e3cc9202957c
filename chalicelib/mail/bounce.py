"""
Mail that came back: who was not reached, why, and which of our mails it was.

| sign | what it is taken for |
|---|---|
| a delivery report (RFC 3464) | what its Action says; delivered is no bounce |
| X-Failed-Recipients | failed |
| from a mail system, and a bounce's subject, an empty Return-Path or words of failure | failed, or delayed if the subject says so |

Half of the bounces of this world are no delivery report: their status is looked for in their words.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import field
from types import MappingProxyType

from chalicelib.frozen import frozen
from chalicelib.mail import headers
from chalicelib.mail.automatic import empty_return_path, is_daemon
from chalicelib.mail.charsets import decode
from chalicelib.mail.headers import Address, Headers
from chalicelib.mail.mime import Part

TEXT_CAP = 256 * 1024

_REPORTS = ("message/delivery-status", "message/global-delivery-status")
_RETURNED = ("message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers", "text/rfc822-header")
_OF_ORIGINAL = ("message-id", "in-reply-to", "references", "x-ses-message-tags")
_FIELD = re.compile(
    r"^[ \t>]*+(message-id|in-reply-to|references|x-ses-message-tags)[ \t]*+:(.*+(?:\n[ \t]++\S.*+)*+)",
    re.IGNORECASE | re.MULTILINE,
)

_SUBJECT = re.compile(
    "undeliver|delivery (?:status )?(?:notification|failure|report|problem|error|has failed)|delivery status|returned mail|"
    "mail delivery|mail system error|message status|could not be delivered|not delivered|failure notice|failed (?:mail|delivery)|"
    "delivery failed|failure delivery|non[- ]?delivery|nondeliverable|mail fail|mail error|returned to sender|return(?:ed)? (?:to sender|message)|"
    "user unknown|unknown user|delayed mail|delivery delayed|warning: (?:could|message)|unzustellbar|nicht zugestellt|zustellung|"
    "non remis|échec de la remise|échec|no se puede entregar|no entregado|error de entrega|mancata consegna|não entreg|"
    "onbestelbaar|oleverbart|kunde inte levereras|niedostarczon|не доставлено|недоставлен|退信|无法投递|配信|エラーメール|배달",
    re.IGNORECASE,
)
_FAILED = re.compile(
    r"(?<![\d.])[45]\.\d{1,3}\.\d{1,3}(?![\d.])|(?<![\d.-])[45][0-7]\d[ -](?!\d)|no such (?:user|address|mailbox)|"
    r"(?:user|mailbox|recipient|address)\S{0,3} (?:is )?(?:unknown|not found|full|rejected|invalid|unavailable)|does not exist|"
    r"unable to deliver|cannot be delivered|can't be delivered|couldn't be delivered|wasn't delivered",
    re.IGNORECASE,
)
_DELAYED = re.compile("delay|still being retried|will be retried|warning: (?:could|message)", re.IGNORECASE)
_STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
_REPLY_CODE = re.compile(r"(?<![\d.-])([45])[0-7]\d(?=[ -](?!\d{3}))")
_NEAR_ADDRESS = re.compile(
    r"<?([^\s<>()\[\]\"',;:=]{1,64}@[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,10})>?", re.IGNORECASE
)
_ACTIONS = ("failed", "delayed")
_NO_BOUNCE = ("delivered", "relayed", "expanded")


@frozen
class Bounce:
    """
    A mail of ours that did not arrive, or not yet.

    *action* is `failed` or `delayed`; *status* is RFC 3463's (`5.1.1`; if nothing says it, `5.0.0` or
    `4.0.0` as the action means); *original_headers* are
    those of the returned mail that find its ticket: Message-ID, In-Reply-To, References, X-SES-MESSAGE-TAGS, by
    lower-case name.
    """

    action: str
    status: str
    recipient: str
    original_message_id: str | None
    original_headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def hard(self) -> bool:
        """
        Whether trying again is of no use.
        """
        return self.action == "failed" and self.status.startswith("5")

    @property
    def original_ids(self) -> tuple[str, ...]:
        """
        Every message id that the returned mail named: its own, then what it answered, then its references, newest first.
        """
        own, answered, references = (headers.ids(self.original_headers.get(name, "")) for name in _OF_ORIGINAL[:3])
        return tuple(dict.fromkeys((*own, *answered, *reversed(references))))

    @property
    def original_tags(self) -> Mapping[str, str]:
        """
        The tags that the returned mail was sent with (`outbox=..., ticket=...`).
        """
        pairs = (one.partition("=") for one in self.original_headers.get("x-ses-message-tags", "").split(","))
        return {name.strip(): value.strip() for name, is_pair, value in pairs if is_pair}


def bounce(root: Part, sender: Address | None, said: str) -> Bounce | None:
    """
    Return what came back with the mail under *root*; None if it is no bounce.

    Args:
        root: The mail.
        sender: Its From.
        said: Its text.
    """
    parts = list(root.walk())
    reports = [block for part in parts if part.content_type in _REPORTS for block in blocks(said_by(part))]
    reported = _reported(reports)
    if reports and any(block.get("action") for block in reports) and reported is None:
        return None
    failed = headers.text(root.headers.get("x-failed-recipients"))
    if reported is None and not failed and not _is_returned(root.headers, sender, said[:TEXT_CAP]):
        return None
    return _bounce(root, reported or Headers(), failed, said[:TEXT_CAP], parts)


def _bounce(root: Part, report: Headers, failed: str, said: str, parts: list[Part]) -> Bounce:
    action = headers.text(report.get("action")).lower().partition(" ")[0]
    if action not in _ACTIONS:
        action = "delayed" if _DELAYED.search(headers.text(root.headers.get("subject"))) else "failed"
    returned = original(parts, said)
    mine = headers.ids(returned.get("message-id", ""))
    return Bounce(
        action=action,
        status=_status(report, said) or ("5.0.0" if action == "failed" else "4.0.0"),
        recipient=_recipient(report, failed, said, root.headers),
        original_message_id=mine[0] if mine else None,
        original_headers=MappingProxyType(returned),
    )


def _is_returned(found: Headers, sender: Address | None, said: str) -> bool:
    if not is_daemon(found, sender):
        return False
    if empty_return_path(found) or _SUBJECT.search(headers.text(found.get("subject"))):
        return True
    return _SUBJECT.search(said[:_SPOKEN_CAP]) is not None or _FAILED.search(said[:_SPOKEN_CAP]) is not None


def blocks(report: str) -> list[Headers]:
    """
    Return the blocks of a delivery report: one for the mail, then one for each recipient (RFC 3464 2.1).
    """
    blocks = [headers.split(block.encode("utf-8", "replace"), 0, BLOCK_CAP)[0] for block in _paragraphs(report)]
    return [block for block in blocks if block.items]


BLOCK_CAP = 16 * 1024
_RECIPIENT_CAP = 100


def _paragraphs(report: str) -> list[str]:
    return [block.strip("\n") for block in re.split(r"\n[ \t]*+\n", report, maxsplit=_RECIPIENT_CAP) if block.strip()][
        :_RECIPIENT_CAP
    ]


def _reported(blocks: list[Headers]) -> Headers | None:
    """
    Return the block of the recipient that matters: a failed one before a delayed one.
    """
    recipients = [
        block for block in blocks if block.get("final-recipient") or block.get("action") or block.get("status")
    ]
    for action in (*_ACTIONS, ""):
        for block in recipients:
            said = headers.text(block.get("action")).lower()
            if said.startswith(action) and not said.startswith(_NO_BOUNCE):
                return block
    return None


def said_by(part: Part) -> str:
    """
    Return the words of a part that a machine wrote.
    """
    said = decode(part.content()[:TEXT_CAP], part.parameters.get("charset"))
    return said.replace("\r\n", "\n").replace("\r", "\n")


def original(parts: list[Part], said: str) -> dict[str, str]:
    """
    Return the headers of the returned mail, from its part, or else from the words that quote it.
    """
    returned = [said_by(part) for part in parts[1:] if part.content_type in _RETURNED]
    found: dict[str, str] = {}
    for text in [*returned, said]:
        for name, value in _FIELD.findall(text):
            found.setdefault(name.lower(), headers.text(headers.raw_value(value[: headers.HEADER_CAP])))
    return found


def _status(report: Headers, said: str) -> str:
    declared = _STATUS.search(headers.text(report.get("status")))
    diagnosed = _spoken_status(headers.text(report.get("diagnostic-code")))
    if declared and not declared[1].endswith(".0.0"):
        return declared[1]
    return diagnosed or (declared[1] if declared else _spoken_status(said))


def _spoken_status(said: str) -> str:
    status = _STATUS.search(said)
    if status:
        return status[1]
    code = _REPLY_CODE.search(said)
    return f"{code[1]}.0.0" if code else ""


def _recipient(report: Headers, failed: str, said: str, found: Headers) -> str:
    """
    Return who was not reached, as the report, X-Failed-Recipients or the words say.
    """
    own = {address.key for address in headers.addresses(found.get("to")) + headers.addresses(found.get("from"))}
    stated = (
        headers.text(report.get("original-recipient")).partition(";")[2],
        headers.text(report.get("final-recipient")).partition(";")[2],
        failed,
    )
    for candidate in stated:
        address = _NEAR_ADDRESS.search(candidate)
        if address:
            return address[1]
    spoken: Iterable[str] = (match[1] for match in _NEAR_ADDRESS.finditer(said[:_SPOKEN_CAP]))
    return next((address for address in spoken if address.lower() not in own), "")


_SPOKEN_CAP = 16 * 1024
