"""
What is new in a reply, and what is only quoted.

Each line is looked at once, with a few neighbours at most, through searches that do not backtrack; so any text takes
time in proportion to its length. What is not surely quoted stays visible, and every word of the mail is in one of the
two texts.

| seen | folded |
|---|---|
| `>` lines | these lines, and what a program wrapped out of them |
| "On ... wrote:" with `>` lines after it | those |
| "On ... wrote:" without | all that follows |
| From/Sent/To/Subject, "-----Original Message-----" | all that follows |
| `-- `, "Sent from my ..." | the signature |
| a last paragraph about confidential mail that reached the wrong person | that paragraph |
| "---------- Forwarded message ----------" | nothing: what was forwarded is what the sender wants to show |

All that follows is folded only when something stands before it: a mail that begins with a quotation shows it.
"""

from collections.abc import Container, Iterable

from chalicelib.frozen import frozen
from chalicelib.mail import signs

LINE_CAP = 3_000
_ATTRIBUTION_LINES = 4
_HEADER_LINES = 10
_SIGNATURE_LINES = 15
_FOOTER_LINES = 6


@frozen
class Reply:
    """
    The two halves of a text.
    """

    text: str
    quoted_text: str


def split(full: str, *, framed: Container[int] = (), forwarded: bool = False) -> Reply:
    """
    Return what is new in *full*, and what it quotes.

    Lines after the first 3,000 go where the last of these went.

    Args:
        full: The text.
        framed: Numbers of the lines that the mail's HTML frames as the mail that is answered.
        forwarded: The subject says that the older mail is what the sender wants to show.
    """
    lines, framed_now = _parted(full.split("\n"), framed)
    hidden = _Folding(lines[:LINE_CAP], framed_now, forwarded=forwarded).hidden
    hidden += [hidden[-1]] * (len(lines) - len(hidden))
    return Reply(
        _trimmed(line for line, folded in zip(lines, hidden, strict=True) if not folded),
        _trimmed(line for line, folded in zip(lines, hidden, strict=True) if folded),
    )


def _trimmed(lines: Iterable[str]) -> str:
    joined = "\n".join(line.rstrip() for line in lines)
    return joined.rstrip().lstrip("\n")


def _parted(lines: list[str], framed: Container[int]) -> tuple[list[str], set[int]]:
    """
    Give a line like "thanks On Tuesday, 3 May 2022 Jane wrote:" over a quotation two lines.

    Returns:
        The lines, and the new numbers of those that are framed.
    """
    out: list[str] = []
    now: set[int] = set()
    for number, (line, following) in enumerate(zip(lines[:LINE_CAP], [*lines[1:LINE_CAP], ""], strict=False)):
        at = signs.inner_attribution(line) if signs.is_quote(following) and not signs.is_quote(line) else 0
        now.update([len(out)] if number in framed else ())
        out += [line[:at], line[at:]] if at else [line]
    return out + lines[LINE_CAP:], now


class _Folding:
    """
    One walk down the lines, which decides for each whether it is folded.
    """

    def __init__(self, lines: list[str], framed: Container[int] = (), *, forwarded: bool = False) -> None:
        self.lines = [signs.looked_at(line) for line in lines]
        self.framed = framed
        self.forwarded = forwarded
        self.hidden = [False] * len(lines)
        self.said = False  # something visible stands above
        self.signature: list[int] = []  # lines of what may be a signature, not yet folded
        self.signature_lines = 0
        self.footer = False
        self.labels: dict[int, str | None] = {}
        at = 0
        while at < len(lines):
            at = self._step(at)
        self._end_signature()
        self._fold_disclaimers()

    def _step(self, at: int) -> int:
        """
        Decide on the line *at*, and return the line to go on with.
        """
        line = self.lines[at]
        bare = line.strip()
        if not bare:
            if self.signature:
                self.signature.append(at)
            return at + 1
        if signs.is_quote(line):
            return self._quotation(at)
        if at in self.framed:
            if self.forwarded or self._shows_forward(at):
                self._end_signature()
                return len(self.lines)
            if self.said:
                return self._hide(at, self._end_of_frame(at))
            self.framed = ()
        attribution = self._attribution(at, bare)
        if attribution and self._quotes_next(at + attribution - 1):
            return self._hide(at, self._next_said(at + attribution))
        head = attribution or self._head(at, bare)
        if head and self.said and (attribution or not self.forwarded):
            return self._hide(at, len(self.lines))
        if head or signs.forwards(bare):
            self._end_signature()
            return len(self.lines)
        self._say(at, bare)
        return at + 1

    def _end_of_frame(self, at: int) -> int:
        """
        Return where a run of framed and blank lines ends.
        """
        while at < len(self.lines) and (at in self.framed or not self.lines[at].strip()):
            at += 1
        return at

    def _shows_forward(self, at: int) -> bool:
        return any(signs.forwards(line.strip()) for line in self.lines[at : at + _ATTRIBUTION_LINES])

    def _hide(self, start: int, end: int) -> int:
        self._end_signature()
        self.hidden[start:end] = [True] * (end - start)
        return end

    def _next_said(self, at: int) -> int:
        """
        Return the next line from *at* that is not blank, looking a few lines ahead.
        """
        for following in range(at, min(at + _ATTRIBUTION_LINES, len(self.lines))):
            if self.lines[following].strip():
                return following
        return len(self.lines)

    def _quotes_next(self, at: int) -> bool:
        following = self._next_said(at + 1)
        return following < len(self.lines) and signs.is_quote(self.lines[following])

    def _say(self, at: int, bare: str) -> None:
        """
        Keep a line visible, unless it turns out to belong to a signature.
        """
        if self.signature:
            self.signature.append(at)
            self.signature_lines += 1
            if self.signature_lines > (_FOOTER_LINES if self.footer else _SIGNATURE_LINES):
                self.signature = []
        elif self.said and signs.begins_signature(bare):
            self.signature = [at]
            self.signature_lines = 0
            self.footer = bare.startswith("__")
        elif not self.said and signs.is_device(bare) and self._next_said(at + 1) == len(self.lines):
            self.hidden[at] = True
        else:
            self.said = True

    def _end_signature(self) -> None:
        """
        Fold the signature; a footer that is only a line and some words is none.
        """
        linked = any(signs.has_link(self.lines[at]) for at in self.signature)
        if linked or not self.footer:
            for at in self.signature:
                self.hidden[at] = True
        self.signature = []

    def _fold_disclaimers(self) -> None:
        """
        Fold the last visible paragraphs that are a lawyer's words, if others stay.
        """
        for start, end in reversed(self._visible_paragraphs()):
            said = signs.lower(" ".join(line.strip() for line in self.lines[start:end]))
            if start == 0 or not signs.is_disclaimer(said):
                return
            self.hidden[start:end] = [True] * (end - start)

    def _visible_paragraphs(self) -> list[tuple[int, int]]:
        found: list[tuple[int, int]] = []
        open_at: int | None = None
        for at, line in enumerate([*self.lines, ""]):
            seen = bool(line.strip()) and not self.hidden[at]
            if seen and open_at is None:
                open_at = at
            elif not seen and open_at is not None:
                found.append((open_at, at))
                open_at = None
        return found

    def _quotation(self, at: int) -> int:
        """
        Fold a quoted line, the blank lines to the next quoted one, and one line that was wrapped out of it.
        """
        following = self._next_said(at + 1)
        if self._quotes_next(at):
            return self._hide(at, following)
        tight = following == at + 1 and following + 1 < len(self.lines) and signs.is_quote(self.lines[following + 1])
        if tight and signs.is_wrapped(self.lines[at], self.lines[following]):
            return self._hide(at, following + 1)
        return self._hide(at, at + 1)

    def _attribution(self, at: int, bare: str) -> int:
        """
        Return over how many lines an attribution ("On ... Jane <jane@shop.example> wrote:") goes from *at*; 0: none.
        """
        if not signs.may_attribute(bare):
            return 0
        joined = ""
        for number in range(at, min(at + _ATTRIBUTION_LINES, len(self.lines))):
            line = self.lines[number]
            broken = joined.count("<") > joined.count(">")
            joined = f"{joined} {line.strip()}".strip()
            if not line.strip() or len(joined) > signs.LOOKED_AT or (signs.is_quote(line) and not broken):
                break
            if signs.closes(joined) and signs.attributes(joined, quoted=self._quotes_next(number)):
                return number - at + 1
        return 0

    def _head(self, at: int, bare: str) -> int:
        """
        Return over how many lines the head of an older mail goes from *at*; 0: there is none.
        """
        if signs.is_rule(bare):
            following = self._next_said(at + 1)
            length = self._header_block(following)
            return length and following - at + length
        title = signs.is_title(bare)
        return self._header_block(at) if title is None else int(title)

    def _header_block(self, at: int) -> int:
        """
        Return over how many lines from *at* an older mail's headers go, as Outlook shows them; 0: there are none.
        """
        found: set[str] = set()
        addressed = timed = False
        number = at
        for number in range(at, min(at + _HEADER_LINES, len(self.lines))):
            line = self.lines[number]
            kind = self._label(number)
            if not line.strip() or (number == at and kind not in ("sender", "sent")):
                break
            found |= {kind} if kind else set()
            addressed = addressed or signs.has_mailbox(line)
            timed = timed or (kind == "sent" and signs.has_time(line))
        sure = "subject" in found or addressed or (timed and found >= {"sender", "to"})
        return max(1, number - at) if len(found) > 1 and sure else 0

    def _label(self, number: int) -> str | None:
        """
        Return which label of a header block the line *number* begins with, looking only once.
        """
        if number not in self.labels:
            self.labels[number] = signs.labelled(self.lines[number])
        return self.labels[number]
