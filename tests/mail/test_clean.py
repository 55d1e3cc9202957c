"""
HTML as it may be shown.
"""

import random
from html.parser import HTMLParser

import pytest

from chalicelib.mail import clean
from chalicelib.mail.clean import cleaned, destination, with_pictures
from chalicelib.mail.reader import read

from .samples import mail


class Constructs(HTMLParser):
    """
    Collects what a browser would find in a page that must not be there.
    """

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []

    def handle_starttag(self, tag, attrs):
        allowed = clean._EVERYWHERE | clean._ATTRIBUTES.get(tag, frozenset()) | {"rel", "target", "data-src"}
        if tag not in clean._TAGS:
            self.found.append(tag)
        for name, value in attrs:
            if name not in allowed:
                self.found.append(f"{tag} {name}")
            address = "".join((value or "").split()).lower()
            if name == "href" and not address.startswith(("http:", "https:", "mailto:", "tel:")):
                self.found.append(f"{tag} {name}={value}")
            if name == "src" and not address.startswith(("cid:", "data:image/")):
                self.found.append(f"{tag} {name}={value}")
            if name == "style" and any(
                bad in address for bad in ("url(", "expression", "@", "\\", "position", "behavior")
            ):
                self.found.append(f"{tag} {name}={value}")

    handle_startendtag = handle_starttag

    def handle_decl(self, decl):
        self.found.append(decl)

    handle_pi = unknown_decl = handle_comment = handle_decl


def forbidden(markup):
    page = Constructs()
    page.feed(cleaned(markup))
    page.close()
    return page.found


def test_the_watcher_sees_what_must_not_be_there(monkeypatch):
    monkeypatch.setattr("tests.mail.test_clean.cleaned", lambda markup: markup)
    for markup in ("<script>1</script>", "<p onclick=1>", "<a href=javascript:1>", "<img src=https://t.example/x.gif>"):
        assert forbidden(markup)
    assert forbidden('<p style="background:url(x)">')
    assert forbidden("<!-- x -->")


CALLS = ["alert(1)", "alert`1`", "&#97;lert(1)", "top['al'+'ert'](1)"]
ELEMENTS = [
    "script",
    "svg",
    "math",
    "iframe",
    "object",
    "embed",
    "applet",
    "form",
    "input",
    "button",
    "select",
    "textarea",
    "style",
    "link",
    "meta",
    "base",
    "frame",
    "frameset",
    "template",
    "noscript",
    "xmp",
    "plaintext",
    "noembed",
    "noframes",
    "marquee",
    "video",
    "audio",
    "source",
    "track",
    "canvas",
    "details",
    "dialog",
    "portal",
    "title",
    "body",
    "html",
    "head",
    "listing",
    "isindex",
    "keygen",
    "param",
    "slot",
    "foreignobject",
    "animate",
    "set",
    "use",
    "image",
    "mglyph",
    "mtext",
    "annotation-xml",
]
EVENTS = [
    "onclick",
    "onerror",
    "onload",
    "onfocus",
    "onblur",
    "onmouseover",
    "onmouseenter",
    "ontoggle",
    "onbegin",
    "onstart",
    "onwheel",
    "onpaste",
    "oncopy",
    "onanimationstart",
    "onpointerdown",
    "onhashchange",
    "onpageshow",
    "onscroll",
    "onsearch",
    "onsubmit",
]
ADDRESSES = [
    "javascript:{}", "JaVaScRiPt:{}", "java\tscript:{}", "java\nscript:{}", " javascript:{}", "\x01javascript:{}",
    "&#106;avascript:{}", "&#x6A;avascript&colon;{}", "vbscript:{}", "data:text/html,<script>{}</script>",
    "data:image/svg+xml,<svg onload={}>", "data:text/html;base64,PHNjcmlwdD4=", "livescript:{}", "mocha:{}", "view-source:{}",
    "//t.example/{}", "\\\\t.example/{}", "feed:javascript:{}", "blob:{}", "filesystem:{}", "about:{}", "jar:{}",
]  # fmt: skip
PLACES = ['<a href="{}">x</a>', "<a href={}>x</a>", '<img src="{}">', "<img src='{}'>", '<img srcset="{} 2x">', '<a xlink:href="{}">x</a>',
          '<form action="{}"><input>', '<button formaction="{}">', '<table background="{}">', '<p style="background:url({})">',
          '<base href="{}">', '<link href="{}" rel=stylesheet>', '<iframe src="{}">', '<object data="{}">', '<embed src="{}">',
          '<blockquote cite="{}">', '<video poster="{}">', '<meta http-equiv=refresh content="0;{}">']  # fmt: skip
STYLES = ["background:url(https://t.example)", "width:expression(alert(1))", "@import 'x'", "-moz-binding:url(x)", "behavior:url(x)",
          "position:fixed;top:0", "color:red;background-image:url('x')", "\\62 ackground:url(x)", "list-style:url(x)", "content:url(x)",
          "color:\\65xpression(1)", "background:image-set(url(x) 1x)", "font-family:x;src:url(x)", "cursor:url(x)"]  # fmt: skip
ODD = [
    "<svg><style><img src=x onerror=alert(1)></style></svg>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
    '<noscript><p title="</noscript><img src=x onerror=alert(1)>">',
    "<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "<img src=x onerror=alert(1)//",
    "<<script>alert(1)//<</script>",
    "<!--><img src=x onerror=alert(1)>-->",
    "<![CDATA[<img src=x onerror=alert(1)>]]>",
    "<a title='\"><img src=x onerror=alert(1)>'>x</a>",
    '<img alt="`><script>alert(1)</script>">',
    "<?xml version='1.0'?><script>alert(1)</script>",
    "<p/onclick=alert(1)>x",
    "<p\x00onclick=alert(1)>x",
    "<scr\x00ipt>alert(1)</scr\x00ipt>",
    "<a href='https://x.example' target=_top onclick=alert(1)>x</a>",
    "<div><style><!--</style><img src=x onerror=alert(1)>--></div>",
    "<xmp><p title='</xmp><img src=x onerror=alert(1)>'>",
    "<title><img title='</title><img src=x onerror=alert(1)>'></title>",
    '<table><td background="javascript:alert(1)"><col span=9 onerror=alert(1)>',
    "&lt;script&gt;alert(1)&lt;/script&gt;",
]
PAYLOADS = [
    *(
        f"<{name} {event}={CALLS[number % 4]}>x</{name}>"
        for name in ELEMENTS
        for number, event in enumerate(EVENTS[:4])
    ),
    *(f"<{name}>{call}</{name}>" for name in ELEMENTS[:20] for call in CALLS[:2]),
    *(f"<p {event}={call}>x" for event in EVENTS for call in CALLS[:2]),
    *(place.format(address.format(CALLS[0])) for place in PLACES for address in ADDRESSES),
    *(f'<p style="{style}">x' for style in STYLES),
    *ODD,
]


def test_there_are_500_payloads():
    assert len(set(PAYLOADS)) >= 500


def test_nothing_is_left_of_any_payload():
    assert [(payload, forbidden(payload)) for payload in PAYLOADS if forbidden(payload)] == []


def test_nothing_is_left_of_payloads_put_together_at_random():
    chance = random.Random(4)
    pieces = [
        *PAYLOADS,
        "<",
        ">",
        '"',
        "'",
        "</",
        "<!--",
        "-->",
        "`",
        "\0",
        "<table>",
        "</svg>",
        "<math>",
        "<style>",
        "</style>",
    ]
    for _ in range(2_000):
        markup = "".join(chance.choice(pieces)[: chance.choice((5, 20, 200))] for _ in range(chance.randint(2, 6)))
        assert not forbidden(markup), markup


@pytest.mark.parametrize(
    "kept",
    [
        "<p>one <b>two</b> <i>three</i></p>",
        '<table border="1"><tbody><tr><td colspan="2">a</td></tr></tbody></table>',
        '<p style="color:red;margin:0 0 1em">x</p>',
        '<p style="color:rgb(1, 2, 3)">x</p>',
        '<blockquote type="cite">x</blockquote>',
        "<ul><li>a</li></ul>",
        '<p dir="rtl">x</p>',
        '<img src="cid:pic@1" alt="a lamp">',
        '<img src="data:image/png;base64,AAAA">',
    ],
)
def test_what_makes_a_mail_readable_stays(kept):
    assert cleaned(kept) == kept


def test_what_was_hidden_stays_hidden():
    assert cleaned('<p style="display: none">x</p>') == '<p style="display:none">x</p>'


def test_pictures_of_others_are_off():
    assert (
        cleaned('<img src="https://t.example/p.gif?who=1" alt="x">')
        == '<img data-src="https://t.example/p.gif?who=1" alt="x">'
    )


def test_pictures_that_came_with_the_mail_are_linked_to_their_files():
    markup = cleaned('<img src="cid:pic%401" alt="a"><img src="cid:gone"><p>cid:pic@1</p>')
    linked = with_pictures(markup, {"pic@1": 'https://files.example/1?a=1&b="2"'}.get)
    assert linked == '<img src="https://files.example/1?a=1&amp;b=&quot;2&quot;" alt="a"><img ><p>cid:pic@1</p>'


@pytest.mark.parametrize(
    ("link", "shown"),
    [
        ('<a href="https://evil.example/x">https://bank.example</a>', "[evil.example]"),
        ('<a href="https://evil.example/">click</a>', "[evil.example]"),
        ('<a href="https://shop.example/a">https://shop.example/a</a>', None),
        ('<a href="https://www.shop.example/a">shop.example</a>', None),
        ('<a href="https://shop.example/a">shop.example.evil.example</a>', "[shop.example]"),
        ('<a href="mailto:jane@home.example?subject=x">write</a>', "[jane@home.example]"),
        ('<a href="mailto:jane@home.example">jane@home.example</a>', None),
        ('<a href="https://evil.example"><img src="cid:1"></a>', "[evil.example]"),
    ],
)
def test_a_link_shows_where_it_goes(link, shown):
    after = cleaned(link).partition("</a>")[2]
    assert after == (f" <small>{shown}</small>" if shown else "")


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("https://bank.example@evil.example/", "evil.example"),
        ("https://evil.example\\@bank.example/", "evil.example"),
        ("https:evil.example/x", "evil.example"),
        ("https:///evil.example/x", "evil.example"),
        ("https://evil.example:8443/x", "evil.example"),
        ("https://[::1]/x", "[::1]"),
        ("https://xn--80ak6aa92e.com/", "xn--80ak6aa92e.com"),
        ("https://\u0430pple.com/", "xn--pple-43d.com"),
        ("ht\ntps://evil.example", "evil.example"),
        ("tel:+4912345", "+4912345"),
    ],
)
def test_a_host_is_read_as_a_browser_reads_it(address, host):
    assert destination(address) == host


def test_the_title_of_a_link_is_its_address():
    assert 'title="https://evil.example/x"' in cleaned(
        '<a href="https://evil.example/x" title="https://bank.example">x</a>'
    )


def test_the_same_mail_gives_the_same_bytes():
    markup = '<a class=x href="https://a.example" title=b style="color:red">a.example</a>' * 20
    assert len({cleaned(markup) for _ in range(20)}) == 1


@pytest.mark.parametrize(
    ("markup", "omitted"),
    [
        ("x" * (1024 * 1024 + 1), "HTML over 1 MB"),
        ("<div>" * 201, "HTML over 200 levels"),
        ("<b>x" * 20_001, "HTML over 20,000 tags"),
        ("&amp;" * 50_001, "HTML over 50,000 entities"),
        ("".join(f"<font size={n}>" for n in range(150)) + "<p>x" * 2_000, "HTML with too many formats left open"),
    ],
)
def test_a_page_over_a_cap_is_named_and_its_text_is_read(markup, omitted):
    found = read(mail(markup, Content_Type="text/html"))
    assert (found.html, found.omitted) == (None, (omitted,))
    assert found.error is None


def test_elements_that_people_leave_open_count_as_closed():
    assert read(mail("<p>x" * 300 + "<ul>" + "<li>y" * 300, Content_Type="text/html")).omitted == ()
