"""
What one line of a mail shows: a quotation, an attribution, a header of an older mail, a signature, a lawyer's words.

Every search looks at each character once, so a line takes time in proportion to what is looked at of it.
"""

import re
from collections.abc import Iterable

from chalicelib.mail.reply_words import choices

LOOKED_AT = 400  # characters of a line that are looked at
_TAIL = 80  # characters at the end of an attribution that hold its verb
_LABEL_CAP = 60
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


def is_forward(subject: str, full: str) -> bool:
    """
    Tell whether a subject says that a mail is passed on: "Fwd: ...", and not "Re: Fwd: ...".

    "VS:" passes on in Danish and Norwegian; in Finnish it answers, and then *full* has Finnish labels in it.
    """
    first, *others = re.split("[:\uff1a]", subject.strip()[:_PREFIX_CAP], maxsplit=1)
    prefix = lower(first.strip())
    return bool(others) and prefix in _PASSED_ON and not (prefix == "vs" and "lähettäjä:" in full.lower())


def inner_attribution(line: str) -> int:
    """
    Return where an attribution begins inside *line*; 0: there is none.
    """
    if len(line) > LOOKED_AT or not _ENDS.search(line[-_TAIL:]) or opens(line):
        return 0
    if not mentions(line[-_TAIL:], _TOLD):
        return 0
    mailbox = _MAILBOX.search(line)
    last = mailbox.start() if mailbox else len(line)  # "Jane <jane@shop.example> on 3 May wrote:" is one attribution
    starts = [found.start() for found in _INNER_OPENER.finditer(line, 1) if _DATE.search(line, found.end())]
    return max((start for start in starts if start < last), default=0)


def is_rule(bare: str) -> bool:
    return _RULE.match(bare) is not None


def is_title(bare: str) -> bool | None:
    """
    Tell whether a line between dashes or ## stands over an older mail that is answered; None: it is no such line.
    """
    dashed = _DASHED.match(bare)
    if dashed and bare.endswith(_DASHED_ENDS):
        return mentions(dashed[1], _ORIGINAL + _TOLD) and not forwards(bare)
    if bare.startswith("##") and bare.endswith("##"):
        return mentions(bare, _ORIGINAL)
    return None


def may_attribute(bare: str) -> bool:
    """
    Tell whether an attribution may begin on this line: it looks like its beginning, or like the whole of it.
    """
    closed = closes(bare) and mentions(bare[-_TAIL:], _TOLD)
    return closed or opens(bare) or _FRAMED_MAILBOX.search(bare) is not None


def closes(joined: str) -> bool:
    return lower(joined).endswith(_ENDINGS)


def begins_signature(bare: str) -> bool:
    return _SIGNATURE.match(bare) is not None or is_footer(bare) or is_device(bare)


def is_footer(bare: str) -> bool:
    return _FOOTER.match(bare) is not None


def has_link(line: str) -> bool:
    return _LINK.search(line) is not None


def has_mailbox(line: str) -> bool:
    return _MAILBOX.search(line) is not None


def has_time(line: str) -> bool:
    return _TIME.search(line) is not None


def announces(bare: str) -> bool:
    """
    Tell whether a line is one that programs put over an older mail: a rule, or "Forwarded message" and its like.
    """
    dashed = _DASHED.match(bare)
    original = dashed is not None and mentions(dashed[1], _ORIGINAL)
    return _RULE.match(bare) is not None or original or forwards(bare)


def labelled(line: str) -> str | None:
    """
    Return which header of an older mail *line* shows, in any language: sender, sent, to or subject; None for none.
    """
    label = _LABEL.match(line[:_LABEL_CAP])
    return _KINDS.get(label[1].strip(" *_\xa0").lower()) if label else None


def lower(text: str) -> str:
    """
    Return *text* in lower case, a Turkish dotted I and a printer's apostrophe as the plain ones.
    """
    return text.lower() if text.isascii() else text.lower().replace("i\u0307", "i").replace("\u2019", "'")


def looked_at(line: str) -> str:
    """
    Return what is looked at of *line*: its beginning, without the marks for the direction of writing.
    """
    return line[:LOOKED_AT] if line.isascii() else line[:LOOKED_AT].translate(DIRECTIONS)


def is_quote(line: str) -> bool:
    return _QUOTE.match(line) is not None and not line.rstrip().endswith("<<")


def opens(text: str) -> bool:
    """
    Tell whether *text* begins as an attribution does: with "On", "Am" and so on, a weekday cut short, or a figure.
    """
    first = _FIRST_WORD.match(text)
    return first is not None and (first[1] is not None or first[3] is not None or first[2].lower() in _OPENS)


def mentions(text: str, phrases: Iterable[str]) -> bool:
    """
    Tell whether one of *phrases* stands in *text*, as whole words where its script parts words by blanks.
    """
    lowered = f" {lower(text)} "
    for phrase in phrases:
        at = lowered.find(phrase)
        while at >= 0:
            after = at + len(phrase)
            if phrase[-1] >= _SPACELESS or not (lowered[at - 1].isalnum() or lowered[after].isalnum()):
                return True
            at = lowered.find(phrase, after)
    return False


def attributes(joined: str, *, quoted: bool) -> bool:
    """
    Tell whether *joined* introduces a quotation. With `>` lines after it less is asked than without.
    """
    dated = _DATE.search(joined) is not None
    if not dated or not opens(joined):
        told = mentions(joined, _TOLD) if quoted else dated and mentions(joined, _WROTE) and _TIME.search(joined)
        return bool(told) and (_MAILBOX if quoted else _FRAMED_MAILBOX).search(joined) is not None
    if quoted:
        return _MAILBOX.search(joined) is not None or mentions(joined, _TOLD)
    timed = _TIME.search(joined) is not None
    if _FRAMED_MAILBOX.search(joined):
        return (timed and _ENDS_MAILBOX.search(joined) is not None) or mentions(joined, _TOLD)
    return timed and _ENDS.search(joined[-_TAIL:]) is not None and mentions(joined, _WROTE)


def is_wrapped(quoted: str, line: str) -> bool:
    """
    Tell whether *line*, between two quoted ones, is the end of the first: a program wrapped it and forgot the mark.
    """
    broken_link = "://" in quoted and " " not in line.strip()
    return broken_link or (len(quoted) >= _WRAPPED_AT and not line.lstrip()[:1].isupper())


def forwards(bare: str) -> bool:
    dashed = _DASHED.match(bare)
    begins = bare.endswith(":") and _BEGINS_FORWARD.match(bare) is not None
    said = lower(dashed[1]) if dashed else lower(bare) if begins else ""
    return any(phrase in said for phrase in _FORWARDED)


def is_disclaimer(said: str) -> bool:
    """
    Tell a paragraph that forbids strangers to read the mail, in lower case, from what a customer says.
    """
    if len(said) < _DISCLAIMER_LEAST or not mentions(said[:_DISCLAIMER_CAP], _MESSAGE):
        return False
    return any(word in said[:_DISCLAIMER_CAP] for word in _SECRET) and any(word in said for word in _STRANGER)


def is_device(bare: str) -> bool:
    """
    Tell "Sent from my phone" from a sentence that begins like it.
    """
    bare = _FRAMED.sub("", bare)
    if len(bare) > _DEVICE_CAP or not lower(bare.lstrip("*_[ ")).startswith(_DEVICE):
        return False
    return len(bare.split()) <= _DEVICE_WORDS and not _SENTENCE.search(bare)
