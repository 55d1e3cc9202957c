"""
Files on their way in: the browser puts them into S3 itself, and then names them.
"""

from typing import Any

from chalicelib.domain.errors import Fault, Invalid
from chalicelib.domain.ticket import File
from chalicelib.frozen import frozen, replace
from chalicelib.wiring import Desk


@frozen
class Uploads:
    """Files that a request names; `owner` is who may: a storefront, or `agents`."""

    owner: str
    ids: tuple[str, ...] = ()


def offer(desk: Desk, owner: str, name: str, content_type: str, size: int) -> dict[str, Any]:
    """Return `{"id", "url", "fields"}`: POST the fields and then the file to the url, and name the id on a ticket."""
    upload_id = desk.new_id()
    return {"id": upload_id, **desk.files.offer_upload(owner, upload_id, File(name, content_type, size, None))}


def offer_on_page(desk: Desk, owner: str, back_to: str, earlier: tuple[str, ...]) -> dict[str, Any]:
    """Return `{"url", "fields", "max_size"}` for a form that works without JavaScript: S3 sends the browser back."""
    upload_id = desk.new_id()
    return desk.files.offer_form(owner, upload_id, back_to + ",".join((*earlier, upload_id)))


def kept(desk: Desk, uploads: Uploads) -> tuple[File, ...]:
    """
    Keep the files that a request names; they would be gone after a day otherwise.

    Raises:
        Invalid: One that has not arrived, or that is somebody else's.
    """
    found = [desk.files.find_upload(uploads.owner, upload_id) for upload_id in uploads.ids]
    absent = [place for place, upload in enumerate(found) if upload is None]
    if absent:
        raise Invalid(*(Fault(f"/attachments/{n}", "no such upload: POST the file to its url first") for n in absent))
    return tuple(
        _kept(desk, upload, f"files/{uploads.owner}/{upload_id}")
        for upload_id, upload in zip(uploads.ids, found, strict=True)
        if upload
    )


def _kept(desk: Desk, upload: File, key: str) -> File:
    desk.files.keep_upload(upload, key)
    return replace(upload, key=key)
