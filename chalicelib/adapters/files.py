"""
Files in S3: raw mail, attachments and uploads. They leave and come by presigned addresses only.

| bucket | key | what |
|---|---|---|
| mail | `incoming/<SES's id>` | written by SES; gone once it is taken in |
| mail | `mail/<yyyy>/<mm>/<receipt>` | the raw mail of a message, kept |
| files | `uploads/<storefront>/<ulid>` | put there by a browser; gone after a day if nobody names it |
| files | `files/<storefront>/<upload>`, `files/mail/<receipt>/<n>` | attachments, kept |
| files | `files/bodies/<SHA-256>` | the whole of a message that is too large for the table; the cleaned HTML of a mail |
"""

import mimetypes
from datetime import datetime
from typing import Any
from urllib.parse import quote, unquote

from botocore.exceptions import ClientError

from chalicelib.adapters.aws import client
from chalicelib.domain.errors import Busy
from chalicelib.domain.ticket import File
from chalicelib.frozen import frozen

UPLOAD_MOST_BYTES = 25 * 1024 * 1024
_UPLOAD_SECONDS = 3600
_DOWNLOAD_SECONDS = 900
_UNTOLD = frozenset({"binary/octet-stream", "application/octet-stream", ""})
_SHOWN = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})


@frozen
class Files:
    mail_bucket: str
    files_bucket: str

    def offer_upload(self, storefront: str, upload_id: str, wanted: File) -> dict[str, Any]:
        """Return where a browser may POST one file, `{"url", "fields"}`: of this type, at most this size, for an hour."""
        fields = {"Content-Type": wanted.content_type, "x-amz-meta-name": quote(wanted.name)}
        conditions: list[Any] = [{name: value} for name, value in fields.items()]
        conditions.append(["content-length-range", 1, wanted.size])
        post: dict[str, Any] = client("s3").generate_presigned_post(
            self.files_bucket,
            _upload_key(storefront, upload_id),
            Fields=dict(fields),
            Conditions=conditions,
            ExpiresIn=_UPLOAD_SECONDS,
        )
        return post

    def offer_form(self, owner: str, upload_id: str, back_to: str) -> dict[str, Any]:
        """Return where a plain form may POST one file of any type: S3 then redirects to *back_to*."""
        fields = {"success_action_redirect": back_to, "x-amz-meta-name": "${filename}"}
        conditions: list[Any] = [
            {"success_action_redirect": back_to},
            ["starts-with", "$x-amz-meta-name", ""],
            ["content-length-range", 1, UPLOAD_MOST_BYTES],
        ]
        post: dict[str, Any] = client("s3").generate_presigned_post(
            self.files_bucket,
            _upload_key(owner, upload_id),
            Fields=fields,
            Conditions=conditions,
            ExpiresIn=_UPLOAD_SECONDS,
        )
        return {**post, "max_size": UPLOAD_MOST_BYTES}

    def find_upload(self, storefront: str, upload_id: str) -> File | None:
        """Return an upload that has arrived, None when it has not (or not from this storefront)."""
        try:
            head = client("s3").head_object(Bucket=self.files_bucket, Key=_upload_key(storefront, upload_id))
        except ClientError as error:
            if error.response["Error"]["Code"] in ("404", "403", "NoSuchKey", "AccessDenied"):
                return None
            raise
        name = unquote(head["Metadata"].get("name", "")).rpartition("/")[2]
        name = name if name and name != "${filename}" else upload_id
        said = head["ContentType"]
        content_type = mimetypes.guess_type(name)[0] or said if said in _UNTOLD else said
        return File(name, content_type, head["ContentLength"], _upload_key(storefront, upload_id))

    def keep_upload(self, upload: File, key: str) -> None:
        source = {"Bucket": self.files_bucket, "Key": upload.key}
        client("s3").copy_object(Bucket=self.files_bucket, Key=key, CopySource=source)

    def keep(self, key: str, content: bytes, content_type: str) -> None:
        client("s3").put_object(Bucket=self.files_bucket, Key=key, Body=content, ContentType=content_type)

    def read(self, key: str) -> bytes:
        body: bytes = client("s3").get_object(Bucket=self.files_bucket, Key=key)["Body"].read()
        return body

    def link(self, file: File) -> str | None:
        """Return an address from which a file can be fetched for 15 minutes, as a download that no browser runs."""
        if file.key is None:
            return None
        shown = file.content_type if file.content_type in _SHOWN else "application/octet-stream"
        parameters = {
            "Bucket": self.files_bucket,
            "Key": file.key,
            "ResponseContentType": shown,
            "ResponseContentDisposition": f"attachment; filename*=UTF-8''{quote(file.name)}",
        }
        url: str = client("s3").generate_presigned_url("get_object", Params=parameters, ExpiresIn=_DOWNLOAD_SECONDS)
        return url

    def kept_mail(self, key: str) -> bytes | None:
        """Return the raw mail of a message, None when it is no longer kept."""
        return self.incoming(key)

    def incoming(self, key: str) -> bytes | None:
        """Return a raw mail that SES stored, None when it has been taken in already."""
        try:
            body: bytes = client("s3").get_object(Bucket=self.mail_bucket, Key=key)["Body"].read()
        except ClientError as error:
            if error.response["Error"]["Code"] in ("404", "NoSuchKey"):
                return None
            raise
        return body

    def keep_mail(self, receipt: str, at: datetime, raw: bytes) -> str:
        key = f"mail/{at:%Y/%m}/{receipt}"
        client("s3").put_object(Bucket=self.mail_bucket, Key=key, Body=raw, ContentType="message/rfc822")
        return key

    def forget_incoming(self, *keys: str) -> None:
        """
        Take mails away from `incoming/`, in one call.

        Raises:
            Busy: S3 left one there.
        """
        if len(keys) == 1:
            client("s3").delete_object(Bucket=self.mail_bucket, Key=keys[0])
        elif keys:
            wanted = {"Objects": [{"Key": key} for key in keys], "Quiet": True}
            left = client("s3").delete_objects(Bucket=self.mail_bucket, Delete=wanted).get("Errors")
            if left:
                raise Busy(
                    f"S3 left {len(left)} mails under incoming/: {left[0].get('Code')}. The queue brings them again."
                )

    def still_incoming(self, *, before: datetime, limit: int = 100) -> list[str]:
        """Return the keys of mails that lie under `incoming/` since before a moment."""
        found = client("s3").list_objects_v2(Bucket=self.mail_bucket, Prefix="incoming/", MaxKeys=1000)
        return [o["Key"] for o in found.get("Contents", []) if o["LastModified"] < before][:limit]


def _upload_key(storefront: str, upload_id: str) -> str:
    return f"uploads/{storefront}/{upload_id}"
