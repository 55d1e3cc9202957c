"""
The reader's figures over a folder of real mail with labels, when it is there.

`python -m tests.mail.corpus` prints them, and with `-v` what was read otherwise than its label says.
"""

import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from chalicelib.mail.body import body
from chalicelib.mail.html import Layout, laid_out, tokens
from chalicelib.mail.html import text as html_text
from chalicelib.mail.identity import identity
from chalicelib.mail.mime import parse
from chalicelib.mail.reader import Mail, read
from chalicelib.mail.reply import split

FOLDER = Path(__file__).resolve().parents[2].parent / "shared" / "corpus"


def labelled() -> Iterator[dict]:
    for line in (FOLDER / "index.jsonl").read_text(encoding="utf-8").splitlines():
        yield json.loads(line)


def folded(said: str | None) -> str:
    return " ".join((said or "").replace("\xa0", " ").split())


def bare(said: str) -> str:
    return re.sub(r"\s+", "", said)


def words(said: str) -> Counter:
    return Counter(re.findall(r"\w+", said))


def verdicts(entry: dict) -> Iterator[tuple[str, bool, object, object]]:
    """
    Yield (figure, right, expected, got) for each thing that is known of a mail.
    """
    raw = (FOLDER / entry["path"]).read_bytes()
    expected = entry["expected"]
    if entry["kind"] == "mime":
        yield from _mail(entry, raw, expected)
        return
    said = raw.decode("utf-8", "replace").replace("\r\n", "\n")
    page = laid_out(tokens(said)) if entry["kind"] == "html" else Layout(tuple(said.split("\n")))
    full = "\n".join(page.lines)
    parted = split(full, framed=page.quoted)
    yield "all words kept", words(parted.text) + words(parted.quoted_text) == words(full), words(full), parted
    yield from _reply(expected, parted.text)


def _reply(expected: dict, text: str) -> Iterator[tuple[str, bool, object, object]]:
    if "reply_text" in expected:
        yield "reply_text", folded(expected["reply_text"]) == folded(text), expected["reply_text"], text
    if "reply_text_nows" in expected:
        yield "reply_text (html)", bare(expected["reply_text_nows"]) == bare(text), expected["reply_text_nows"], text
    if "reply_regex" in expected:
        yield "reply_regex", all(re.search(one, text) for one in expected["reply_regex"]), expected["reply_regex"], text
    for said in expected.get("reply_contains", ()):
        yield "reply_contains", folded(said) in folded(text), said, text
    for said in expected.get("reply_not_contains", ()):
        yield "reply_not_contains", folded(said) not in folded(text), said, text


def _mail(entry: dict, raw: bytes, expected: dict) -> Iterator[tuple[str, bool, object, object]]:
    mail = read(raw)
    identity(raw, "shop")
    yield "no error", mail.error is None, None, mail.error
    yield "storable", storable(mail), None, None
    yield "all words kept", words(mail.text) + words(mail.quoted_text) == words(mail.full_text), None, mail.full_text
    yield from _reply(expected, mail.text)
    if "subject" in expected:
        yield "subject", folded(expected["subject"]) == folded(mail.subject), expected["subject"], mail.subject
    if "from_email" in expected:
        got = mail.sender.address if mail.sender else ""
        yield "from_email", (expected["from_email"] or "").lower() == got.lower(), expected["from_email"], got
    if expected.get("from_display_name") is not None:
        got = mail.sender.name if mail.sender else ""
        yield (
            "from_display_name",
            folded(expected["from_display_name"]) == folded(got),
            expected["from_display_name"],
            got,
        )
    if "message_id" in expected:
        yield "message_id", expected["message_id"] == mail.message_id, expected["message_id"], mail.message_id
    if "in_reply_to" in expected:
        wanted = expected["in_reply_to"]
        wanted = wanted if isinstance(wanted, list) else [wanted]
        yield "in_reply_to", all(one in mail.in_reply_to for one in wanted), wanted, mail.in_reply_to
    if expected.get("body_text") is not None:
        yield (
            "body_text",
            folded(expected["body_text"]) == folded(mail.full_text),
            expected["body_text"],
            mail.full_text,
        )
    if expected.get("body_html_text") is not None:
        got = html_text(body(parse(raw)[0]).html or "")
        yield "body_html_text", bare(expected["body_html_text"]) == bare(got), expected["body_html_text"], got
    if "attachment_count" in expected:
        got = [(each.name, each.content_type) for each in mail.attachments]
        yield "attachment_count", expected["attachment_count"] == len(got), expected["attachment_count"], got
    if "auto_submitted" in expected or expected.get("is_auto_reply"):
        yield "automatic", mail.automatic is not None, True, mail.automatic
    yield from _came_back(entry, expected, mail)


def _came_back(entry: dict, expected: dict, mail: Mail) -> Iterator[tuple[str, bool, object, object]]:
    reported = any(key in expected for key in ("is_feedback_report", "is_delivery_success"))
    if expected.get("is_bounce") or expected.get("is_bounce_mail_lineend_variant"):
        yield "bounce found", mail.bounce is not None, True, (mail.subject, mail.sender)
        yield "bounce is automatic", mail.automatic is not None, True, mail.automatic
    elif (
        not reported
        and "bounce" not in entry["path"]
        and entry["source"] not in ("sisimai", "flanker")
        and "multipart_report" not in expected
    ):
        yield "no false bounce", mail.bounce is None, None, (mail.subject, mail.bounce)
        yield "not automatic", mail.automatic is None, None, (mail.subject, mail.automatic)
    recipients = [one for one in expected.get("recipients", ()) if one.get("hard") is not None]
    if expected.get("is_bounce") and recipients and mail.bounce:
        hard = {one["hard"] for one in recipients}
        yield "hard or soft", mail.bounce.hard in hard, recipients, mail.bounce
        statuses = {one["status"] for one in recipients if one.get("status")}
        if statuses:
            yield "status class", mail.bounce.status[:1] in {one[:1] for one in statuses}, statuses, mail.bounce
            yield "status exact", mail.bounce.status in statuses, statuses, mail.bounce
        yield "recipient named", bool(mail.bounce.recipient), None, mail.bounce


def storable(mail: Mail) -> bool:
    """
    Tell whether every text of *mail* can be stored: no lone surrogate, no NUL.
    """
    strings = [
        mail.subject,
        mail.text,
        mail.quoted_text,
        mail.full_text,
        mail.html or "",
        mail.message_id,
        str(mail.sender),
    ]
    strings += [*mail.references, *mail.in_reply_to, *(str(one) for one in mail.to + mail.cc + mail.reply_to)]
    strings += [each.name + each.content_type + (each.content_id or "") for each in mail.attachments]
    strings += [mail.bounce.recipient + mail.bounce.status] if mail.bounce else []
    joined = "".join(strings)
    return "\0" not in joined and joined == joined.encode("utf-8", "replace").decode("utf-8")


def figures() -> tuple[Counter, Counter, list[tuple[str, str, object, object]]]:
    right: Counter = Counter()
    total: Counter = Counter()
    wrong = []
    for entry in labelled():
        for figure, is_right, expected, got in verdicts(entry):
            total[figure] += 1
            right[figure] += is_right
            if not is_right:
                wrong.append((figure, entry["id"], expected, got))
    return right, total, wrong


if __name__ == "__main__":
    right, total, wrong = figures()
    for figure, of in total.items():
        sys.stdout.write(f"{figure:22} {right[figure]:5} of {of:5}  {right[figure] / of:7.1%}\n")
    if "-v" in sys.argv:
        for figure, which, expected, got in wrong:
            sys.stdout.write(f"\n[{figure}] {which}\n  wanted {expected!r:.600}\n  got    {got!r:.600}\n")
