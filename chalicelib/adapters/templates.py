"""
What customers read: mails and pages, made from the files under templates/.

| file | holds |
|---|---|
| strings/<language>.json | the words of pages, dates and lists (`t`); a language exists when its file does |
| mail/<what happened>/ | subject.txt, body.txt, body.html of one mail, and its words in each language (`w`): <language>.json |
| mail/layout.*, mail/parts.* | what all mails share |
| pages/<name>.html | a page, in every language |
| macros/ | ready answers: adapters/macros.py |
| compiled/ | in the package only: the templates as Python modules |

A value that a template asks for and does not get is an error. HTML escapes every value, and links lead to the web only.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape

from chalicelib.domain.storefront import Storefront
from chalicelib.frozen import frozen

if TYPE_CHECKING:
    from jinja2 import Environment

FOLDER = Path(__file__).parents[2] / "templates"
COMPILED = "compiled"
FALLBACK = "en"

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_CONTROL_IN_TEXT = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_PARAGRAPHS = re.compile(r"\n(?:[ \t]*\n)+")
_URL = re.compile(r"https?://[^\s<>\"]+", re.IGNORECASE)
_WEB = re.compile(r"(?:https?://(?=[^/?#])|/(?![/\\])|[?#])[^\s\\<>\"\x00-\x1f\x7f]*", re.IGNORECASE)
_ANSWERS = re.compile(r"(?:(?:re|aw|sv|antw|res|rif|r) ?(?:\[\d+\])?: ?)+", re.IGNORECASE)
_TELEPHONE = re.compile(r"\+?[\d ()./-]+")
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_DEFAULT_COLOUR, _WHITE, _BLACK = "#1f5fa8", "#ffffff", "#111418"
_ENOUGH_CONTRAST = 4.5
_LONGEST_SUBJECT = 200

Strings = Mapping[str, Any]


@frozen
class Rendered:
    subject: str
    text: str
    html: str


def languages() -> frozenset[str]:
    """Return the languages (ISO 639-1) in which customers are answered."""
    return frozenset(path.stem for path in (FOLDER / "strings").glob("*.json"))


def mail(what: str, language: str, context: Mapping[str, object]) -> Rendered:
    """
    Return the mail that tells *what* happened, in *language* (`es`, `es-MX`), else in English.

    Raises:
        jinja2.UndefinedError: The mail asks for something that *context* does not hold.
    """
    spoken = _spoken(language)
    if not (FOLDER / "mail" / what / f"{spoken}.json").is_file():
        spoken = FALLBACK
    told = {**context, "w": _words(f"mail/{what}/{spoken}.json")}
    subject, text, html = (
        _render(f"mail/{what}/{part}", spoken, told) for part in ("subject.txt", "body.txt", "body.html")
    )
    return Rendered(one_line(subject), plain(text) + "\n", html)


def page(name: str, language: str, context: Mapping[str, object]) -> str:
    """
    Return a page as HTML, in *language*, else in English.

    Raises:
        jinja2.UndefinedError: The page asks for something that *context* does not hold.
    """
    return _render(f"pages/{name}.html", _spoken(language), context)


def _spoken(language: str) -> str:
    main = language.casefold().replace("_", "-").partition("-")[0]
    return main if main in languages() else FALLBACK


def _render(template: str, language: str, context: Mapping[str, object]) -> str:
    strings = _words(f"strings/{language}.json")
    return _environment().get_template(template).render({**context, "t": strings, "language": language})


@cache
def _words(file: str) -> Strings:
    words: Strings = json.loads((FOLDER / file).read_text("utf-8"))
    return words


def compile_into(folder: Path) -> None:
    """Write each mail's and page's template as a Python module, which spares a cold start Jinja's compiler."""
    _environment().compile_templates(folder, zip=None, ignore_errors=False, filter_func=_is_template)


def _is_template(name: str) -> bool:
    return name.startswith(("mail/", "pages/")) and not name.endswith(".json")


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, ModuleLoader, StrictUndefined, pass_context, select_autoescape

    compiled = FOLDER / COMPILED
    environment = Environment(
        loader=ModuleLoader(compiled) if compiled.is_dir() else FileSystemLoader(FOLDER),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    for of_words in (
        one_line,
        plain,
        quoting,
        lines,
        row,
        blocks,
        linked_blocks,
        answering,
        href,
        dialled,
        rated,
        readable,
        ink,
        resolved,
    ):
        environment.filters[of_words.__name__] = of_words
    for of_language in (greeting, closing, moment, stamp, day, last_day, due, asked, size):
        environment.filters[of_language.__name__] = pass_context(of_language)
    environment.tests["web"] = is_web
    return environment


# Voice


def voice(storefront: Storefront) -> dict[str, object]:
    """Return what mails and pages show of a storefront."""
    return {
        "name": storefront.name,
        "colour": storefront.colour,
        "signature": storefront.signature,
        "voice": {language: asdict(voice) for language, voice in storefront.voice.items()},
        "support_address": storefront.support_address,
        "time_zone": storefront.calendar.time_zone,
        "contact": asdict(storefront.contact),
    }


def greeting(context: Mapping[str, Any], name: str, storefront: Mapping[str, Any]) -> str:
    """Greet *name*, or nobody by name, in the storefront's own words if it has some for this language."""
    own, usual = _voice(context, storefront), context["t"]["mail"]
    if not name:
        return str(own.get("hello") or usual["hello"])
    return str(own.get("greeting") or usual["greeting"]).replace("{name}", one_line(name))


def closing(context: Mapping[str, Any], tone: str, storefront: Mapping[str, Any]) -> str:
    """Say good-bye in the storefront's own words, else with regards or with thanks."""
    return str(_voice(context, storefront).get("closing") or context["t"]["mail"]["closing"][tone])


def _voice(context: Mapping[str, Any], storefront: Mapping[str, Any]) -> Mapping[str, str]:
    found: Mapping[str, str] = storefront.get("voice", {}).get(context["language"], {})
    return found


def phrases(language: str, name: str, storefront: Mapping[str, Any], promised_at: datetime | None) -> dict[str, str]:
    """
    Return what a ready answer says in the words of a language: greeting, closing, promised_date; "" for none.

    A language without strings has no greeting and no closing, and writes a day as ISO 8601 does.
    """
    by = _by(promised_at, storefront["time_zone"]) if promised_at else None
    if language not in languages():
        return {"greeting": "", "closing": "", "promised_date": f"{by:%Y-%m-%d}" if by else ""}
    context = {"t": _words(f"strings/{language}.json"), "language": language}
    return {
        "greeting": greeting(context, name, storefront),
        "closing": closing(context, "regards", storefront),
        "promised_date": _dated(context, "day", by) if by else "",
    }


# Words


def one_line(text: str) -> str:
    return " ".join(_CONTROL.sub(" ", str(text)).split())  # str() names what a template was not given


def plain(text: str) -> str:
    """Return *text* with LF between its lines, without control characters and without empty lines around it."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _CONTROL_IN_TEXT.sub("", text).strip("\n").rstrip()


def quoting(text: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in text.split("\n"))


def lines(text: str) -> Markup:
    return Markup("<br>").join(text.split("\n"))


def row(text: str) -> str:
    """Return the lines of *text* in one: `Calle Mayor 1, 28013 Madrid`."""
    return ", ".join(line for line in (one_line(each).rstrip(" ,;") for each in text.splitlines()) if line)


def blocks(text: str) -> Markup:
    """Return plain text as HTML paragraphs and lines."""
    return Markup().join(Markup("<p>{}</p>").format(lines(block)) for block in _PARAGRAPHS.split(plain(text)))


def linked_blocks(text: str) -> Markup:
    """Return plain text as HTML paragraphs and lines in which http and https addresses are links."""
    return Markup().join(
        Markup("<p>{}</p>").format(Markup("<br>").join(_linked(line) for line in block.split("\n")))
        for block in _PARAGRAPHS.split(plain(text))
    )


def _linked(line: str) -> Markup:
    linked, at = Markup(), 0
    for found in _URL.finditer(line):
        url = found[0].rstrip(".,;:!?'")
        if "(" not in url:
            url = url.rstrip(")].,;:!?'")
        if is_web(url):
            linked += escape(line[at : found.start()]) + Markup('<a href="{0}" rel="noreferrer">{0}</a>').format(url)
            at = found.start() + len(url)
    return linked + escape(line[at:])


def answering(subject: str, reference: str) -> str:
    """
    Return the subject of an answer: `Re: [CL-7K3F9-Q2MXR] Broken lamp`.

    The number stands where mail programs overlook it when they compare subjects (RFC 5256 2.1), so that the answer
    joins the customer's thread.
    """
    tag = f"[{reference}]"
    bare = _ANSWERS.sub("", one_line(subject.replace(tag, "")), count=1)
    short = bare if len(bare) <= _LONGEST_SUBJECT else bare[: _LONGEST_SUBJECT - 1].rstrip() + "…"
    return f"Re: {tag} {short}".rstrip()


# Words of a language: the first argument is where `t` is its strings.


def moment(context: Strings, at: datetime, time_zone: str) -> str:
    """Return by when: `Tuesday 3 March, 17:00 (Europe/Madrid)`. Midnight is 23:59, which names the day that people mean."""
    return _dated(context, "moment", _by(at, time_zone), zone=time_zone.replace("_", " "))


def stamp(context: Strings, at: datetime, time_zone: str) -> str:
    """Return when something was: `3 March 2026, 17:00`."""
    return _dated(context, "stamp", at.astimezone(ZoneInfo(time_zone)))


def day(context: Strings, on: date, time_zone: str = "UTC") -> str:
    """Return a day, or the day of a moment: `Friday 13 March 2026`."""
    return _dated(context, "day", on.astimezone(ZoneInfo(time_zone)) if isinstance(on, datetime) else on)


def last_day(context: Strings, expires_at: datetime, time_zone: str) -> str:
    """Return the last whole day before something expires: `Monday 16 March 2026`."""
    return _dated(context, "day", expires_at.astimezone(ZoneInfo(time_zone)) - timedelta(days=1))


def due(context: Strings, at: datetime, time_zone: str, today: date) -> str:
    """Return by when, for people who know the zone: `17:00`, or on another day `2 March 2026, 17:00`."""
    local = _by(at, time_zone)
    return local.strftime(context["t"]["dates"]["clock"]) if local.date() == today else _dated(context, "stamp", local)


def _by(at: datetime, time_zone: str) -> datetime:
    local = at.astimezone(ZoneInfo(time_zone))
    return local - timedelta(minutes=1) if (local.hour, local.minute) == (0, 0) else local


def _dated(context: Strings, form: str, on: date, **more: str) -> str:
    dates = context["t"]["dates"]
    words: str = dates[form].format(
        weekday=dates["weekdays"][on.weekday()],
        day=on.day if on.day > 1 else dates["first"],
        month=dates["months"][on.month - 1],
        year=on.year,
        time=on.strftime(dates["clock"]),
        **more,
    )
    return words


def asked(context: Strings, key: str) -> str:
    """Return in words what a kind of ticket asks for; a storefront's own key says itself."""
    words: str = context["t"]["missing"].get(key, key.replace("_", " "))
    return words


def size(context: Strings, count: int) -> str:
    """Return a number of bytes in words: `240 KB`, `1.2 MB`."""
    small, large = context["t"]["units"]
    kilobytes, megabytes = max(1, round(count / 1000)), f"{count / 1e6:.1f}".removesuffix(".0")
    if kilobytes < 1000:  # noqa: PLR2004
        return f"{kilobytes} {small}"
    return f"{megabytes.replace('.', context['t']['decimal'])} {large}"


# Links


def is_web(url: str) -> bool:
    """Tell whether *url* leads to a web page: http, https, or a place on this site."""
    return _WEB.fullmatch(str(url)) is not None


def href(url: str) -> str:
    return url if is_web(url) else "#"


def dialled(telephone: str) -> str:
    """Return the link that calls a number (RFC 3966), `tel:+34910000000`; "" for what is no number."""
    number = one_line(telephone)
    return (
        "tel:" + re.sub(r"[^\d+]", "", number) if _TELEPHONE.fullmatch(number) and re.search(r"\d{2}", number) else ""
    )


def rated(url: str, rating: int) -> str:
    return f"{url}{'&' if '?' in url else '?'}rating={rating}"


# Colours


def readable(colour: str, background: str) -> str:
    """Return the shade of a storefront's colour that is nearest to it and can be read on *background* (WCAG 2.2, 1.4.3)."""
    shade = _rgb(colour if _COLOUR.fullmatch(colour) else _DEFAULT_COLOUR)
    towards = _rgb(ink(background))
    for step in range(21):
        mixed = "#" + "".join(f"{round(a + (b - a) * step / 20):02x}" for a, b in zip(shade, towards, strict=True))
        if _contrast(mixed, background) >= _ENOUGH_CONTRAST:
            return mixed
    return ink(background)


def ink(background: str) -> str:
    """Return white or black, whichever is read more easily on *background*."""
    return max(_WHITE, _BLACK, key=lambda colour: _contrast(colour, background))


def _contrast(one: str, other: str) -> float:
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    """Return the relative luminance, 0 to 1 (WCAG 2.2, definitions)."""
    red, green, blue = (_linear(n / 255) for n in _rgb(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(share: float) -> float:
    return share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4  # noqa: PLR2004 sRGB's own


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


# OpenAPI


def resolved(node: Mapping[str, Any], document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what a part of an OpenAPI document stands for: itself, or where its `$ref` points in the document."""
    if "$ref" not in node:
        return node
    found: Any = document
    for name in str(node["$ref"]).removeprefix("#/").split("/"):
        found = found[name.replace("~1", "/").replace("~0", "~")]
    return resolved(found, document)
