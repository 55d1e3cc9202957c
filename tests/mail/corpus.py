"""
The reader's figures over a folder of real mail with labels, when it is there.

| `python -m tests.mail.corpus` | |
|---|---|
| | every figure, over all sources, over those that the rules were made with, and over those kept aside |
| `--sources` | each source by itself |
| `-v` | what was read otherwise than its label says; never of the sources kept aside |

The rules are made by hand, so no training can leave a source out. In place of that, KEPT_ASIDE names sources whose misses
nobody looks at while rules are made: the last column is what the rules do on mail that they were not made for. (They were
named after the first rules had been made with all sources in view, and before all later ones.)
"""

import argparse
import email
import email.policy
import json
import re
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

from chalicelib.mail.body import body, charset_hint
from chalicelib.mail.charsets import decode
from chalicelib.mail.html import Layout, laid_out, tokens
from chalicelib.mail.html import text as html_text
from chalicelib.mail.identity import identity
from chalicelib.mail.mime import parse
from chalicelib.mail.reader import Mail, read
from chalicelib.mail.reply import split

KEPT_ASIDE = frozenset(["alfonsrv_mail_parser_reply", "willdurand_email_reply_parser", "webklex", "flanker"])

# What is to be reached, and of which verdicts it is made.
FIGURES = {
    "no exception": (("no error",), "100 %"),
    "no lone surrogate, no NUL": (("storable",), "100 %"),
    "no lost part": (("no lost part",), "100 %"),
    "every word in one of the two texts": (("all words kept",), "100 %"),
    "subject, sender, body as stated": (("subject", "from_email", "from_display_name", "body_text"), ">= 97 %"),
    "reply_text exact": (("reply_text", "reply_text (html)"), ">= 88 %"),
    "other words of a reply as stated": (("reply_regex", "reply_contains", "reply_not_contains"), ""),
    "attachments as many as stated": (("attachment_count",), ""),
    "bounces found": (("bounce found",), ">= 98 %"),
    "other mail that is no bounce": (("no false bounce",), ">= 99 %"),
    "first digit of the status": (("status class",), ">= 97 %"),
    "feedback reports found": (("complaint found",), ""),
    "automatic mail known": (("automatic", "bounce is automatic"), ""),
}
_TIMED_RUNS = 3

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
    lost = lost_parts(raw, mail)
    yield "no lost part", not lost, [], lost
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
    elif not reported and _is_no_bounce(entry, expected):
        yield "no false bounce", mail.bounce is None, None, (mail.subject, mail.bounce)
        yield "not automatic", mail.automatic is None, None, (mail.subject, mail.automatic)
    if expected.get("is_feedback_report"):
        yield "complaint found", mail.complaint is not None, True, (mail.subject, mail.automatic)
    recipients = [one for one in expected.get("recipients", ()) if one.get("hard") is not None]
    if expected.get("is_bounce") and recipients and mail.bounce:
        hard = {one["hard"] for one in recipients}
        yield "hard or soft", mail.bounce.hard in hard, recipients, mail.bounce
        statuses = {one["status"] for one in recipients if one.get("status")}
        if statuses:
            yield "status class", mail.bounce.status[:1] in {one[:1] for one in statuses}, statuses, mail.bounce
            yield "status exact", mail.bounce.status in statuses, statuses, mail.bounce
        yield "recipient named", bool(mail.bounce.recipient), None, mail.bounce


# Sources that state nothing of their mails, and hold real bounces among them.
_SILENT = frozenset(["cpython", "enmime", "mikel_mail", "mimekit", "mime4j", "sisimai", "flanker"])


def _is_no_bounce(entry: dict, expected: dict) -> bool:
    return entry["source"] not in _SILENT and "bounce" not in entry["path"] and "multipart_report" not in expected


def lost_parts(raw: bytes, mail: Mail) -> list[str]:
    """
    Return the kinds of the parts that have words or bytes, and are neither in a text, in the HTML nor a file.
    """
    root, omitted = parse(raw)
    files = {each.content for each in mail.attachments}
    shown = bare(mail.full_text + (body(root).html or ""))
    lost = []
    for each in root.walk():
        content = b"" if each.children else each.content()
        said = words(decode(content, each.parameters.get("charset"), hint=charset_hint(root)))
        if said and content not in files and not any(word in shown for word in said):
            lost.append(each.content_type)
    return [] if omitted or mail.omitted else lost


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
    right, total, wrong = by_source()
    return sum(right.values(), Counter()), sum(total.values(), Counter()), wrong


def by_source() -> tuple[dict[str, Counter], dict[str, Counter], list[tuple[str, str, object, object]]]:
    """
    Return what was right and how many there were, `{source: {figure: count}}`, and what was wrong.
    """
    right: dict[str, Counter] = defaultdict(Counter)
    total: dict[str, Counter] = defaultdict(Counter)
    wrong = []
    for number, entry in enumerate(labelled(), 1):
        if sys.stderr.isatty():
            sys.stderr.write(f"\r{number} mails")
        for figure, is_right, expected, got in verdicts(entry):
            total[entry["source"]][figure] += 1
            right[entry["source"]][figure] += is_right
            if not is_right and entry["source"] not in KEPT_ASIDE:
                wrong.append((figure, entry["id"], expected, got))
    if sys.stderr.isatty():
        sys.stderr.write("\r" + " " * 20 + "\r")
    return right, total, wrong


def share(right: dict[str, Counter], total: dict[str, Counter], made_of: tuple[str, ...], sources: set[str]) -> str:
    of = sum(total[source][figure] for source in sources for figure in made_of)
    good = sum(right[source][figure] for source in sources for figure in made_of)
    return f"{good:5} of {of:5} {good / of:7.1%}" if of else f"{'-':>20}"


def table(right: dict[str, Counter], total: dict[str, Counter]) -> Iterator[str]:
    everything, aside = set(total), set(total) & KEPT_ASIDE
    yield f"{'':36} {'to reach':>9}  {'all sources':>20}  {'made with':>20}  {'kept aside':>20}"
    for name, (made_of, wanted) in FIGURES.items():
        columns = (everything, everything - aside, aside)
        shares = "  ".join(share(right, total, made_of, sources) for sources in columns)
        yield f"{name:36} {wanted:>9}  {shares}"


def source_table(right: dict[str, Counter], total: dict[str, Counter]) -> Iterator[str]:
    for source in sorted(total):
        yield f"\n{source}{' (kept aside)' if source in KEPT_ASIDE else ''}"
        for name, (made_of, _) in FIGURES.items():
            if any(total[source][figure] for figure in made_of):
                yield f"    {name:36} {share(right, total, made_of, {source})}"


def ratio() -> tuple[float, float]:
    """
    Return how long reading, cleaning and folding all mails takes, in the time of the standard library's policy.default
    for parsing the same ones; and which part of the mails the latter could not parse.
    """
    raws = [(FOLDER / entry["path"]).read_bytes() for entry in labelled() if entry["kind"] == "mime"]
    failed = 0

    def parse_by_default(raw: bytes) -> None:
        nonlocal failed
        try:
            email.message_from_bytes(raw, policy=email.policy.default)
        except Exception:  # noqa: BLE001 it is counted
            failed += 1

    pairs = [(_seconds(read, raws), _seconds(parse_by_default, raws)) for _ in range(_TIMED_RUNS)]
    return min(ours for ours, _ in pairs) / min(theirs for _, theirs in pairs), failed / _TIMED_RUNS / len(raws)


def _seconds(work: Callable[[bytes], object], raws: list[bytes]) -> float:
    start = time.process_time()
    for raw in raws:
        work(raw)
    return time.process_time() - start


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mail.corpus", description="How well real mail is read.")
    parser.add_argument("--sources", action="store_true", help="each source by itself as well")
    parser.add_argument("-v", "--verbose", action="store_true", help="what was read otherwise than its label says")
    args = parser.parse_args()
    if not (FOLDER / "index.jsonl").exists():
        sys.stderr.write(f"There is no mail to measure with in {FOLDER}: put a folder with an index.jsonl there.\n")
        return 1
    right, total, wrong = by_source()
    lines = [*table(right, total), *(source_table(right, total) if args.sources else ())]
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.write(f"{'time, to policy.default parsing':36} {'<= 1 x':>9}  {ratio()[0]:.2f} x\n")
    for figure, which, expected, got in wrong if args.verbose else ():
        sys.stdout.write(f"\n[{figure}] {which}\n  wanted {expected!r:.600}\n  got    {got!r:.600}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
