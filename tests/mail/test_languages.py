"""
What mail programs write around a quotation, in each language that customers write: the very lines of Gmail, Apple Mail,
Outlook and telephones.
"""

import textwrap
from dataclasses import dataclass

import pytest

from chalicelib.mail.reply import split
from chalicelib.mail.signs import is_forward

ANSWER = "It came today.\nBoth lamps are broken."
OLDER = "Dear customer,\n\nyour parcel is on its way."
WHO = "Lamp Shop <help@lamps.example>"


@dataclass(frozen=True)
class Row:
    gmail: str
    apple: str
    outlook: str  # from, sent, to, subject: labels as Outlook writes them
    phone: str
    original: str = ""


ROWS = {
    "English": Row(
        f"On Mon, Mar 3, 2025 at 10:00 AM {WHO} wrote:",
        f"On 3 Mar 2025, at 10:00, {WHO} wrote:",
        "From:|Sent:|To:|Subject:",
        "Sent from my iPhone",
        "Original Message",
    ),
    "Spanish": Row(
        "El lun, 3 mar 2025 a las 10:00, Lamp Shop (<help@lamps.example>) escribió:",
        f"El 3 mar 2025, a las 10:00, {WHO} escribió:",
        "De:|Enviado:|Para:|Asunto:",
        "Enviado desde mi iPhone",
        "Mensaje original",
    ),
    "Portuguese": Row(
        f"Em seg., 3 de mar. de 2025 às 10:00, {WHO} escreveu:",
        f"No dia 03/03/2025, às 10:00, {WHO} escreveu:",
        "De:|Enviada em:|Para:|Assunto:",
        "Enviado do meu iPhone",
        "Mensagem original",
    ),
    "Portuguese of Portugal": Row(
        f"{WHO} escreveu (segunda, 3/03/2025 à(s) 10:00):",
        f"A 03/03/2025, às 10:00, {WHO} escreveu:",
        "De:|Enviado:|Para:|Assunto:",
        "Enviado a partir do meu iPhone",
        "Mensagem original",
    ),
    "French": Row(
        f"Le lun. 3 mars 2025 à 10:00, {WHO} a écrit :",
        f"Le 3 mars 2025 à 10:00, {WHO} a écrit :",
        "De :|Envoyé :|À :|Objet :",
        "Envoyé de mon iPhone",
        "Message d'origine",
    ),
    "German": Row(
        f"Am Mo., 3. März 2025 um 10:00 Uhr schrieb {WHO}:",
        f"Am 03.03.2025 um 10:00 schrieb {WHO}:",
        "Von:|Gesendet:|An:|Betreff:",
        "Von meinem iPhone gesendet",
        "Ursprüngliche Nachricht",
    ),
    "Italian": Row(
        f"Il giorno lun 3 mar 2025 alle ore 10:00 {WHO} ha scritto:",
        f"Il giorno 3 mar 2025, alle ore 10:00, {WHO} ha scritto:",
        "Da:|Inviato:|A:|Oggetto:",
        "Inviato da iPhone",
        "Messaggio originale",
    ),
    "Dutch": Row(
        f"Op ma 3 mrt 2025 om 10:00 schreef {WHO}:",
        f"Op 3 mrt 2025, om 10:00 heeft {WHO} het volgende geschreven:",
        "Van:|Verzonden:|Aan:|Onderwerp:",
        "Verstuurd vanaf mijn iPhone",
        "Oorspronkelijk bericht",
    ),
    "Polish": Row(
        f"pon., 3 mar 2025 o 10:00 {WHO} napisał(a):",
        f"Wiadomość napisana przez {WHO} w dniu 3 mar 2025, o godz. 10:00:",
        "Od:|Wysłane:|Do:|Temat:",
        "Wysłane z iPhone'a",
        "Wiadomość oryginalna",
    ),
    "Swedish": Row(
        f"Den mån 3 mars 2025 kl 10:00 skrev {WHO}:",
        f"3 mars 2025 kl. 10:00 skrev {WHO}:",
        "Från:|Skickat:|Till:|Ämne:",
        "Skickat från min iPhone",
        "Ursprungligt meddelande",
    ),
    "Danish": Row(
        f"Den man. 3. mar. 2025 kl. 10.00 skrev {WHO}:",
        f"Den 3. mar. 2025 kl. 10.00 skrev {WHO}:",
        "Fra:|Sendt:|Til:|Emne:",
        "Sendt fra min iPhone",
        "Oprindelig meddelelse",
    ),
    "Norwegian": Row(
        f"man. 3. mars 2025 kl. 10:00 skrev {WHO}:",
        f"3. mars 2025 kl. 10:00 skrev {WHO}:",
        "Fra:|Sendt:|Til:|Emne:",
        "Sendt fra min iPhone",
        "Opprinnelig melding",
    ),
    "Finnish": Row(
        "ma 3. maalisk. 2025 klo 10.00 Lamp Shop (help@lamps.example) kirjoitti:",
        f"{WHO} kirjoitti 3.3.2025 kello 10.00:",
        "Lähettäjä:|Lähetetty:|Vastaanottaja:|Aihe:",
        "Lähetetty iPhonesta",
        "Alkuperäinen viesti",
    ),
    "Czech": Row(
        f"po 3. 3. 2025 v 10:00 odesílatel {WHO} napsal:",
        f"3. 3. 2025 v 10:00, {WHO}:",
        "Od:|Odesláno:|Komu:|Předmět:",
        "Odesláno z iPhonu",
        "Původní zpráva",
    ),
    "Russian": Row(
        f"пн, 3 мар. 2025 г. в 10:00, {WHO}:",
        f"3 марта 2025 г., в 10:00, {WHO} написал(а):",
        "От:|Отправлено:|Кому:|Тема:",
        "Отправлено с iPhone",
        "Исходное сообщение",
    ),
    "Ukrainian": Row(
        f"пн, 3 бер. 2025 р. о 10:00 {WHO} пише:",
        f"3 бер. 2025 р. о 10:00 {WHO} написав(ла):",
        "Від:|Надіслано:|Кому:|Тема:",
        "Надіслано з iPhone",
        "Вихідне повідомлення",
    ),
    "Turkish": Row(
        f"{WHO}, 3 Mar 2025 Pzt, 10:00 tarihinde şunu yazdı:",
        f"{WHO} şunları yazdı (3 Mar 2025 10:00):",
        "Kimden:|Gönderildi:|Kime:|Konu:",
        "iPhone’umdan gönderildi",
        "Özgün İleti",
    ),
    "Greek": Row(
        f"Στις Δευ 3 Μαρ 2025 στις 10:00 π.μ., ο χρήστης {WHO} έγραψε:",
        f"Στις 3 Μαρ 2025, στις 10:00, ο/η {WHO} έγραψε:",
        "Από:|Στάλθηκε:|Προς:|Θέμα:",
        "Στάλθηκε από το iPhone μου",
        "Αρχικό μήνυμα",
    ),
    "Chinese": Row(
        f"{WHO} 于2025年3月3日周一 10:00写道：",
        f"2025年3月3日 10:00，{WHO} 写道：",
        "发件人:|发送时间:|收件人:|主题:",
        "发自我的iPhone",
        "原始邮件",
    ),
    "Chinese of Taiwan": Row(
        f"{WHO} 於 2025年3月3日 週一 上午10:00寫道：",
        f"{WHO} 於 2025年3月3日 上午10:00 寫道：",
        "寄件者:|寄件日期:|收件者:|主旨:",
        "從我的 iPhone 傳送",
        "原始郵件",
    ),
    "Japanese": Row(
        f"2025年3月3日(月) 10:00 {WHO}:",
        f"2025/03/03 10:00、{WHO}のメール:",
        "差出人:|送信日時:|宛先:|件名:",
        "iPhoneから送信",
        "元のメッセージ",
    ),
    "Korean": Row(
        f"2025년 3월 3일 (월) 오전 10:00, {WHO}님이 작성:",
        f"2025. 3. 3. 오전 10:00, {WHO} 작성:",
        "보낸 사람:|보낸 날짜:|받는 사람:|제목:",
        "나의 iPhone에서 보냄",
        "원본 메일",
    ),
}  # fmt: skip
each_language = pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)


def block(row: Row) -> str:
    values = (WHO, "Monday, 3 March 2025 10:00", "jane@home.example", "Your parcel")
    return "\n".join(f"{label} {value}" for label, value in zip(row.outlook.split("|"), values, strict=True))


def marked(said: str) -> str:
    return textwrap.indent(said, "> ", lambda _line: True)


def new_in(*pieces: str) -> str:
    return split("\n\n".join(pieces)).text


@each_language
@pytest.mark.parametrize("program", ["gmail", "apple"])
def test_the_line_over_a_quotation_is_known(row, program):
    line = getattr(row, program)
    assert new_in(ANSWER, f"{line}\n\n{marked(OLDER)}") == ANSWER
    assert new_in(ANSWER, f"{line}\n{marked(OLDER)}") == ANSWER


@each_language
@pytest.mark.parametrize("program", ["gmail", "apple"])
def test_it_is_known_without_quote_marks_below_it(row, program):
    assert new_in(ANSWER, getattr(row, program), OLDER) == ANSWER


@each_language
@pytest.mark.parametrize("program", ["gmail", "apple"])
def test_it_is_known_when_it_was_wrapped(row, program):
    for width in (74, 60):
        assert new_in(ANSWER, "\n".join(textwrap.wrap(getattr(row, program), width)) + "\n" + marked(OLDER)) == ANSWER


@each_language
def test_an_answer_below_or_between_the_quotation_is_seen(row):
    assert new_in(f"{row.gmail}\n{marked(OLDER)}", ANSWER) == ANSWER
    said = new_in("First of all:", f"{row.gmail}\n{marked('When?')}", "Today.", marked("Which one?"), "Both.")
    assert said.split() == ["First", "of", "all:", "Today.", "Both."]


@each_language
def test_the_head_of_an_older_mail_is_known(row):
    assert new_in(ANSWER, block(row), OLDER) == ANSWER
    assert new_in(ANSWER, "________________________________\n" + block(row), OLDER) == ANSWER
    assert new_in(ANSWER, block(row).replace(" Monday", " \t Monday"), OLDER) == ANSWER


@each_language
def test_bold_labels_are_labels(row):
    bold = "\n".join(f"*{label}* value of jane@home.example" for label in row.outlook.split("|"))
    assert new_in(ANSWER, bold, OLDER) == ANSWER


@each_language
def test_the_line_between_dashes_is_known(row):
    assert new_in(ANSWER, f"-----{row.original}-----\n{block(row)}", OLDER) == ANSWER
    assert new_in(ANSWER, f"-------- {row.original} --------", OLDER) == ANSWER


@each_language
def test_what_a_telephone_adds_is_folded(row):
    assert new_in(ANSWER, row.phone) == ANSWER
    assert new_in(ANSWER, row.phone, f"{row.apple}\n\n{marked(OLDER)}") == ANSWER
    assert new_in(ANSWER, f"{row.phone}\n\n{block(row)}", OLDER) == ANSWER


@each_language
def test_a_customer_who_says_such_a_thing_is_heard(row):
    asked = f"My husband wrote to you on 3 March, {row.outlook.split('|')[0].strip(' :')}?"
    assert new_in("Hello,", asked, "Jane") == f"Hello,\n\n{asked}\n\nJane"


FORWARDS = {
    "Gmail": "---------- Forwarded message ---------",
    "Outlook": "-----Weitergeleitete Nachricht-----",
    "Apple Mail": "Begin forwarded message:",
    "Thunderbird": "-------- Weitergeleitete Nachricht --------",
    "Yahoo": "----- Mensaje reenviado -----",
    "Gmail in French": "---------- Message transféré ---------",
}


@pytest.mark.parametrize("line", FORWARDS.values(), ids=FORWARDS)
def test_what_is_forwarded_is_content(line):
    said = f"See below.\n\n{line}\n{block(ROWS['English'])}\n\n{OLDER}"
    assert split(said).text == said
    assert split(said).quoted_text == ""


@each_language
def test_the_head_of_an_older_mail_is_content_where_the_subject_says_that_it_is_forwarded(row):
    said = f"See below.\n\n{block(row)}\n\n{OLDER}"
    assert split(said, forwarded=True).text.split() == said.split()


@pytest.mark.parametrize(
    ("subject", "forward"),
    [
        ("Fwd: Your parcel", True),
        ("FW: Your parcel", True),
        ("WG: Ihr Paket", True),
        ("TR : Votre colis", True),
        ("RV: Su paquete", True),
        ("ENC: Seu pacote", True),
        ("I: Il suo pacco", True),
        ("VS: Din pakke", True),
        ("VB: Ditt paket", True),
        ("PD: Paczka", True),
        ("İLT: Paketiniz", True),
        ("转发：您的包裹", True),
        ("Re: Fwd: Your parcel", False),
        ("RES: Seu pacote", False),
        ("AW: Ihr Paket", False),
        ("YNT: Paketiniz", False),
        ("Your parcel", False),
        ("", False),
    ],
)
def test_a_subject_says_that_a_mail_is_forwarded(subject, forward):
    assert is_forward(subject, "") is forward


def test_vs_is_an_answer_in_finnish():
    assert not is_forward("VS: Pakettisi", block(ROWS["Finnish"]))


DISCLAIMERS = {
    "English": "CONFIDENTIALITY NOTICE: This e-mail and any files with it are confidential and meant for the intended recipient only. If you received it in error, delete it.",
    "German": "Diese E-Mail enthält vertrauliche Informationen. Wenn Sie nicht der richtige Empfänger sind, informieren Sie bitte den Absender und vernichten Sie diese Mail.",
    "French": "Ce message et ses pièces jointes sont confidentiels et réservés à leur destinataire. Si vous l'avez reçu par erreur, merci de le détruire et d'en avertir l'expéditeur.",
    "Spanish": "Este mensaje y sus adjuntos son confidenciales y van dirigidos a su destinatario. Si lo ha recibido por error, le rogamos que lo borre y avise al remitente.",
    "Italian": "Questo messaggio è riservato ed è destinato esclusivamente al destinatario. Se lo avete ricevuto per errore siete pregati di distruggerlo e di avvisare il mittente.",
    "Dutch": "De informatie in dit e-mail bericht is vertrouwelijk en uitsluitend bestemd voor de geadresseerde. Bent u dat niet, verwijder het dan en waarschuw de afzender.",
    "Russian": "Это сообщение содержит конфиденциальную информацию и предназначено только для адресата. Если вы получили его по ошибке, удалите его и сообщите отправителю.",
}  # fmt: skip


@pytest.mark.parametrize("disclaimer", DISCLAIMERS.values(), ids=DISCLAIMERS)
def test_a_lawyers_last_words_are_folded(disclaimer):
    wrapped = "\n".join(textwrap.wrap(disclaimer, 70))
    assert new_in(ANSWER, wrapped) == ANSWER
    assert new_in(ANSWER, "Jane Doe", wrapped, ROWS["English"].gmail + "\n" + marked(OLDER)) == f"{ANSWER}\n\nJane Doe"
    assert split(f"{ANSWER}\n\n{wrapped}").quoted_text == wrapped


@pytest.mark.parametrize("disclaimer", DISCLAIMERS.values(), ids=DISCLAIMERS)
def test_a_lawyers_words_that_are_all_of_a_mail_or_not_its_last_are_seen(disclaimer):
    assert split(disclaimer).text == disclaimer
    assert new_in(disclaimer, ANSWER) == f"{disclaimer}\n\n{ANSWER}"


@pytest.mark.parametrize(
    "said",
    [
        "I sent you a confidential message by error.",
        "Please keep this confidential: the recipient of the parcel is my wife, it is a birthday present, so no calls to our home please.",
        "Your e-mail says that the intended recipient was not at home. I was at home all day long, and nobody rang the bell at my door!",
    ],
)
def test_a_customer_who_speaks_of_a_secret_is_heard(said):
    assert new_in(ANSWER, said) == f"{ANSWER}\n\n{said}"
