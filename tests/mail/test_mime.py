import base64

import pytest

from chalicelib.mail import mime
from chalicelib.mail.reader import read

from .samples import joined, mail, multipart, part


def kinds(raw: bytes) -> list[str]:
    return [each.content_type for each in mime.parse(raw)[0].walk()]


def test_parts_are_found_by_their_boundary():
    raw = multipart("mixed", part("a"), part("b", "image/png"))
    assert kinds(raw) == ["multipart/mixed", "text/plain", "image/png"]
    root, omitted = mime.parse(raw)
    assert [child.body for child in root.children] == [b"a", b"b"]
    assert omitted == ()


@pytest.mark.parametrize(
    "change", [(b"--=_b1--\r\n", b""), (b"\r\n", b"\n"), (b"--=_b1\r\n", b"--=_b1 \t\r\n"), (b"\r\n", b"\r")]
)
def test_boundaries_are_found_as_sloppy_programs_write_them(change):
    assert kinds(multipart("mixed", part("a"), part("b", "image/png")).replace(*change)) == [
        "multipart/mixed",
        "text/plain",
        "image/png",
    ]


def test_a_boundary_that_only_begins_alike_is_none():
    raw = multipart("mixed", part("a\r\n--=_b1x\r\n--=_b\r\nc"))
    assert mime.parse(raw)[0].children[0].body == b"a\r\n--=_b1x\r\n--=_b\r\nc"


def test_a_multipart_without_its_boundary_is_sniffed_or_shown_as_it_stands():
    inner = joined(part("hello"), boundary="=_b1")
    assert kinds(mail(inner, Content_Type="multipart/mixed")) == ["multipart/mixed", "text/plain"]
    assert read(mail("hello", Content_Type="multipart/mixed; boundary=x")).text == "hello"


def test_an_inner_part_that_never_ends_is_ended_by_the_outer_boundary():
    inner = b'Content-Type: multipart/mixed; boundary="in"\r\n\r\n--in\r\n\r\na'
    assert [
        each.content_type for each in mime.parse(multipart("mixed", inner, part("b", "image/png")))[0].children
    ] == [
        "multipart/mixed",
        "image/png",
    ]


def test_a_message_in_a_message_is_kept_whole():
    inside = multipart("mixed", part("deep"), boundary="=_in")
    raw = multipart("mixed", part("see below"), part(inside, "message/rfc822"))
    assert kinds(raw) == ["multipart/mixed", "text/plain", "message/rfc822"]
    assert read(raw).attachments[0].content == inside


def test_a_digest_holds_messages():
    assert kinds(multipart("digest", b"\r\nSubject: a\r\n\r\nb"))[1] == "message/rfc822"


@pytest.mark.parametrize(
    "before",
    [
        b"From jane Mon Mar  3 10:00:00 2025\r\n",
        b"\r\n\r\n",
        b"\xef\xbb\xbf",
        b">From x\n",
        b"\r\nFrom x\r\n\r\n",
        b" " * 255 + b"\r\n",
    ],
)
def test_what_stands_before_the_headers_is_passed_over(before):
    assert read(before + mail("Hello\r\n")).subject == "Where is my parcel?"


def test_a_lone_cr_ends_a_line_where_the_headers_use_it_and_not_in_a_body():
    assert read(mail("a\r\nb").replace(b"\r\n", b"\r")).text == "a\nb"
    raw = multipart("mixed", part(b"\x00\r\x01", "application/octet-stream"))
    assert read(raw).attachments[0].content == b"\x00\r\x01"


@pytest.mark.parametrize(
    ("encoding", "body", "content"),
    [
        ("base64", b"SGVs\r\nbG8=", b"Hello"),
        ("Base64", b"SGVs bG8", b"Hello"),
        ("base64", b"SGVsbG8=SGVsbG8=", b"HelloHello"),
        ("base64", b"SGVsbG8=\r\n-- \r\n", b"Hello"),
        ("base64", b"this, surely, is no base64: ~~~ !!!", b"this, surely, is no base64: ~~~ !!!"),
        ("quoted-printable", b"=48ello=\r\n you =ZZ", b"Hello you =ZZ"),
        ("x-uuencode", b"begin 644 cat\r\n#0V%T\r\n`\r\nend\r\n", b"Cat"),
        ("8bit", b"\xff\x00", b"\xff\x00"),
        ("nonsense", b"x", b"x"),
    ],
)
def test_transfer_encodings_are_undone_kindly(encoding, body, content):
    root, _ = mime.parse(mail(body, Content_Transfer_Encoding=encoding))
    assert root.content() == content


def nested(levels: int) -> bytes:
    raw = part("innermost")
    for level in range(levels):
        raw = part(joined(raw, boundary=f"b{level}"), f'multipart/mixed; boundary="b{level}"')
    return raw


def test_levels_are_opened_to_the_twentieth():
    assert read(nested(19)).text == "innermost"
    deep = read(nested(3000))
    assert deep.error is None
    assert deep.omitted == ("multipart/mixed below 20 levels",)
    assert "innermost" in deep.text


def test_parts_are_read_to_the_hundredth():
    raw = multipart("mixed", *[part(f"part {number}\r\n") for number in range(150)])
    found = read(raw)
    assert "part 98" in found.text
    assert "part 99" not in found.text
    assert found.omitted == ("parts after the first 100",)


def test_a_mail_is_read_to_its_40th_megabyte():
    found = read(mail(b"x" * 79 + b"\n") * 1 + b"y" * (mime.MAIL_CAP + 1))
    assert found.omitted == ("what follows the first 40 MB",)
    assert len(found.full_text) < mime.MAIL_CAP


def test_a_multipart_that_was_encoded_as_a_whole_is_taken_apart():
    inner = joined(part("Hello\r\n"), part(b"x", "image/png"), boundary="b")
    raw = mail(
        base64.encodebytes(inner), Content_Type="multipart/mixed; boundary=b", Content_Transfer_Encoding="base64"
    )
    root, omitted = mime.parse(raw)
    assert [each.content_type for each in root.children] == ["text/plain", "image/png"]
    assert omitted == ()


def test_parts_within_what_was_encoded_are_counted_too():
    inner = joined(*[part("x")] * 150, boundary="b")
    raw = mail(
        base64.encodebytes(inner), Content_Type="multipart/mixed; boundary=b", Content_Transfer_Encoding="base64"
    )
    assert mime.parse(raw)[1] == ("parts after the first 100",)
