"""
Mails of our own, as bytes.
"""


def mail(body: bytes | str = "Hello\r\n", **headers: str) -> bytes:
    """
    Build a mail; a header's name is written with _ for -, and None leaves one of the usual ones out.
    """
    given = {"From": "Jane Doe <jane@home.example>", "To": "help@shop.example", "Subject": "Where is my parcel?"}
    given |= {"Message-ID": "<1@home.example>", "Date": "Mon, 3 Mar 2025 10:00:00 +0100"}
    given |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"{name}: {value}\r\n" for name, value in given.items() if value is not None]
    content = body.encode() if isinstance(body, str) else body
    return "".join(lines).encode() + b"\r\n" + content


def part(content: bytes | str, content_type: str = "text/plain; charset=utf-8", **headers: str) -> bytes:
    given = {"Content-Type": content_type} | {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"{name}: {value}\r\n" for name, value in given.items()]
    return "".join(lines).encode() + b"\r\n" + (content.encode() if isinstance(content, str) else content)


def multipart(kind: str, *parts: bytes, boundary: str = "=_b1", **headers: str) -> bytes:
    return mail(joined(*parts, boundary=boundary), Content_Type=f'multipart/{kind}; boundary="{boundary}"', **headers)


def joined(*parts: bytes, boundary: str) -> bytes:
    line = b"--" + boundary.encode()
    return b"".join(line + b"\r\n" + each + b"\r\n" for each in parts) + line + b"--\r\n"


REPORT = b"""Reporting-MTA: dns; mx.home.example

Original-Recipient: rfc822;jane@home.example
Final-Recipient: rfc822; JANE@home.example
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 no such user
"""

RETURNED = b"""From: Shop <help@shop.example>
Message-ID: <0102-ses@eu-west-1.amazonses.com>
In-Reply-To: <1@home.example>
References: <thread.7K3F9@shop.example> <0@home.example>
 <1@home.example>
X-SES-MESSAGE-TAGS: outbox=01J9, ticket=CL-7K3F9-Q2MXR

Hello Jane
"""

DAEMON = "Mail Delivery Subsystem <mailer-daemon@mx.home.example>"

BOUNCE = multipart(
    "report",
    part("Your mail was not delivered.\r\n"),
    part(REPORT, "message/delivery-status"),
    part(RETURNED, "message/rfc822"),
    From=DAEMON,
    Subject="Undelivered Mail Returned to Sender",
)

PICTURES = multipart(
    "mixed",
    part(
        joined(
            part("Hällo, see the picture\r\n"),
            part('<p>H&auml;llo, see the <img src="cid:pic@1"></p>', "text/html; charset=utf-8"),
            boundary="=_b2",
        ),
        'multipart/alternative; boundary="=_b2"',
    ),
    part(b"R0lGODlh", "image/gif", Content_ID="<pic@1>", Content_Transfer_Encoding="base64"),
    part(
        b"JVBERi0=",
        "application/pdf",
        Content_Transfer_Encoding="base64",
        Content_Disposition="attachment; filename*0*=utf-8''r%C3%A9; filename*1=sum\\u00e9.pdf",
    ),
)

REPLY = mail(
    "Thanks!\r\n\r\nOn Mon, 3 Mar 2025 at 10:00, Shop <help@shop.example> wrote:\r\n> Hello\r\n>\r\n> bye\r\n\r\n-- \r\nJane\r\n",
    References="<a@x> <b@x>",
    In_Reply_To="<b@x>",
    Subject="=?utf-8?q?Re:_H=C3=A4llo?= =?iso-8859-1?B?5Pb8?=",
)

ALL = (
    mail(),
    PICTURES,
    BOUNCE,
    REPLY,
    mail("<div>a<blockquote>b</blockquote></div>", Content_Type="text/html"),
    mail("> a \r\n> b\r\n", Content_Type="text/plain; format=flowed; delsp=yes"),
    mail("=E4=\r\n=", Content_Type="text/plain; charset=iso-8859-1", Content_Transfer_Encoding="quoted-printable"),
    mail("====", Content_Type="text/plain; charset=unknown-8bit", Content_Transfer_Encoding="base64"),
    mail(
        "A: b\n\nc",
        Content_Type="message/rfc822",
        Content_Disposition="attachment; filename*0*=utf-8''%ff%fe; filename*1=x",
    ),
    mail(
        "begin 644 a\r\n#0V%T\r\n`\r\nend\r\n",
        Content_Type="application/x; name=a",
        Content_Transfer_Encoding="x-uuencode",
    ),
    mail("x", From='"Doe, Jane" <jane@home.example> (at home), group: a@b.example, c@d.example;'),
    mail("no such user 550 5.1.1 a@b.example\r\nMessage-ID: <x@y>\r\n", From=DAEMON, Return_Path="<>"),
    b"From x Mon Mar  3 10:00:00 2025\n\n\nFrom: a\rSubject: b\r\rc",
)
