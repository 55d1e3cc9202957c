"""
Sending one mail through SES, once. Whether it went out is told by how this ends.

| ends with | it |
|---|---|
| an id | was sent |
| Refused | was not sent: SES said no |
| Silence | may have been sent: there was no answer that tells |
"""

from botocore.exceptions import ClientError, ConnectTimeoutError, EndpointConnectionError, HTTPClientError

from chalicelib.adapters.aws import client

_ANSWERED_NO = range(400, 500)


class Refused(Exception):
    def __init__(self, code: str, *, throttled: bool) -> None:
        super().__init__(code)
        self.code, self.throttled = code, throttled


class Silence(Exception):
    pass


_THROTTLES = frozenset({"Throttling", "ThrottlingException", "RequestLimitExceeded", "ServiceUnavailable"})


def send(raw: bytes, *, sender: str, to: tuple[str, ...], configuration_set: str, tags: dict[str, str]) -> str:
    """
    Send a raw mail; return the id that SES gave it, which is also the start of its Message-ID.

    Raises:
        Refused: SES took the request and refused it, or was never reached.
        Silence: A lost answer, or an error of SES's own.
    """
    marks = ", ".join(f"{name}={value}" for name, value in tags.items())
    stamped = f"X-SES-CONFIGURATION-SET: {configuration_set}\r\nX-SES-MESSAGE-TAGS: {marks}\r\n".encode() + raw
    try:
        answer = client("ses").send_raw_email(Source=sender, Destinations=list(to), RawMessage={"Data": stamped})
    except (ConnectTimeoutError, EndpointConnectionError) as error:
        raise Refused(type(error).__name__, throttled=True) from error
    except HTTPClientError as error:
        raise Silence(type(error).__name__) from error
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if error.response["ResponseMetadata"].get("HTTPStatusCode") in _ANSWERED_NO:
            raise Refused(code, throttled=code in _THROTTLES) from error
        raise Silence(code) from error
    message_id: str = answer["MessageId"]
    return message_id
