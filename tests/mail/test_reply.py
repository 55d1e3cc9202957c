from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.mail import html, reply
from chalicelib.mail.reply import split
from chalicelib.mail.reply_words import LANGUAGES

ATTRIBUTIONS = [
    "On Mon, 3 Mar 2025 at 10:00, Shop <help@shop.example> wrote:",
    "On 03/03/2025 10:00, Shop wrote:",
    "Am 03.03.2025 um 10:00 schrieb Shop <help@shop.example>:",
    "Am Mo., 3. März 2025 um 10:00 Uhr schrieb Shop <\nhelp@shop.example>:",
    "Le lun. 3 mars 2025 à 10:00, Shop <help@shop.example> a écrit :",
    "El lun, 3 mar 2025 a las 10:00, Shop (<help@shop.example>) escribió:",
    "Le lun. 3 mars 2025 à 10:00, Shop <help@shop.example\n> a écrit :",
    "Il giorno lun 3 mar 2025 alle ore 10:00 Shop <help@shop.example> ha\nscritto:",
    "Em seg., 3 de mar. de 2025 às 10:00, Shop <help@shop.example> escreveu:",
    "Op ma 3 mrt 2025 om 10:00 schreef Shop <help@shop.example>:",
    "Op 3 mrt. 2025, om 10:00 heeft Shop <help@shop.example> het volgende geschreven:",
    "Den mån 3 mars 2025 kl 10:00 skrev Shop <help@shop.example>:",
    "man. 3. mars 2025 kl. 10:00 skrev Shop <help@shop.example>:",
    "ma 3. maalisk. 2025 klo 10.00 Shop (help@shop.example) kirjoitti:",
    "pon., 3 mar 2025 o 10:00 Shop <help@shop.example> napisał(a):",
    "po 3. 3. 2025 v 10:00 odesílatel Shop <help@shop.example> napsal:",
    "пн, 3 мар. 2025 г. в 10:00, Shop <help@shop.example>:",
    "пн, 3 бер. 2025 р. о 10:00 Shop <help@shop.example> пише:",
    "Shop <help@shop.example>, 3 Mar 2025 Pzt, 10:00 tarihinde şunu yazdı:",
    "Shop <help@shop.example> ezt írta (időpont: 2025. márc. 3., H, 10:00):",
    "În lun., 3 mar. 2025 la 10:00, Shop <help@shop.example> a scris:",
    "Στις Δευ 3 Μαρ 2025 στις 10:00 π.μ., ο χρήστης Shop <help@shop.example> έγραψε:",
    "Vào Th 2, 3 thg 3, 2025 vào lúc 10:00 Shop <help@shop.example> đã viết:",
    "Pada tanggal Sen, 3 Mar 2025 pukul 10.00 Shop <help@shop.example> menulis:",
    "2025年3月3日(月) 10:00 Shop <help@shop.example>:",
    "Shop <help@shop.example> 于2025年3月3日周一 10:00写道:",
    "2025년 3월 3일 (월) 오전 10:00, Shop <help@shop.example>님이 작성:",
    "\u202bבתאריך יום ב׳, 3 במרץ 2025 ב-10:00 מאת \u202aShop\u202c <\u202ahelp@shop.example\u202c>:\u202c",
]


@pytest.mark.parametrize("attribution", ATTRIBUTIONS)
def test_what_was_answered_is_folded_with_the_line_above_it(attribution):
    parted = split(f"Thank you!\n\n{attribution}\n\n> Hello\n>\n> bye\n\nand more")
    assert parted.text.split("\n\n\n") == ["Thank you!", "and more"]


@pytest.mark.parametrize("attribution", [one for one in ATTRIBUTIONS if not one.startswith(("Shop", "\u202b"))])
def test_without_marks_all_below_the_attribution_is_folded(attribution):
    full = f"Thank you!\n\n{attribution}\n\nHello\n\nbye"
    assert split(full).text == "Thank you!"
    assert split(full).quoted_text.endswith("Hello\n\nbye")


HEADS = [
    "From: Shop <help@shop.example>\nSent: Monday, 3 March 2025 10:00\nTo: Jane\nSubject: Parcel",
    "*From:* Shop [mailto:help@shop.example]\n*Sent:* Monday, 3 March 2025 10:00\n*To:* Jane",
    "Von: Shop <help@shop.example>\nGesendet: Montag, 3. März 2025 10:00\nAn: Jane\nBetreff: Paket",
    "De : Shop <help@shop.example>\nEnvoyé : lundi 3 mars 2025 10:00\nÀ : Jane\nObjet : Colis",
    "De: Shop\nEnviado: lunes, 3 de marzo de 2025 10:00\nPara: Jane\nAsunto: Paquete",
    "Da: Shop\nInviato: lunedì 3 marzo 2025 10:00\nA: Jane\nOggetto: Pacco",
    "Van: Shop\nVerzonden: maandag 3 maart 2025 10:00\nAan: Jane\nOnderwerp: Pakket",
    "Od: Shop\nWysłano: poniedziałek, 3 marca 2025 10:00\nDo: Jane\nTemat: Paczka",
    "От: Shop\nОтправлено: 3 марта 2025 г. 10:00\nКому: Jane",
    "发件人: Shop\n发送时间: 2025年3月3日 10:00\n收件人: Jane\n主题: 包裹",
    "差出人: Shop\n送信日時: 2025年3月3日 10:00\n宛先: Jane\n件名: 荷物",
    "-----Original Message-----",
    "-----Ursprüngliche Nachricht-----",
    "-------- Message d'origine --------",
    "---- Shop wrote ----",
    "________________________________\nFrom: Shop\nSubject: Parcel",
    "## Please reply above this line ##",
]


@pytest.mark.parametrize("head", HEADS)
def test_below_the_head_of_an_older_mail_all_is_folded(head):
    assert split(f"Thank you!\n\n{head}\n\nHello Jane\n> x\nbye").text == "Thank you!"


@pytest.mark.parametrize("head", [one for one in HEADS if ":" in one])
def test_a_mail_that_begins_with_an_older_one_shows_it(head):
    assert split(f"{head}\n\nHello Jane").text == f"{head}\n\nHello Jane"


@pytest.mark.parametrize(
    "signature",
    [
        "--\nJane Doe\n+49 30 123",
        "--\nJane Doe",
        "Sent from my iPhone",
        "Sent from my Verizon Wireless BlackBerry",
        "Sent from Mail for Windows 10",
        "Get Outlook for iOS<https://aka.ms/o0ukef>",
        "Von meinem iPhone gesendet",
        "Envoyé de mon iPhone",
        "Enviado desde mi iPhone",
        "Inviato da iPhone",
        "Отправлено с iPhone",
        "发自我的 iPhone",
        "__\nriak-users mailing list\nhttps://lists.example/riak",
    ],
)
def test_a_signature_is_folded(signature):
    assert split(f"Thank you!\n\n{signature}\n") == reply.Reply("Thank you!", signature)


@pytest.mark.parametrize(
    "said",
    [
        "On Monday I ordered a lamp.\nOn Tuesday it broke.",
        "On 3 March 2025 at 10:00 I called you and your colleague said:\nit will come tomorrow.",
        "Hello\nOn 3 March 2025 your shop wrote:\nwe come tomorrow",
        "-------- Original Message --------\nSubject: Lamp\nDate: 3 March 2025\nFrom: x@y.example\n\nbroken",
        "I bought this on 3 March 2025.\n\nMy details:\nName: Jane\nOrder: 123",
        "Sent from my desk, as you see.",
        "My flight\nFrom: Berlin\nTo: Munich\nDate: 3 March",
        "The price is:\n>>> 30 <<<\nToo much.",
        "Items:\n- one\n- two\n--\nthree --- four\n" + "line\n" * 20,
        "Please see below.\n\n---------- Forwarded message ---------\nFrom: Other <o@x.example>\nDate: Mon, 3 Mar 2025\nSubject: Hi\n\nText\n> old",
        "Begin forwarded message:\n\nFrom: Other <o@x.example>\nSubject: Hi\n\nText",
        "Siehe unten\n\n-------- Weitergeleitete Nachricht --------\nVon: Other <o@x.example>\nBetreff: Hi\n\nText",
        "To whom it may concern:\nDate of purchase: 3 March 2025 10:00\nI am not amused.",
        "First half\n__________\nSecond half",
        "Am 3. März 2025 habe ich bestellt und nichts bekommen:\nkeine Lampe.",
    ],
)
def test_what_is_not_surely_quoted_stays_visible(said):
    assert split(said).text == said.strip()
    assert split(said).quoted_text == ""


def test_answers_between_quotations_are_what_is_new():
    full = "On 3 March 2025 Shop <help@shop.example> wrote:\n> Which colour?\nRed.\n\n> Which size?\nLarge."
    assert split(full).text == "Red.\n\nLarge."


def test_a_line_wrapped_out_of_a_quotation_is_folded_with_it():
    quoted = "> " + "a long line that some program wrapped without giving the rest its mark"
    assert split(f"Yes\n\n{quoted}\nof a quotation\n> end").text == "Yes"
    assert split("Yes\n\n> short\nNo!\n> end").text == "Yes\n\nNo!"


def test_an_attribution_on_the_line_of_the_answer_is_parted_from_it():
    assert split("thanks On Mon, 3 Mar 2025 at 10:00, Shop wrote:\n> Hello").text == "thanks"


def test_quotations_in_html_are_folded_like_those_in_plain_text():
    markup = (
        "<div>Thank you!</div><div class=gmail_quote><div>On Mon, 3 Mar 2025 at 10:00, Shop &lt;help@shop.example&gt;"
        " wrote:</div><blockquote><p>Hello</p><p>bye</p></blockquote></div>"
    )
    assert split(html.text(markup)).text == "Thank you!"


def test_lines_beyond_the_cap_go_where_the_last_one_went():
    lines = "line\n" * reply.LINE_CAP
    assert split(lines + "end").text == lines + "end"
    assert split("Yes\n-----Original Message-----\n" + lines + "end").text == "Yes"


def test_a_mail_of_quotations_only_says_nothing_new():
    assert split("> a\n> b") == reply.Reply("", "> a\n> b")
    assert split("") == reply.Reply("", "")


def test_every_language_has_what_a_quotation_needs():
    for language, words in LANGUAGES.items():
        assert all([words.wrote, words.sender, words.sent, words.to, words.subject]), language


WORDS = st.sampled_from(
    [
        "> ",
        "On ",
        "Mon, 3 Mar 2025 10:00 ",
        "<a@b.example> ",
        "wrote:",
        "\n",
        "\n\n",
        "-- ",
        "---",
        "From: x",
        "Sent: y",
        "Subject: z",
        "Sent from my iPhone",
        "hello ",
        "________",
        "-----Original Message-----",
        "---- Forwarded message ----",
        "\x0b",
        "\u2028",
        " ",
    ]
)


@given(st.lists(WORDS, max_size=40).map("".join))
def test_no_word_is_lost(full):
    parted = split(full)
    assert Counter(parted.text.split()) + Counter(parted.quoted_text.split()) == Counter(
        " ".join(full.split("\n")).split()
    ) or (Counter("".join((parted.text + parted.quoted_text).split())) == Counter("".join(full.split())))
