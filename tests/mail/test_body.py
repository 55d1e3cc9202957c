import pytest

from chalicelib.mail import html
from chalicelib.mail.body import flowed, safe_name
from chalicelib.mail.reader import read

from .samples import PICTURES, joined, mail, multipart, part


def test_plain_text_is_read_and_the_html_kept():
    found = read(PICTURES)
    assert found.text == "Hällo, see the picture"
    assert found.html == '<p>Hällo, see the <img src="cid:pic@1"></p>'


def test_html_is_read_where_there_is_no_plain_text():
    assert read(mail("<p>Hello</p>", Content_Type="text/html")).text == "Hello"
    raw = multipart("alternative", part(" \r\n"), part("<p>Hello</p>", "text/html"))
    assert read(raw).text == "Hello"


def test_text_after_a_picture_is_read_as_well():
    raw = multipart("mixed", part("one\r\n"), part(b"x", "image/png"), part("<b>two</b>", "text/html"), part("three"))
    assert read(raw).text == "one\n\ntwo\n\nthree"


def test_a_picture_in_the_text_is_inline_and_a_document_is_not():
    picture, document = read(PICTURES).attachments
    assert (picture.inline, picture.content_id, picture.content) == (True, "pic@1", b"GIF89a"[:6])
    assert (document.inline, document.content_id, document.size) == (False, None, 5)


@pytest.mark.parametrize(
    ("disposition", "content_type", "is_text"),
    [
        ("inline", "text/plain", True),
        ("attachment", "text/plain", False),
        ("inline; filename=a.txt", "text/plain", False),
        ("", "text/plain; name=a.txt", False),
        ("", "text/csv", False),
    ],
)
def test_a_text_with_a_name_is_a_file(disposition, content_type, is_text):
    headers = {"Content_Disposition": disposition} if disposition else {}
    found = read(multipart("mixed", part("first"), part("second", content_type, **headers)))
    assert ("second" in found.text) == is_text
    assert len(found.attachments) == (0 if is_text else 1)


def test_a_name_on_the_first_text_is_a_whim():
    assert read(mail("Hello", Content_Type="text/plain; name=mail.txt")).text == "Hello"


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\temp\\a.pdf", "a.pdf"),
        ("a\r\nb\0.pdf", "a b .pdf"),
        ("invoice\u202efdp.exe", "invoice fdp.exe"),
        ("..", ""),
        ("", ""),
        ("résumé 中.pdf", "résumé 中.pdf"),
        ('a"<b>|?*:c.txt', "a b c.txt"),
        ("x" * 300 + ".pdf", "x" * 146 + ".pdf"),
    ],
)
def test_a_file_name_is_safe_to_show_and_to_store(given, name):
    assert safe_name(given) == name


def test_a_part_without_a_name_gets_one():
    raw = multipart(
        "mixed", part("hi"), part(b"x", "image/png"), part(b"y", "application/x-strange"), part(b"z", "message/rfc822")
    )
    assert [each.name for each in read(raw).attachments] == ["attachment-1.png", "attachment-2.bin", "attachment-3.eml"]


@pytest.mark.parametrize(
    ("wrapped", "text"),
    [
        ("one \ntwo\nthree", "one two\nthree"),
        ("> one \n> two\nthree", "> one two\nthree"),
        (">> one \n> two", ">> one \n> two"),
        ("-- \nJane", "-- \nJane"),
        (" > no quote", "> no quote"),
    ],
)
def test_wrapped_lines_are_joined(wrapped, text):
    assert flowed(wrapped) == text


def test_delsp_takes_the_blank_away():
    assert flowed("日 \n本", delsp=True) == "日本"


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<p>one</p><p>two<br>three</p>", "one\n\ntwo\nthree"),
        ("<div>one</div><div>two</div>", "one\ntwo"),
        ("<ul><li>one<li>two</ul>", "- one\n- two"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc"),
        ("new<blockquote>old<blockquote>older</blockquote></blockquote>new", "new\n\n> old\n>\n> > older\n> >\nnew"),
        ("a<hr>b", f"a\n{html.RULE}\nb"),
        ("<pre>a  b\n c</pre>", "a  b\n c"),
        ("<style>p{}</style><script>x<y</script>a<!-- b --><![if x]>c", "ac"),
        ('<a title="1 > 0" href=x>a</a>', "a"),
        ("<p don't>it isn't</p>", "it isn't"),
        ("1 < 2 &amp;&lt;&nbsp;&#228; &nosuch;", "1 < 2 &< ä &nosuch;"),
        ("a <never ends", "a <never ends"),
        ("a <!-- never ends", "a <!-- never ends"),
        ("<script>never ends", "never ends"),
        ('<a href="never closed>b', "b"),
        ("<title>t</title>  a\n  b ", "a b"),
        ("&#" + "1" * 5000 + ";", "\ufffd"),
        ("a\u200bb\u00adc", "abc"),
    ],
)
def test_html_is_read_as_it_is_seen(markup, text):
    assert html.text(markup) == text


def test_html_over_a_megabyte_or_200_levels_is_not_shown_but_read():
    large = read(mail("<p>" + "word " * 300_000, Content_Type="text/html"))
    assert (large.html, large.omitted) == (None, ("HTML over 1 MB",))
    assert large.text.startswith("word word")
    deep = read(mail("<div>" * 201 + "x", Content_Type="text/html"))
    assert (deep.html, deep.text, deep.omitted) == (None, "x", ("HTML over 200 levels",))
    assert read(mail("<div>" * 200 + "x", Content_Type="text/html")).html is not None


def test_quotation_marks_and_tags_are_capped():
    assert html.text("<blockquote>" * 50 + "x") == "> " * 10 + "x"
    assert html.text("<b>x" * 60_000).count("x") == 60_000


def test_parts_without_a_label_are_read_in_the_charset_of_the_others():
    raw = multipart(
        "mixed",
        part("Привет".encode("koi8-r"), "text/plain; charset=koi8-r"),
        part("мир".encode("koi8-r"), "text/plain"),
    )
    assert read(raw).text == "Привет\n\nмир"


def test_an_alternative_inside_a_related_part_is_one_passage():
    related = part(
        joined(part("<p>new</p>", "text/html"), part(b"x", "image/png", Content_ID="<a>"), boundary="r"),
        "multipart/related; boundary=r",
    )
    found = read(multipart("alternative", part("new"), related))
    assert (found.text, len(found.attachments)) == ("new", 1)


UUENCODED = "begin 644 cat.txt\r\n#0V%T\r\n`\r\nend"


def test_a_file_in_the_text_is_taken_out():
    found = read(mail(f"Look:\r\n\r\n{UUENCODED}\r\n\r\nBye\r\n"))
    assert found.text.split() == ["Look:", "Bye"]
    assert [(each.name, each.content_type, each.content) for each in found.attachments] == [
        ("cat.txt", "text/plain", b"Cat")
    ]


def test_two_files_in_the_text_are_two():
    assert [
        each.name for each in read(mail(f"{UUENCODED}\r\n{UUENCODED.replace('cat.txt', '../x')}\r\n")).attachments
    ] == ["cat.txt", "x"]


@pytest.mark.parametrize(
    "said",
    [
        "begin 644 cat.txt\nand no more",
        "begin 644 a\n#0V%T\nnot one of its lines, since it is far too long for one: " + "x" * 60 + "\nend",
        "begin\nend",
    ],
)
def test_what_only_looks_like_a_file_stays(said):
    found = read(mail(said))
    assert found.attachments == ()
    assert found.full_text == said
