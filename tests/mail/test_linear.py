"""
Twice the mail is at most twice the work: counted in steps, since clocks are no proof.
"""

from collections import Counter

import pytest

from chalicelib.mail import headers, html, mime, reply, signs

LINES = {
    "On": "On \n",
    "On ... wrote": "On 3 May 2022 at 10:00 x wrote\n",
    "wrote": "wrote wrote wrote wrote:\n",
    "dashes": "---- x ----\n",
    "rules": "_____\n",
    "quotes": "> x\n",
    "quotes and answers": "> x\ny\n",
    "blank": "\n",
    "blanks": "   \n",
    "labels": "From: x\n",
    "signatures": "-- \nx\n",
    "forwards": "Begin forwarded:\n",
    "parted": "x On 3 May 2022 On 3 May 2022 wrote:\n> x\n",
}


class Counting:
    """
    Counts how often each function of a class or module is called.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, where: object, *names: str) -> None:
        self.calls: Counter = Counter()
        for name in names:
            monkeypatch.setattr(where, name, self.counted(name, getattr(where, name)))

    def counted(self, name, function):
        def call(*args, **kwargs):
            self.calls[name] += 1
            return function(*args, **kwargs)

        return call


@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
def test_each_line_of_a_text_costs_the_same(monkeypatch, line):
    one = Counting(monkeypatch, reply._Folding, "_step", "_next_said", "_label", "_attribution", "_head")
    two = Counting(monkeypatch, signs, "mentions", "attributes", "opens", "is_quote", "is_device")

    def work(times: int) -> int:
        one.calls.clear()
        two.calls.clear()
        reply.split("hello\n" + line * times)
        return one.calls.total() + two.calls.total()

    few, many = work(500), work(1000)
    assert many <= 2 * few + 100
    assert many <= 60 * 2000


def test_lines_beyond_the_cap_cost_nothing(monkeypatch):
    counted = Counting(monkeypatch, reply._Folding, "_step")
    reply.split("hello\n" * (3 * reply.LINE_CAP))
    assert counted.calls["_step"] == reply.LINE_CAP


def test_of_a_long_line_only_the_beginning_is_looked_at():
    for long in ("On " * 100_000, "-" * 100_000, ">" * 100_000, " " * 100_000 + "x", "a@" * 100_000):
        assert {len(line) for line in reply._Folding([long]).lines} == {400}


MARKUP = ["<", "<a", "<!--", "<![", '<a b="', "<a b='\">", "<script>", "<pre>\n", "<blockquote>x<br>", "<td>x", "<a = "]
MARKUP += ["<a b='>", "</", "<!-- >", "<a b=\"'>", "<style>x</script>", "<a b=>", '<a b=">" ']


class Searched(str):
    """
    A text that counts how far it was searched.
    """

    __slots__ = ("distance",)

    def find(self, wanted, start=0, *rest):
        found = super().find(wanted, start, *rest)
        self.distance = getattr(self, "distance", 0) + (found if found >= 0 else len(self)) - start
        return found


class Pattern:
    """
    A pattern that counts how far it searched.
    """

    def __init__(self, pattern) -> None:
        self.pattern = pattern
        self.distance = 0

    def search(self, text, at):
        found = self.pattern.search(text, at)
        self.distance += (found.end() if found else len(text)) - at
        return found


@pytest.mark.parametrize("piece", MARKUP)
def test_markup_is_searched_once(monkeypatch, piece):
    scanners = []

    class Scanner(html._Scanner):
        def __init__(self, markup: str) -> None:
            super().__init__(markup)
            self.lowered = Searched(self.lowered)
            scanners.append(self)

    monkeypatch.setattr(html, "_Scanner", Scanner)
    tag, stop = Pattern(html._TAG), Pattern(html._TAG_STOP)
    monkeypatch.setattr(html, "_TAG", tag)
    monkeypatch.setattr(html, "_TAG_STOP", stop)

    def work(times: int) -> int:
        tag.distance = stop.distance = 0
        html.tokens(piece * times)
        return tag.distance + stop.distance + getattr(scanners[-1].lowered, "distance", 0)

    few, many = work(1000), work(2000)
    assert many <= 2 * few + 100
    assert many <= 8 * len(piece) * 2000


def test_tags_beyond_the_cap_are_only_taken_out():
    assert len(html.tokens("<b>x" * 2 * html.TAG_CAP)) == html.TAG_CAP + 1


@pytest.mark.parametrize(
    "value",
    [
        "=?utf-8?q?a?= ",
        "a=b; ",
        "<a@b> ",
        "a,",
        "a:",
        "@:",
        "(",
        "<",
        '"\\',
        ";",
        "; a",
        "=?a?q?",
        " ",
        "''%",
        "*0*=x;",
    ],
)
def test_a_header_is_short_whatever_came(value):
    found, _ = headers.split(b"Subject: " + value.encode() * 100_000 + b"\r\n\r\nx", 0, 10_000_000)
    raw = found.get("subject")
    assert len(raw) <= headers.HEADER_CAP
    headers.text(raw)
    headers.addresses(raw)
    headers.parameters(raw)
    headers.ids(raw)
    headers.date(raw)


def test_a_phrase_without_an_address_does_not_grow(monkeypatch):
    longest = Counter()

    def watched(words, *args):
        longest["words"] = max(longest["words"], len(words))
        return address(words, *args)

    address = headers._address
    monkeypatch.setattr(headers, "_address", watched)
    headers.addresses("a," * 8000)
    assert longest["words"] <= 25


def test_parts_are_counted_over_all_levels(monkeypatch):
    counted = Counting(monkeypatch, mime, "_part")
    mime.parse(
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
        + b"--b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" * 50_000
    )
    assert counted.calls["_part"] <= mime.PART_CAP
