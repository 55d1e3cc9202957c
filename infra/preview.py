"""
Every mail in every language, as a customer or an agent gets it, written to files: no AWS, no customer.

| in the folder | what it is |
|---|---|
| `index.html` | links all of them |
| `<storefront>/<mail>.<language>.html`, `.txt` | the two bodies, for a browser and a terminal |
| `<storefront>/<mail>.<language>.eml` | the whole mail, for a mail program |

`preview.yaml` holds the words that customers and agents would have written, in each language.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from html import escape
from pathlib import Path
from typing import Any

import yaml

from chalicelib.adapters import templates
from chalicelib.domain import agents
from chalicelib.domain.errors import DeskError
from chalicelib.domain.settings import storefront_from
from chalicelib.domain.storefront import SCALES, Storefront, SurveyForm
from chalicelib.mail.compose import Letter, compose
from infra.aws import Trouble
from infra.storefronts import documents

_SAMPLES = Path(__file__).with_name("preview.yaml")
_NUMBER, _CUSTOMER = "CL-7K3F9-Q2MXR", ("eva@customer.example", "Eva Martín")
_NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
_DESK = "https://desk.example"
_AGENT, _COLLEAGUE = "Ana García", "Lea"

# Each mail as it usually is, then the ways in which it can differ.
_SCENES: tuple[tuple[str, str, Mapping[str, object]], ...] = (
    ("ticket-received", "", {}),
    ("ticket-received", "unproven", {"subject": None, "missing": ()}),
    ("agent-reply", "", {}),
    ("agent-reply", "large-files", {"on_page": ("film.mp4",)}),
    ("silence-reminder", "", {}),
    ("silence-notice", "", {}),
    *((what, form, {"form": form.value, "scale": SCALES[form]})
      for what in ("survey-invitation", "survey-reminder") for form in SurveyForm),
    ("check-in", "", {"words": None}),
    ("check-in", "written", {}),
    ("digest", "", {}),
    ("digest", "quiet", {"sections": (), "spam_count": 0}),
    ("agent-notification", "assigned", {"occasion": "assigned"}),
    ("agent-notification", "named", {"occasion": "named", "writer": _COLLEAGUE, "files": ()}),
    ("agent-notification", "customer_wrote", {"occasion": "customer_wrote", "by": _CUSTOMER[1]}),
    *(("agent-refusal", trouble, {"trouble": trouble.value}) for trouble in agents.Trouble),
)  # fmt: skip


def preview(to: Path, storefronts_file: Path | None = None) -> int:
    """
    Write every mail of each storefront in *storefronts_file*, else of an invented one; return how many.

    Raises:
        Trouble: The file cannot be read, or is no storefront's settings; or *to* cannot be written.
    """
    samples = yaml.safe_load(_SAMPLES.read_text("utf-8"))
    storefronts = _storefronts(storefronts_file) if storefronts_file else [storefront_from(samples["storefront"])]
    rows, written = [], 0
    try:
        for storefront in storefronts:
            folder = to / storefront.id
            folder.mkdir(parents=True, exist_ok=True)
            for name, mails in _mails(storefront, samples["words"]):
                for language, letter in mails.items():
                    _write(folder / f"{name}.{language}", letter)
                rows.append((f"{storefront.id}/{name}", {each: letter.subject for each, letter in mails.items()}))
                written += len(mails)
        (to / "index.html").write_text(_index(rows), "utf-8")
    except OSError as error:
        raise Trouble(f"{to} cannot be written: {error.strerror}") from error
    return written


def _storefronts(file: Path) -> list[Storefront]:
    try:
        return [storefront_from(document) for document in documents(file)]
    except DeskError as error:
        raise Trouble(f"{file}: {error}") from error


def _mails(storefront: Storefront, words: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Letter]]]:
    for what, variation, changed in _SCENES:
        mails = {}
        for language in sorted(templates.languages()):
            said = words.get(language, words[templates.FALLBACK])
            told = (
                {"words": said["note" if variation == "named" else "question"]} if what == agents.NOTIFICATION else {}
            )
            rendered = templates.mail(what, language, {**_context(storefront, said), **told, **changed})
            sender, to = (storefront.support_address, storefront.name), _CUSTOMER
            mails[language] = Letter(sender, to, rendered.subject, rendered.text, rendered.html)
        yield f"{what}-{variation}" if variation else what, mails


def _context(storefront: Storefront, words: Mapping[str, str]) -> dict[str, object]:
    """Return all that any mail may ask for."""
    zone = storefront.calendar.time_zone
    waiting = {"reference": _NUMBER, "subject": words["subject"], "url": f"{_DESK}/v1/tickets/{_NUMBER}"}
    return {
        "storefront": templates.voice(storefront),
        "reference": _NUMBER,
        "subject": words["subject"],
        "customer_name": _CUSTOMER[1],
        "ticket_url": f"{_DESK}/tickets/7k3f9q2mxr.preview",
        "promise": {"by": _NOW + timedelta(hours=31), "time_zone": zone},
        "missing": ("order_reference", "photo"),
        "agent_name": _AGENT,
        "body": words["answer"],
        "on_page": (),
        "quoted": words["question"],
        "quoted_at": _NOW,
        "asked": words["answer"],
        "resolve_on": _NOW + timedelta(days=7),
        "survey_url": f"{_DESK}/surveys/7k3f9q2mxr.preview",
        "expires_on": _NOW + timedelta(days=14),
        "words": words["written"],
        "opt_out_url": f"{_DESK}/opt-outs/7k3f9q2mxr.preview",
        "day": _NOW.date(),
        "lead_name": "",
        "sections": (
            {"title_key": "due_today", "items": (waiting | {"due_at": _NOW + timedelta(hours=6)},), "more": False},
            {"title_key": "at_risk", "items": (waiting | {"due_at": _NOW - timedelta(days=1)},) * 2, "more": True},
            {"title_key": "silent_claims", "items": (waiting | {"due_at": None, "subject": ""},), "more": False},
        ),
        "spam_count": 3,
        "mark": agents.MARK,
        "by": _COLLEAGUE,
        "writer": _CUSTOMER[1],
        "files": ("lamp.jpg",),
        "note_address": "help+n0te@lumen.example",
    }


def _write(path: Path, letter: Letter) -> None:
    for ending, content in ((".html", letter.html.encode()), (".txt", letter.text.encode()), (".eml", compose(letter))):
        path.with_name(path.name + ending).write_bytes(content)


def _index(rows: list[tuple[str, dict[str, str]]]) -> str:
    body = "".join(
        f"<h2>{escape(name)}</h2>\n<ul>\n"
        + "".join(
            f'<li lang="{language}"><a href="{escape(name)}.{language}.html">{language}: {escape(subject)}</a>, '
            f'<a href="{escape(name)}.{language}.txt">txt</a>, <a href="{escape(name)}.{language}.eml">eml</a></li>\n'
            for language, subject in subjects.items()
        )
        + "</ul>\n"
        for name, subjects in rows
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>Mails</title>\n'
        "<style>:root { color-scheme: light dark } body { max-width: 50rem; margin: 2rem auto; padding: 0 1rem; "
        "font: 1rem/1.6 system-ui, sans-serif }</style>\n</head>\n<body>\n<h1>Mails</h1>\n"
        f"{body}</body>\n</html>\n"
    )
