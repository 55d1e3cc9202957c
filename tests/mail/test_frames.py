"""
How mail programs frame an older mail in HTML, also where nothing in its words would tell.
"""

import pytest

from chalicelib.mail import html
from chalicelib.mail.body import framed_in
from chalicelib.mail.reader import read

from .samples import mail, multipart, part

# No words in it that any language's rules know.
OLDER = "<div>Zork 3.3. zork zork@home.example</div><div>Your parcel is on its way to you.</div>"
PLAIN_OLDER = "Zork 3.3. zork zork@home.example\r\nYour parcel is on its way to you.\r\n"
NEW = "<div>It came today.</div>"

AROUND = {
    "Yahoo": f'<div id="ydp1f2e3d4cyahoo_quoted_12345" class="ydp1f2e3d4cyahoo_quoted">{OLDER}</div>',
    "Yahoo, old": f'<div class="yahoo_quoted">{OLDER}</div>',
    "Zimbra": f'<hr id="zwchr" data-marker="__DIVIDER__"><div data-marker="__QUOTED_TEXT__">{OLDER}</div>',
    "GMX": f'<div name="quote" style="margin: 10px 5px">{OLDER}</div>',
    "Zoho": f'<div class="zmail_extra"><blockquote>{OLDER}</blockquote></div>',
}
FROM_HERE = {
    "Outlook on the web": f'<div id="appendonsend"></div><hr style="width:98%"><div id="divRplyFwdMsg">{OLDER}</div><p>more</p>',
    "Outlook": "<div><div style='border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0cm 0cm 0cm'>"
    f"{OLDER}</div></div><p>more</p>",
    "Outlook, prefixed": f'<div id="x_divRplyFwdMsg">{OLDER}</div><p>more</p>',
    "Outlook for telephones": f'<div id="ms-outlook-mobile-reference-message">{OLDER}</div><p>more</p>',
    "Outlook for Mac": f'<div id="mail-editor-reference-message-container">{OLDER}</div>',
    "Hotmail": f'<hr id="stopSpelling">{OLDER}',
}
INTRODUCED = {
    "Gmail": f'<div class="gmail_quote"><div class="gmail_attr">Zork zork:<br></div><blockquote class="gmail_quote">{OLDER}</blockquote></div>',
    "Proton": f'<div class="protonmail_quote">Zork zork:<br><blockquote type="cite">{OLDER}</blockquote></div>',
    "Thunderbird": f'<div class="moz-cite-prefix">Zork zork:<br></div><blockquote type="cite">{OLDER}</blockquote>',
    "Apple Mail": f'<div><blockquote type="cite">{OLDER}</blockquote></div>',
}
EVERY = {**AROUND, **FROM_HERE, **INTRODUCED}
every_program = pytest.mark.parametrize("older", EVERY.values(), ids=EVERY)


def page(markup, **headers):
    return read(mail(markup, Content_Type="text/html; charset=utf-8", **headers))


@every_program
def test_what_a_program_frames_is_folded(older):
    found = page(NEW + older)
    assert found.text == "It came today."
    assert "Your parcel" in found.quoted_text


@pytest.mark.parametrize("older", {**AROUND, **INTRODUCED}.values(), ids={**AROUND, **INTRODUCED})
def test_an_answer_below_the_frame_is_seen(older):
    assert page(NEW + older + "<div>And one more thing.</div>").text.split("\n")[-1] == "And one more thing."


@pytest.mark.parametrize("older", {**AROUND, **FROM_HERE}.values(), ids={**AROUND, **FROM_HERE})
def test_the_plain_text_beside_it_is_folded_at_the_same_place(older):
    raw = multipart("alternative", part(f"It came today.\r\n\r\n{PLAIN_OLDER}"), part(NEW + older, "text/html"))
    found = read(raw)
    assert found.text == "It came today."
    assert found.quoted_text.startswith("Zork 3.3.")


@every_program
def test_a_mail_that_is_all_frame_shows_its_words_or_quotes_them(older):
    found = page(older)
    assert "Your parcel" in found.text + found.quoted_text
    assert not ("id=" in older and "Your parcel" not in found.text)


@pytest.mark.parametrize("older", {**AROUND, **FROM_HERE}.values(), ids={**AROUND, **FROM_HERE})
def test_what_is_forwarded_is_content(older):
    if "blockquote" not in older:
        assert "Your parcel" in page(NEW + older, Subject="Fwd: Your parcel").text
        assert "Your parcel" not in page(NEW + older, Subject="Re: Fwd: Your parcel").text


def test_a_forward_in_a_frame_is_content_whatever_the_subject():
    older = '<div class="yahoo_quoted"><div>----- Forwarded Message -----</div>' + OLDER + "</div>"
    assert "Your parcel" in page(NEW + older).text


def test_an_answer_between_quotations_in_a_frame_is_seen():
    markup = f'{NEW}<div class="gmail_quote">Zork zork:<blockquote>When?</blockquote><div>Today.</div><blockquote>Which?</blockquote></div>'
    assert page(markup).text.split() == ["It", "came", "today.", "Today."]


def test_an_indented_paragraph_is_no_quotation():
    indented = '<blockquote style="margin:0 0 0 40px;border:none;padding:0px"><div>The red one.</div></blockquote>'
    assert page(NEW + indented).text.split("\n")[-1] == "The red one."
    assert (
        page(f'{NEW}<blockquote style="margin:0 0 0 .8ex;border-left:1px #ccc solid">old</blockquote>').text
        == "It came today."
    )


@pytest.mark.parametrize("style", ["display:none", "display: none !important", "visibility:hidden", "mso-hide:all"])
def test_what_is_hidden_is_not_read(style):
    assert page(f'<div style="{style}">preview <div>text</div></div>{NEW}').text == "It came today."


def test_what_is_hidden_and_never_ends_is_read():
    assert page(f'<div style="display:none">preview{NEW}').text == "preview\nIt came today."


@pytest.mark.parametrize(
    ("markup", "said"),
    [
        ('Thanks <img alt="\U0001f60a" src="cid:1">', "Thanks \U0001f60a"),
        ('Thanks <img alt="Logo of the shop" src="cid:1">', "Thanks"),
        ('<img alt="My broken lamp" src="cid:1"><img alt="" src="cid:2">', "[My broken lamp]"),
    ],
)
def test_the_words_of_pictures_stand_for_them_where_there_are_no_others(markup, said):
    assert html.text(markup) == said


def test_a_place_that_is_not_sure_is_not_taken():
    older = html.Layout(("new", "the very same words again", "more"), frozenset({1, 2}))
    assert framed_in(("new", "the very same words again", "x", "the very same words again"), older) == frozenset()
    assert framed_in(("new", "and the very same words again"), older) == frozenset()
    assert framed_in(("new", "the very same words again"), older) == {1}
    assert framed_in(("new",), html.Layout(("new", "a b", "c"), frozenset({1, 2}))) == frozenset()
