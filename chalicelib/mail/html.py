"""
HTML to text, in one pass over the markup.

Blocks become lines, quotations (`blockquote`) get a `> ` as in plain mail, a rule becomes a line of underscores. What a
mail program frames as the older mail in another way is told by line, and what it hides is left out. Tags are found by
plain searches that never go back, so the work is linear in whatever a stranger sends.

| cap | figure | over it |
|---|---|---|
| HTML | 1 MB | the text is taken from what comes before |
| tags | 20,000 | the text goes on, without lines; the HTML is not to be shown |
| entities (`&amp;`) | 50,000 | the text goes on, the HTML is not to be shown |
| levels | 200 | the text goes on, the HTML is not to be shown |
| blocks x formats that are open around them | 200,000 | likewise: a browser's parser repeats each format in each block |
| levels of quotation | 10 | shown as the tenth |
"""

import html
import re
from dataclasses import dataclass, field

from chalicelib.frozen import frozen

SIZE_CAP = 1024 * 1024
LEVEL_CAP = 200
TAG_CAP = 20_000
ENTITY_CAP = 50_000
STRAIN_CAP = 200_000
QUOTE_CAP = 10
RULE = "_" * 32

_BLOCKS = frozenset(
    [
        "address",
        "article",
        "aside",
        "blockquote",
        "body",
        "center",
        "dd",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figure",
        "footer",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hr",
        "html",
        "li",
        "main",
        "nav",
        "ol",
        "option",
        "p",
        "pre",
        "section",
        "table",
        "tbody",
        "tfoot",
        "thead",
        "title",
        "tr",
        "ul",
    ]
)
_SPACED = frozenset(["blockquote", "h1", "h2", "h3", "h4", "h5", "h6", "ol", "p", "pre", "table", "ul"])
_UNSEEN = ("script", "style", "title")
_VOID = frozenset(
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"]
)
# Elements that the next of their kind closes, as people leave them open.
_SELF_CLOSING = frozenset(["dd", "dt", "li", "option", "p", "tbody", "td", "tfoot", "th", "thead", "tr"])
_FORMATS = frozenset(["a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u"])
_HIDDEN = re.compile(r"(?:display\s*+:\s*+none|mso-hide\s*+:\s*+all|visibility\s*+:\s*+hidden)", re.IGNORECASE)
# How mail programs frame the mail that is answered: an element around the line that introduces its blockquote, an
# element around all of it, or a mark from which on all is of it.
_INTRODUCTIONS = re.compile(
    r"""class\s*+=\s*+["']?[^"'>]{0,80}?(?:gmail_quote|gmail_attr|protonmail_quote|tutanota_quote|moz-cite-prefix|AppleOriginalContents)""",
    re.IGNORECASE,
)
_FRAMES = re.compile(
    r"""(?:class|id|data-marker)\s*+=\s*+["']?[^"'>]{0,80}?(?:yahoo_quoted|yahoo-quoted|__QUOTED_TEXT__|zmail_extra)"""
    r"""|\bname\s*+=\s*+["']?quote["'\s>]""",
    re.IGNORECASE,
)
_MARKS = re.compile(
    r"""id\s*+=\s*+["']?(?:x_|m_\d{1,25})*(?:appendonsend|divRplyFwdMsg|OLK_SRC_BODY_SECTION|zwchr(?![^>]{0,80}__DIVIDER__)|stopSpelling|replySplit|"""
    r"""mail-editor-reference-message-container|ms-outlook-mobile-reference-message)"""
    r"""|style\s*+=\s*+["']?border:\s?none;\s?border-top:\s?solid\s#?\w{3,12}\s1\.0pt;\s?padding:\s?3\.0pt""",
    re.IGNORECASE,
)
_INDENTS = re.compile(
    r"margin(?:-left)?:\s?(?:0(?:px)?\s){0,3}40px;\s?border:\s?(?:none|medium)|webkit-indent|border:\s?none;\s?padding:\s?0",
    re.IGNORECASE,
)
_ALT = re.compile(r"""\balt\s*+=\s*+(?:"([^"]{1,200})"|'([^']{1,200})')""", re.IGNORECASE)
_EMOJI_CAP = 8
_ATTRIBUTES_CAP = 400
_INTRODUCTION_LINES = 6
# A tag up to its end, where it has no attributes to speak of; else its name.
_TAG = re.compile(r"<(?:(/?[a-zA-Z][a-zA-Z0-9:_-]{0,40})(?:\s?/?>)?|[!?])")
_ANY_TAG = re.compile(r"<[^<>]*+>")
_TAG_STOP = re.compile(r""">|=\s*+(["'])""")
_LONG_NUMBER = re.compile(r"&#(?:x[0-9a-fA-F]{8,}+|[0-9]{8,}+);?", re.IGNORECASE)
_SPACE = re.compile(r"[ \t\r\n\f]+")
_FILLER = re.compile("[\u00ad\u200b\u2060\ufeff]")


Token = tuple[str, str, str]
"""A tag as its lower-case name (a closing one with a "/" before it), the text before it, and its attributes as sent."""


@frozen
class Layout:
    """
    The lines of a page, and the numbers of those that its mail program framed as the mail that is answered.
    """

    lines: tuple[str, ...]
    quoted: frozenset[int] = frozenset()


@dataclass(slots=True)
class _Page:
    """
    The lines so far, and where the walk stands.

    *frame* is the element that frames an older mail, and how many of its name are open in it; `("", 1)` goes to the end.
    *introduced_at* is the line from which on a blockquote may be introduced.
    """

    lines: list[str] = field(default_factory=list)
    framed: set[int] = field(default_factory=set)
    frame: tuple[str, int] | None = None
    introduced_at: int | None = None
    plain_indents: list[bool] = field(default_factory=list)
    alts: list[str] = field(default_factory=list)
    line: list[str] = field(default_factory=list)
    quotes: int = 0
    verbatim: int = 0
    cells: int = 0

    def write(self, said: str) -> None:
        if self.verbatim:
            first, *others = said.replace("\r\n", "\n").split("\n")
            self.line.append(first)
            for other in others:
                self.end_line()
                self.line.append(other)
        else:
            self.line.append(_SPACE.sub(" ", said))

    def end_line(self) -> None:
        joined = "".join(self.line)
        said = joined.rstrip() if self.verbatim else _SPACE.sub(" ", joined).strip()
        if self.frame:
            self.framed.add(len(self.lines))
        self.lines.append((self._marks() + said).rstrip())
        self.line = []
        self.cells = 0

    def end_block(self, *, spaced: bool = False) -> None:
        if any(said.strip() for said in self.line):
            self.end_line()
        self.line = []
        if spaced and self.lines and self.lines[-1].strip("> "):
            self.framed.update([len(self.lines)] if self.frame else ())
            self.lines.append(self._marks().rstrip())

    def _marks(self) -> str:
        return "> " * min(self.quotes, QUOTE_CAP)


def text(markup: str) -> str:
    """
    Return what a reader of *markup* would see, as plain text.
    """
    return "\n".join(laid_out(tokens(markup)).lines)


def laid_out(found: list[Token]) -> Layout:
    """
    Return a page in lines.
    """
    page = _Page()
    for tag, said, attributes in _seen(found):
        if said:
            page.write(_plain(said))
        if tag:
            _lay_out(page, tag, attributes)
    page.end_block()
    if page.alts and not any(page.lines):
        return Layout(tuple(f"[{alt}]" for alt in page.alts))
    return _without_blank_ends(page)


def _without_blank_ends(page: _Page) -> Layout:
    first = next((number for number, line in enumerate(page.lines) if line), len(page.lines))
    lines = page.lines[first:]
    while lines and not lines[-1]:
        lines.pop()
    return Layout(tuple(lines), frozenset(number - first for number in page.framed if 0 <= number - first < len(lines)))


def _seen(found: list[Token]) -> list[Token]:
    """
    Return the tokens without the elements that are not to be seen, such as the preview text of a newsletter.

    An element that is never closed is not believed: it would hide the whole mail.
    """
    if not any(_HIDDEN.search(attributes) for _, _, attributes in found if attributes):
        return found
    out: list[Token] = []
    unclosed: set[str] = set()
    at = 0
    while at < len(found):
        tag, said, attributes = found[at]
        hidden = attributes and tag not in _VOID and tag not in unclosed and _HIDDEN.search(attributes)
        end = _closing(found, at) if hidden else 0
        if end:
            out.append(("", said, ""))
            at = end
        else:
            unclosed |= {tag} if hidden else set()
            out.append(found[at])
        at += 1
    return out


def _closing(found: list[Token], at: int) -> int:
    """
    Return where the element that opens at *at* is closed; 0 if it is not.
    """
    name, depth = found[at][0], 0
    for number in range(at, len(found)):
        tag = found[number][0]
        depth += (tag == name) - (tag == f"/{name}")
        if depth == 0:
            return number
    return 0


def refusal(markup: str, found: list[Token]) -> str | None:
    """
    Return in words why a page must not be shown as HTML; None for one that may be.
    """
    if len(markup) > SIZE_CAP:
        return "HTML over 1 MB"
    if len(found) > TAG_CAP or markup.count("<") > 2 * TAG_CAP:
        return f"HTML over {TAG_CAP:,} tags"
    if markup.count("&") > ENTITY_CAP:
        return f"HTML over {ENTITY_CAP:,} entities"
    depth, strain = _burden(found)
    if depth > LEVEL_CAP:
        return f"HTML over {LEVEL_CAP} levels"
    return "HTML with too many formats left open" if strain > STRAIN_CAP else None


def _burden(found: list[Token]) -> tuple[int, int]:
    """
    Return how deep the elements are nested, as an upper bound (tags that were never closed count), and how many
    formats a parser has to repeat in blocks.
    """
    depth = deepest = formats = strain = 0
    for tag, _, _ in found:
        name = tag.removeprefix("/")
        step = -1 if tag.startswith("/") else 1
        if name in _FORMATS:
            formats = max(0, formats + step)
        elif step == 1:
            strain += formats
        if tag and name not in _VOID and name not in _SELF_CLOSING:
            depth = max(0, depth + step)
            deepest = max(deepest, depth)
    return deepest, strain


def _lay_out(page: _Page, tag: str, attributes: str) -> None:
    name = tag.removeprefix("/")
    closing = tag.startswith("/")
    if name == "br":
        page.end_line()
    elif name in ("td", "th"):
        if not closing and page.cells:
            page.write(" ")
        page.cells += 1
    elif name in _BLOCKS:
        page.end_block(spaced=name in _SPACED)
    _frame(page, name, attributes, closing=closing)
    if name == "hr":
        page.framed.update([len(page.lines)] if page.frame or "__DIVIDER__" in attributes else ())
        page.lines.append(RULE)
    elif name == "li" and not closing:
        page.write("- ")
    elif name == "blockquote":
        _quote(page, attributes, closing=closing)
    elif name == "pre":
        page.verbatim = max(0, page.verbatim + (-1 if closing else 1))
    elif name == "img" and attributes:
        _picture(page, attributes)


def _quote(page: _Page, attributes: str, *, closing: bool) -> None:
    """
    Begin or end a quotation; an indented paragraph is none, though programs write it with the same element.
    """
    if closing:
        page.quotes -= bool(page.plain_indents and not page.plain_indents.pop())
        return
    indents = "cite" not in attributes.lower() and _INDENTS.search(attributes) is not None
    page.plain_indents.append(indents)
    page.quotes += not indents
    if page.introduced_at is not None and not indents:
        said = [number for number in range(page.introduced_at, len(page.lines)) if page.lines[number]]
        page.framed.update(said if len(said) <= _INTRODUCTION_LINES else ())
        page.introduced_at = None


def _frame(page: _Page, name: str, attributes: str, *, closing: bool) -> None:
    if page.frame is None:
        if closing or not attributes:
            return
        if _MARKS.search(attributes):
            page.end_block()
            page.frame = ("", 1)
        elif name != "blockquote" and _FRAMES.search(attributes):
            page.end_block()
            page.frame = (name, 1)
        elif name != "blockquote" and _INTRODUCTIONS.search(attributes):
            page.end_block()
            page.introduced_at = len(page.lines)
    elif name == page.frame[0]:
        depth = page.frame[1] + (-1 if closing else 1)
        if depth == 0:
            page.end_block()
        page.frame = (name, depth) if depth else None


def _picture(page: _Page, attributes: str) -> None:
    """
    Write the picture of a face as the character it stands for; the words of other pictures are kept for a page that
    has no others.
    """
    found = _ALT.search(attributes)
    alt = _plain((found[1] or found[2] or "") if found else "").strip()
    if alt and len(alt) <= _EMOJI_CAP and not any(character.isalnum() or character.isascii() for character in alt):
        page.write(alt)
    elif alt:
        page.alts.append(" ".join(alt.split()))


def _plain(said: str) -> str:
    # html.unescape would turn thousands of digits into one number, which Python refuses.
    said = html.unescape(_LONG_NUMBER.sub("\ufffd", said))
    return _FILLER.sub("", said.replace("\xa0", " "))


def tokens(markup: str) -> list[Token]:
    """
    Return the tags of a page in order, each with the text before it.
    """
    markup = markup[:SIZE_CAP]
    found: list[Token] = []
    scanner = _Scanner(markup)
    at = 0
    while (opened := _TAG.search(markup, at)) and len(found) < TAG_CAP:
        end = opened.end() if opened[0][-1] == ">" else scanner.end_of_tag(opened.start())
        if end < 0:
            break
        tag = (opened[1] or "").lower()
        attributes = markup[opened.end() : min(end - 1, opened.end() + _ATTRIBUTES_CAP)] if end > opened.end() else ""
        found.append((tag, markup[at : opened.start()], attributes))
        at = scanner.after_unseen(tag, end) if tag in _UNSEEN else end
    found.append(("", _ANY_TAG.sub(" ", markup[at:]) if len(found) >= TAG_CAP else markup[at:], ""))
    return found


class _Scanner:
    """
    Finds where tags end. What it did not find once it never looks for again: that keeps the whole walk linear.
    """

    def __init__(self, markup: str) -> None:
        self.markup = markup
        self.lowered = markup.lower()
        self.missing: set[str] = set()
        self.quotes_count = True

    def find(self, wanted: str, at: int) -> int:
        if wanted in self.missing:
            return -1
        found = self.lowered.find(wanted, at)
        if found < 0:
            self.missing.add(wanted)
        return found

    def end_of_tag(self, at: int) -> int:
        """
        Return the position after the tag or comment at *at*; -1 if it has no end.
        """
        if self.markup.startswith("<!--", at):
            end = self.find("-->", at + 2)
            if end >= 0:
                return end + 3
        if self.quotes_count:
            end = self._end_beyond_quotes(at)
            if end >= 0:
                return end
            # Quotes that never close: from here on they mean nothing.
            self.quotes_count = False
        return self.find(">", at) + 1 or -1

    def _end_beyond_quotes(self, at: int) -> int:
        while stop := _TAG_STOP.search(self.markup, at):
            if stop[0] == ">":
                return stop.end()
            at = self.find(stop[1], stop.end()) + 1
            if at == 0:
                return -1
        return -1

    def after_unseen(self, tag: str, at: int) -> int:
        """
        Return where reading goes on after an element whose content is not shown.
        """
        closing = self.find(f"</{tag}", at)
        end = self.find(">", closing) if closing >= 0 else -1
        return end + 1 if end >= 0 else at
