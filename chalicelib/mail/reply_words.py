# ruff: noqa: RUF001  # the letters of many languages look like those of another
"""
What mail programs write around a quotation, by language.

`|` parts the choices. `opens` and `wrote` frame the line over a quotation ("On ... Jane wrote:"); `tells` are other
words for `wrote`, which people use as well; `sender`, `sent`, `to` and `subject` are the labels of the header block that
Outlook puts there; `original` and `forwarded` stand between dashes; `passes_on` begins the subject of a forwarded mail; `device` begins the
line that a telephone adds; `mail`, `private` and `stranger` are what a disclaimer speaks of (beginnings of words do). To add
a language, add a row.
"""

from chalicelib.frozen import frozen


@frozen
class Words:
    """
    One language's choices, in lower case.
    """

    opens: str = ""
    wrote: str = ""
    tells: str = ""
    sender: str = ""
    sent: str = ""
    to: str = ""
    subject: str = ""
    original: str = ""
    forwarded: str = ""
    passes_on: str = ""
    device: str = ""
    mail: str = ""
    private: str = ""
    stranger: str = ""


LANGUAGES = {
    "ar": Words(
        opens="في|بتاريخ", wrote="كتب|كتبت", sender="من", sent="التاريخ|تاريخ الإرسال|تم الإرسال", to="إلى", subject="الموضوع",
        original="الرسالة الأصلية", forwarded="رسالة معاد توجيهها", device="أرسلت من|تم الإرسال من",
    ),
    "bg": Words(
        opens="на", wrote="написа|писа", sender="от", sent="изпратено|дата", to="до", subject="тема|относно",
        original="оригинално съобщение", forwarded="препратено съобщение", device="изпратено от",
    ),
    "ca": Words(
        opens="el|en data", wrote="va escriure|ha escrit|escriu", sender="de", sent="enviat|enviat el|data", to="a|per a",
        subject="assumpte|tema", original="missatge original", forwarded="missatge reenviat", device="enviat des",
    ),
    "cs": Words(
        opens="dne", wrote="napsal|napsala|napsal(a)|píše", sender="od", sent="odesláno|datum", to="komu|pro",
        subject="předmět", original="původní zpráva|původní e-mail", forwarded="přeposlaná zpráva|přeposlaný",
        device="odesláno z|posláno z",
        passes_on="přep",
        mail="zpráva|e-mail|email|tato zpráva", private="důvěrn",
        stranger="adresát|příjemc|omylem",
    ),
    "da": Words(
        opens="den|d.", wrote="skrev", tells="skriver", sender="fra", sent="sendt|dato", to="til", subject="emne",
        original="oprindelig meddelelse|original meddelelse|oprindelig besked", forwarded="videresendt",
        device="sendt fra|hent outlook",
        passes_on="videresend",
        mail="e-mail|meddelelse|mail|besked", private="fortrolig",
        stranger="modtager|tiltænkt|ved en fejl",
    ),
    "de": Words(
        opens="am", wrote="schrieb", tells="schreibt|geschrieben", sender="von", sent="gesendet|datum|gesendet am", to="an",
        subject="betreff", original="ursprüngliche nachricht|originalnachricht|original-nachricht|original message",
        forwarded="weitergeleitet", device="von meinem|gesendet von|gesendet mit|holen sie sich outlook|outlook für",
        passes_on="wg|wtr",
        mail="e-mail|mail|nachricht", private="vertraulich",
        stranger="empfänger|adressat|irrtümlich|unbefugt",
    ),
    "el": Words(
        opens="στις|την", wrote="έγραψε|έγραψαν", sender="από", sent="ημερομηνία|στάλθηκε|αποστολή", to="προς", subject="θέμα",
        original="αρχικό μήνυμα", forwarded="προωθημένο", device="στάλθηκε από",
        passes_on="πρθ|πρώ",
        mail="μήνυμα|e-mail|email", private="εμπιστευτικ|απόρρητ",
        stranger="παραλήπτη|αποδέκτη|εκ παραδρομής",
    ),
    "en": Words(
        opens="on|at", wrote="wrote", tells="writes|sent|said|replied", sender="from", sent="sent|date", to="to", subject="subject",
        original="original message|original mail|original appointment|reply message|reply above this line",
        forwarded="forwarded", device="sent from|sent via|sent with|get outlook for|get bluemail",
        passes_on="fw|fwd|forward",
        mail="e-mail|email|message|communication|transmission", private="confidential|privileged|proprietary",
        stranger="recipient|addressee|intended|in error|unauthori",
    ),
    "es": Words(
        opens="el", wrote="escribió|escribio", tells="escribe|ha escrito", sender="de", sent="enviado|enviado el|fecha", to="para|a",
        subject="asunto", original="mensaje original", forwarded="reenviado",
        device="enviado desde|enviado con|obtener outlook|descargar outlook",
        passes_on="rv|reenviar",
        mail="mensaje|correo|e-mail|comunicación", private="confidencial",
        stranger="destinatari|por error",
    ),
    "et": Words(
        opens="kuupäeval", wrote="kirjutas", sender="saatja", sent="saadetud|kuupäev", to="saaja|adressaat", subject="teema",
        original="algne kiri|originaalsõnum", forwarded="edastatud", device="saadetud minu",
    ),
    "eu": Words(opens="", wrote="idatzi du|igorleak idatzi zuen", sender="nork", sent="bidaltze-data", to="nori", subject="gaia"),
    "fi": Words(
        opens="", wrote="kirjoitti", sender="lähettäjä", sent="lähetetty|päiväys|päivämäärä", to="vastaanottaja",
        subject="aihe", original="alkuperäinen viesti", forwarded="välitetty|edelleenlähetetty", device="lähetetty",
        passes_on="vl",
        mail="viesti|sähköposti|sähköpostiviesti", private="luottamuksellin",
        stranger="vastaanottaj|erehdyksessä",
    ),
    "fr": Words(
        opens="le", wrote="a écrit|a ecrit", tells="écrit|écrivait", sender="de", sent="envoyé|envoyé le|date|message du", to="à|a|pour",
        subject="objet|sujet", original="message d'origine|message original|mail original",
        forwarded="message transféré|transféré|réexpédié",
        device="envoyé de|envoyé depuis|envoyé à partir|envoyé avec|obtenir outlook|télécharger outlook|provenance",
        passes_on="tr|trans",
        mail="message|courriel|e-mail|mail|courrier", private="confidentiel",
        stranger="destinataire|par erreur",
    ),
    "gl": Words(opens="o", wrote="escribiu", sender="de", sent="enviado|data", to="para", subject="asunto"),
    "he": Words(
        opens="ב|בתאריך", wrote="כתב|כתבה|כתב/ה|מאת", sender="מאת", sent="נשלח|תאריך", to="אל", subject="נושא",
        original="הודעה מקורית", forwarded="הודעה שהועברה|הועברה", device="נשלח מ",
        passes_on="הועבר",
    ),
    "hi": Words(wrote="ने लिखा", sender="से|प्रेषक", sent="दिनांक|भेजा गया", to="को|प्रति", subject="विषय"),
    "hr": Words(
        opens="dana", wrote="je napisao|je napisala|je napisao/la|napisao je|pisao je", sender="od|šalje", sent="poslano|datum", to="za|prima",
        subject="predmet|naslov", original="izvorna poruka|originalna poruka", forwarded="proslijeđena", device="poslano s",
    ),
    "hu": Words(
        opens="", wrote="írta|ezt írta", sender="feladó", sent="elküldve|dátum|küldve", to="címzett", subject="tárgy",
        original="eredeti üzenet", forwarded="továbbított", device="elküldve|iphone-omról küldve",
        passes_on="továbbítás|tov",
    ),
    "id": Words(
        opens="pada", wrote="menulis|ditulis", sender="dari", sent="dikirim|tanggal", to="kepada|untuk", subject="perihal|subjek",
        original="pesan asli", forwarded="pesan terusan|diteruskan", device="dikirim dari",
    ),
    "it": Words(
        opens="il|in data", wrote="ha scritto", tells="scrive|scrisse|ha inviato", sender="da", sent="inviato|data", to="a", subject="oggetto",
        original="messaggio originale", forwarded="inoltrato", device="inviato da|inviato dal|scarica outlook|ottieni outlook",
        passes_on="i|inolt",
        mail="messaggio|e-mail|email|comunicazione", private="confidenzial|riservat",
        stranger="destinatari|per errore",
    ),
    "ja": Words(
        opens="", wrote="のメール|書きました|wrote", sender="差出人|送信者", sent="送信日時|日時|送信日", to="宛先",
        subject="件名", original="元のメッセージ|オリジナルメッセージ|original message", forwarded="転送",
        device="iphoneから送信|ipadから送信",
        passes_on="転送",
        mail="メール|電子メール", private="機密|秘密",
        stranger="受信者|宛先|誤って",
    ),
    "ko": Words(
        opens="", wrote="작성|님이 작성", sender="보낸 사람|보낸사람|발신", sent="보낸 날짜|날짜|일시", to="받는 사람|받는사람|수신",
        subject="제목", original="원본 메일|원본 메시지|원본메일", forwarded="전달", device="나의 iphone에서|내 iphone에서",
        passes_on="전달",
        mail="메일|이메일", private="기밀|비밀",
        stranger="수신인|수신자|잘못",
    ),
    "lt": Words(opens="", wrote="rašė|parašė", sender="nuo|siuntėjas", sent="išsiųsta|data", to="kam|gavėjas", subject="tema"),
    "lv": Words(opens="", wrote="rakstīja", sender="no|sūtītājs", sent="nosūtīts|datums", to="kam|adresāts", subject="temats|tēma"),
    "nb": Words(
        opens="på|den", wrote="skrev|skreiv", tells="skriver|følgende", sender="fra", sent="sendt|dato", to="til", subject="emne",
        original="opprinnelig melding|original melding", forwarded="videresendt", device="sendt fra|sendt med|hent outlook",
        passes_on="vs|videresendt",
        mail="e-post|melding|e-posten|meldingen", private="konfidensiell|fortrolig",
        stranger="mottaker|ment for|ved en feil",
    ),
    "nl": Words(
        opens="op", wrote="schreef|het volgende geschreven", tells="geschreven", sender="van", sent="verzonden|verstuurd|datum",
        to="aan", subject="onderwerp", original="oorspronkelijk bericht|origineel bericht",
        forwarded="doorgestuurd", device="verzonden vanaf|verstuurd vanaf|verzonden met|verstuurd met|outlook voor|verzonden via",
        passes_on="doorst",
        mail="e-mail|bericht|mail", private="vertrouwelijk",
        stranger="geadresseerde|bestemd|ontvanger|per abuis",
    ),
    "pl": Words(
        opens="w dniu|dnia|wiadomość", wrote="napisał|napisała|napisał(a)|pisze|napisana przez", sender="od|nadawca", sent="wysłano|wysłane|data",
        to="do", subject="temat", original="wiadomość oryginalna|oryginalna wiadomość|treść oryginalnej wiadomości",
        forwarded="przekazana|przesłana dalej|przekazany", device="wysłane z|wysłano z|pobierz outlook",
        passes_on="pd|podaj dalej",
        mail="wiadomość|wiadomości|e-mail|korespondencja", private="poufn",
        stranger="adresat|odbiorc|omyłkow",
    ),
    "pt": Words(
        opens="em|no dia|a", wrote="escreveu", tells="escreve", sender="de", sent="enviado|enviado em|enviada|enviada em|data",
        to="para", subject="assunto", original="mensagem original", forwarded="encaminhada|reencaminhada",
        device="enviado do|enviado de|enviado a partir|enviado pelo|enviado com|obter o outlook|obter outlook",
        passes_on="enc",
        mail="mensagem|e-mail|email|comunicação", private="confidenci",
        stranger="destinatári|por engano|por erro",
    ),
    "ro": Words(
        opens="pe|în", wrote="a scris", sender="de la|expeditor", sent="trimis|data", to="către|catre", subject="subiect",
        original="mesaj original|mesajul original", forwarded="redirecționat|mesaj redirecționat", device="trimis de pe|trimis din",
        passes_on="redir",
    ),
    "ru": Words(
        opens="в|от", wrote="написал|написала|написал(а)|пишет", tells="писал", sender="от|от кого", sent="отправлено|дата",
        to="кому", subject="тема", original="исходное сообщение|оригинальное сообщение|исходное письмо|original message",
        forwarded="переадресован|пересылаемое|пересланн|перенаправлен", device="отправлено с|отправлено из|отправлено через",
        passes_on="пересл",
        mail="сообщение|письмо|e-mail", private="конфиденциальн",
        stranger="адресат|получател|по ошибке",
    ),
    "sk": Words(
        opens="dňa|v", wrote="napísal|napísala|napísal(a)|píše", sender="od", sent="odoslané|dátum", to="komu", subject="predmet",
        original="pôvodná správa", forwarded="preposlaná", device="odoslané z",
    ),
    "sl": Words(
        opens="dne|v", wrote="je napisal|je napisala|je napisal/-a", sender="od|pošiljatelj", sent="poslano|datum", to="za|prejemnik",
        subject="zadeva", original="izvirno sporočilo", forwarded="posredovano", device="poslano iz",
    ),
    "sr": Words(opens="dana|дана", wrote="je napisao|је написао|је написала|napisa", sender="od|од", sent="poslato|послато|датум",
                to="za|за", subject="naslov|наслов|тема"),
    "sv": Words(
        opens="den|på", wrote="skrev", tells="skriver", sender="från", sent="skickat|datum|skickades", to="till", subject="ämne",
        original="ursprungligt meddelande|originalmeddelande|ursprungsmeddelande", forwarded="vidarebefordrat",
        device="skickat från|skickat med|hämta outlook",
        passes_on="vb",
        mail="e-post|meddelande|mejl|meddelandet", private="konfidentiell",
        stranger="mottagare|avsedd|av misstag",
    ),
    "th": Words(opens="เมื่อ|ใน", wrote="เขียนว่า|เขียน", sender="จาก", sent="ส่ง|วันที่", to="ถึง", subject="เรื่อง|หัวเรื่อง"),
    "tr": Words(
        opens="", wrote="yazdı|şunu yazdı|şunları yazdı", sender="kimden|gönderen", sent="gönderildi|tarih|gönderme tarihi",
        to="kime|alıcı", subject="konu", original="orijinal ileti|özgün ileti|orijinal mesaj|özgün mesaj", forwarded="iletilen|yönlendirilen",
        device="iphone'umdan gönderildi|gönderildi",
        passes_on="ilt",
        mail="e-posta|mesaj|ileti|bu e-posta", private="gizli",
        stranger="alıcı|yanlışlıkla",
    ),
    "uk": Words(
        opens="", wrote="написав|написала|написав(-ла)|пише", sender="від|від кого", sent="надіслано|дата", to="кому",
        subject="тема", original="початкове повідомлення|вихідне повідомлення|оригінальне повідомлення",
        forwarded="переслане", device="надіслано з",
        passes_on="пересл",
        mail="повідомлення|лист|e-mail", private="конфіденційн",
        stranger="адресат|одержувач|помилково",
    ),
    "vi": Words(
        opens="vào|vào lúc|ngày", wrote="đã viết|viết", sender="từ", sent="đã gửi|ngày|gửi", to="đến|tới", subject="chủ đề|tiêu đề",
        original="thư gốc|tin nhắn gốc", forwarded="chuyển tiếp", device="đã gửi từ|được gửi từ",
        passes_on="chuyển tiếp",
    ),
    "zh": Words(
        opens="在|于|於", wrote="写道|寫道|写了|写到", sender="发件人|寄件者|寄件人|發件人", sent="发送时间|发送日期|日期|寄件日期|時間|时间|傳送時間",
        to="收件人|收件者|至", subject="主题|主旨|主題", original="原始邮件|原始郵件|邮件原件|原邮件|原始訊息",
        forwarded="转发|轉寄|轉發", device="发自我的|从我的|來自我的|從我的|傳送自|发自",
        passes_on="转发|轉寄|轉發",
        mail="邮件|郵件", private="机密|保密|機密",
        stranger="收件人|收件者|误收|誤收|错误",
    ),
}  # fmt: skip


def choices(field: str) -> tuple[str, ...]:
    """
    Return what stands in the column *field* in any language, longest first.
    """
    found = {one for words in LANGUAGES.values() for one in getattr(words, field).split("|") if one}
    return tuple(sorted(found, key=lambda one: (-len(one), one)))
