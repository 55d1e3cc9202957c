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

import re
from collections.abc import Container, Iterable

from chalicelib.frozen import frozen
from chalicelib.mail.reply_words import choices

LINE_CAP = 3_000
_LOOKED_AT = 400  # characters of a line that are looked at
_TAIL = 80  # characters at the end of an attribution that hold its verb
_LABEL_CAP = 60
_ATTRIBUTION_LINES = 4
_HEADER_LINES = 10
_SIGNATURE_LINES = 15
_FOOTER_LINES = 6
_WRAPPED_AT = 60  # a shorter quoted line was not wrapped
_DEVICE_CAP = 60
_DEVICE_WORDS = 9

_WROTE = choices("wrote")
_TOLD = choices("wrote") + choices("tells")
_ORIGINAL = choices("original")
_FORWARDED = choices("forwarded")
_DEVICE = choices("device")
_OPENS = frozenset(phrase.split()[0] for phrase in choices("opens"))
_KINDS = {label: kind for kind in ("subject", "to", "sent", "sender") for label in choices(kind)}
_PASSED_ON = frozenset(choices("passes_on"))
_PREFIX_CAP = 20
# What a disclaimer speaks of: the mail itself, that it is secret, and whom it was not meant for. All three are asked.
_MESSAGE = choices("mail")
_SECRET = choices("private")
_STRANGER = choices("stranger")
_DISCLAIMER_LEAST = 100
_DISCLAIMER_CAP = 600
_SPACELESS = "\u0e00"  # from Thai on there are scripts that are written without blanks

_FIRST_WORD = re.compile(r"\W*+(?:(\d)|([^\W\d]{1,30}+)([.,]{1,2}\s|\s\d)?)")
_INNER_OPENER = re.compile(rf"[ \t-]++(?=(?:{'|'.join(sorted(re.escape(word.capitalize()) for word in _OPENS))})\b)")
_ENDINGS = (":", "\uff1a", "--", ">", *_WROTE)
_ENDS = re.compile(r"(?:[:\uff1a]|-{2,}+)\s*+\Z")
_ENDS_MAILBOX = re.compile(r"[>)\]]\s*+[:\uff1a]\Z")
_FRAMED_MAILBOX = re.compile(r"[<(\[:][^\s<>()@]{1,64}+@[^\s@<>]")
_MAILBOX = re.compile(r"[^\s@<>]@[^\s@<>]")
_DATE = re.compile(
    r"(?<!\d)(?:19|20)\d\d(?!\d)|(?<!\d)\d{1,2}[./-]\d{1,2}[./-]\d{2,4}(?!\d)|(?<!\d)\d{1,2}[. -]{1,2}[^\W\d]{3,12}"
)
_TIME = re.compile(r"(?<!\d)\d{1,2}[:.h]\d{2}(?!\d)", re.IGNORECASE)

_QUOTE = re.compile(r"\s{0,3}>")
_DASHED = re.compile(r"[-_=*~]{2,}+\s*+([^-_=*~\s].{0,80})")
_DASHED_ENDS = ("--", "__", "==", "**", "~~", "-:")
_RULE = re.compile(r"[-_=*~\u2014 ]{3,}+\Z")
_SIGNATURE = re.compile(r"--\s*+\Z")
_FOOTER = re.compile(r"__+\s*+\Z")
_LINK = re.compile(r"https?:|www\.|[^\s@]@[^\s@]", re.IGNORECASE)
_FRAMED = re.compile(r"<[^<>]*+>|\([^()]*+\)")
_SENTENCE = re.compile(r"[,;!?]|\.(?:\s|\Z)")
_BEGINS_FORWARD = re.compile(r"(?:begin|anfang|début|debut|inicio|inizio|início)\b", re.IGNORECASE)
_LABEL = re.compile(r"[\s*_]*+([^\W\d_][^:\uff1a\n]{0,24})[:\uff1a]")
DIRECTIONS = dict.fromkeys(map(ord, "\u200e\u200f\u202a\u202b\u202c\u2066\u2067\u2068\u2069"))


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
        at = _inner_attribution(line) if _is_quote(following) and not _is_quote(line) else 0
        now.update([len(out)] if number in framed else ())
        out += [line[:at], line[at:]] if at else [line]
    return out + lines[LINE_CAP:], now


def _inner_attribution(line: str) -> int:
    """
    Return where an attribution begins inside *line*; 0: there is none.
    """
    if len(line) > _LOOKED_AT or not _ENDS.search(line[-_TAIL:]) or _opens(line):
        return 0
    if not _mentions(line[-_TAIL:], _TOLD):
        return 0
    mailbox = _MAILBOX.search(line)
    last = mailbox.start() if mailbox else len(line)  # "Jane <jane@shop.example> on 3 May wrote:" is one attribution
    starts = [found.start() for found in _INNER_OPENER.finditer(line, 1) if _DATE.search(line, found.end())]
    return max((start for start in starts if start < last), default=0)


def is_forward(subject: str, full: str) -> bool:
    """
    Tell whether a subject says that a mail is passed on: "Fwd: ...", and not "Re: Fwd: ...".

    "VS:" passes on in Danish and Norwegian; in Finnish it answers, and then *full* has Finnish labels in it.
    """
    first, *others = re.split("[:\uff1a]", subject.strip()[:_PREFIX_CAP], maxsplit=1)
    prefix = _lower(first.strip())
    return bool(others) and prefix in _PASSED_ON and not (prefix == "vs" and "lähettäjä:" in full.lower())


class _Folding:
    """
    One walk down the lines, which decides for each whether it is folded.
    """

    def __init__(self, lines: list[str], framed: Container[int] = (), *, forwarded: bool = False) -> None:
        self.lines = [_looked_at(line) for line in lines]
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
        if _is_quote(line):
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
        if head or _forwards(bare):
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
        return any(_forwards(line.strip()) for line in self.lines[at : at + _ATTRIBUTION_LINES])

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
        return following < len(self.lines) and _is_quote(self.lines[following])

    def _say(self, at: int, bare: str) -> None:
        """
        Keep a line visible, unless it turns out to belong to a signature.
        """
        if self.signature:
            self.signature.append(at)
            self.signature_lines += 1
            if self.signature_lines > (_FOOTER_LINES if self.footer else _SIGNATURE_LINES):
                self.signature = []
        elif self.said and (_SIGNATURE.match(bare) or _FOOTER.match(bare) or _is_device(bare)):
            self.signature = [at]
            self.signature_lines = 0
            self.footer = bare.startswith("__")
        elif not self.said and _is_device(bare) and self._next_said(at + 1) == len(self.lines):
            self.hidden[at] = True
        else:
            self.said = True

    def _end_signature(self) -> None:
        """
        Fold the signature; a footer that is only a line and some words is none.
        """
        linked = any(_LINK.search(self.lines[at]) for at in self.signature)
        if linked or not self.footer:
            for at in self.signature:
                self.hidden[at] = True
        self.signature = []

    def _fold_disclaimers(self) -> None:
        """
        Fold the last visible paragraphs that are a lawyer's words, if others stay.
        """
        for start, end in reversed(self._visible_paragraphs()):
            said = _lower(" ".join(line.strip() for line in self.lines[start:end]))
            if start == 0 or not _is_disclaimer(said):
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
        tight = following == at + 1 and following + 1 < len(self.lines) and _is_quote(self.lines[following + 1])
        if tight and _is_wrapped(self.lines[at], self.lines[following]):
            return self._hide(at, following + 1)
        return self._hide(at, at + 1)

    def _attribution(self, at: int, bare: str) -> int:
        """
        Return over how many lines an attribution ("On ... Jane <jane@shop.example> wrote:") goes from *at*; 0: none.
        """
        closes = _lower(bare).endswith(_ENDINGS) and _mentions(bare[-_TAIL:], _TOLD)
        if not closes and not _opens(bare) and not _FRAMED_MAILBOX.search(bare):
            return 0
        joined = ""
        for number in range(at, min(at + _ATTRIBUTION_LINES, len(self.lines))):
            line = self.lines[number]
            broken = joined.count("<") > joined.count(">")
            joined = f"{joined} {line.strip()}".strip()
            if not line.strip() or len(joined) > _LOOKED_AT or (_is_quote(line) and not broken):
                break
            if _lower(joined).endswith(_ENDINGS) and _attributes(joined, quoted=self._quotes_next(number)):
                return number - at + 1
        return 0

    def _head(self, at: int, bare: str) -> int:
        """
        Return over how many lines the head of an older mail goes from *at*; 0: there is none.
        """
        if _RULE.match(bare):
            following = self._next_said(at + 1)
            length = self._header_block(following)
            return length and following - at + length
        dashed = _DASHED.match(bare)
        if dashed and bare.endswith(_DASHED_ENDS):
            return int(_mentions(dashed[1], _ORIGINAL + _TOLD) and not _forwards(bare))
        if bare.startswith("##") and bare.endswith("##"):
            return int(_mentions(bare, _ORIGINAL))
        return self._header_block(at)

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
            addressed = addressed or _MAILBOX.search(line) is not None
            timed = timed or (kind == "sent" and _TIME.search(line) is not None)
        sure = "subject" in found or addressed or (timed and found >= {"sender", "to"})
        return max(1, number - at) if len(found) > 1 and sure else 0

    def _label(self, number: int) -> str | None:
        """
        Return which label of a header block the line *number* begins with, looking only once.
        """
        if number not in self.labels:
            self.labels[number] = labelled(self.lines[number])
        return self.labels[number]


def announces(bare: str) -> bool:
    """
    Tell whether a line is one that programs put over an older mail: a rule, or "Forwarded message" and its like.
    """
    dashed = _DASHED.match(bare)
    original = dashed is not None and _mentions(dashed[1], _ORIGINAL)
    return _RULE.match(bare) is not None or original or _forwards(bare)


def labelled(line: str) -> str | None:
    """
    Return which header of an older mail *line* shows, in any language: sender, sent, to or subject; None for none.
    """
    label = _LABEL.match(line[:_LABEL_CAP])
    return _KINDS.get(label[1].strip(" *_\xa0").lower()) if label else None


def _lower(text: str) -> str:
    """
    Return *text* in lower case, a Turkish dotted I and a printer's apostrophe as the plain ones.
    """
    return text.lower() if text.isascii() else text.lower().replace("i\u0307", "i").replace("\u2019", "'")


def _looked_at(line: str) -> str:
    """
    Return what is looked at of *line*: its beginning, without the marks for the direction of writing.
    """
    return line[:_LOOKED_AT] if line.isascii() else line[:_LOOKED_AT].translate(DIRECTIONS)


def _is_quote(line: str) -> bool:
    return _QUOTE.match(line) is not None and not line.rstrip().endswith("<<")


def _opens(text: str) -> bool:
    """
    Tell whether *text* begins as an attribution does: with "On", "Am" and so on, a weekday cut short, or a figure.
    """
    first = _FIRST_WORD.match(text)
    return first is not None and (first[1] is not None or first[3] is not None or first[2].lower() in _OPENS)


def _mentions(text: str, phrases: Iterable[str]) -> bool:
    """
    Tell whether one of *phrases* stands in *text*, as whole words where its script parts words by blanks.
    """
    lowered = f" {_lower(text)} "
    for phrase in phrases:
        at = lowered.find(phrase)
        while at >= 0:
            after = at + len(phrase)
            if phrase[-1] >= _SPACELESS or not (lowered[at - 1].isalnum() or lowered[after].isalnum()):
                return True
            at = lowered.find(phrase, after)
    return False


def _attributes(joined: str, *, quoted: bool) -> bool:
    """
    Tell whether *joined* introduces a quotation. With `>` lines after it less is asked than without.
    """
    dated = _DATE.search(joined) is not None
    if not dated or not _opens(joined):
        told = _mentions(joined, _TOLD) if quoted else dated and _mentions(joined, _WROTE) and _TIME.search(joined)
        return bool(told) and (_MAILBOX if quoted else _FRAMED_MAILBOX).search(joined) is not None
    if quoted:
        return _MAILBOX.search(joined) is not None or _mentions(joined, _TOLD)
    timed = _TIME.search(joined) is not None
    if _FRAMED_MAILBOX.search(joined):
        return (timed and _ENDS_MAILBOX.search(joined) is not None) or _mentions(joined, _TOLD)
    return timed and _ENDS.search(joined[-_TAIL:]) is not None and _mentions(joined, _WROTE)


def _is_wrapped(quoted: str, line: str) -> bool:
    """
    Tell whether *line*, between two quoted ones, is the end of the first: a program wrapped it and forgot the mark.
    """
    broken_link = "://" in quoted and " " not in line.strip()
    return broken_link or (len(quoted) >= _WRAPPED_AT and not line.lstrip()[:1].isupper())


def _forwards(bare: str) -> bool:
    dashed = _DASHED.match(bare)
    begins = bare.endswith(":") and _BEGINS_FORWARD.match(bare) is not None
    said = _lower(dashed[1]) if dashed else _lower(bare) if begins else ""
    return any(phrase in said for phrase in _FORWARDED)


def _is_disclaimer(said: str) -> bool:
    """
    Tell a paragraph that forbids strangers to read the mail, in lower case, from what a customer says.
    """
    if len(said) < _DISCLAIMER_LEAST or not _mentions(said[:_DISCLAIMER_CAP], _MESSAGE):
        return False
    return any(word in said[:_DISCLAIMER_CAP] for word in _SECRET) and any(word in said for word in _STRANGER)


def _is_device(bare: str) -> bool:
    """
    Tell "Sent from my phone" from a sentence that begins like it.
    """
    bare = _FRAMED.sub("", bare)
    if len(bare) > _DEVICE_CAP or not _lower(bare.lstrip("*_[ ")).startswith(_DEVICE):
        return False
    return len(bare.split()) <= _DEVICE_WORDS and not _SENTENCE.search(bare)
