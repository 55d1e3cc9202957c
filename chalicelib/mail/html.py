"""
HTML to text, in one pass over the markup.

Blocks become lines, quotations (`blockquote`) get a `> ` as in plain mail, a rule becomes a line of underscores. Tags
are found by plain searches that never go back, so the work is linear in whatever a stranger sends.

| cap | figure | over it |
|---|---|---|
| HTML | 1 MB | the text is taken from what comes before |
| tags | 50,000 | the text goes on, without lines |
| levels | 200 | the text goes on, the HTML is not to be shown |
| levels of quotation | 10 | shown as the tenth |
"""

import html
import re
from dataclasses import dataclass, field

SIZE_CAP = 1024 * 1024
LEVEL_CAP = 200
TAG_CAP = 50_000
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
# A tag up to its end, where it has no attributes to speak of; else its name.
_TAG = re.compile(r"<(?:(/?[a-zA-Z][a-zA-Z0-9:_-]{0,40})(?:\s?/?>)?|[!?])")
_ANY_TAG = re.compile(r"<[^<>]*+>")
_TAG_STOP = re.compile(r""">|=\s*+(["'])""")
_LONG_NUMBER = re.compile(r"&#(?:x[0-9a-fA-F]{8,}+|[0-9]{8,}+);?", re.IGNORECASE)
_SPACE = re.compile(r"[ \t\r\n\f]+")
_FILLER = re.compile("[\u00ad\u200b\u2060\ufeff]")


Token = tuple[str, str]


@dataclass(slots=True)
class _Page:
    """
    The lines so far, and where the walk stands.
    """

    lines: list[str] = field(default_factory=list)
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
        self.lines.append((self._marks() + said).rstrip())
        self.line = []
        self.cells = 0

    def end_block(self, *, spaced: bool = False) -> None:
        if any(said.strip() for said in self.line):
            self.end_line()
        self.line = []
        if spaced and self.lines and self.lines[-1].strip("> "):
            self.lines.append(self._marks().rstrip())

    def _marks(self) -> str:
        return "> " * min(self.quotes, QUOTE_CAP)


def text(markup: str) -> str:
    """
    Return what a reader of *markup* would see, as plain text.
    """
    return laid_out(tokens(markup))


def laid_out(found: list[Token]) -> str:
    """
    Return the text of a page in lines.
    """
    page = _Page()
    for tag, said in found:
        if said:
            page.write(_plain(said))
        if tag:
            _lay_out(page, tag)
    page.end_block()
    return "\n".join(page.lines).strip("\n")


def levels(found: list[Token]) -> int:
    """
    Return how deep the elements of a page are nested, as an upper bound: tags that were never closed count.
    """
    depth = deepest = 0
    for tag, _ in found:
        if tag.startswith("/"):
            depth = max(0, depth - 1)
        elif tag and tag not in _VOID:
            depth += 1
            deepest = max(deepest, depth)
    return deepest


def _lay_out(page: _Page, tag: str) -> None:
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
    if name == "hr":
        page.lines.append(RULE)
    elif name == "li" and not closing:
        page.write("- ")
    elif name == "blockquote":
        page.quotes = max(0, page.quotes + (-1 if closing else 1))
    elif name == "pre":
        page.verbatim = max(0, page.verbatim + (-1 if closing else 1))


def _plain(said: str) -> str:
    # html.unescape would turn thousands of digits into one number, which Python refuses.
    said = html.unescape(_LONG_NUMBER.sub("\ufffd", said))
    return _FILLER.sub("", said.replace("\xa0", " "))


def tokens(markup: str) -> list[Token]:
    """
    Return (tag, text before it) in order: a tag as its lower-case name, a closing one with a "/" before it.
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
        found.append((tag, markup[at : opened.start()]))
        at = scanner.after_unseen(tag, end) if tag in _UNSEEN else end
    found.append(("", _ANY_TAG.sub(" ", markup[at:]) if len(found) >= TAG_CAP else markup[at:]))
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
