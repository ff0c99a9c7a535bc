"""Files that people send and get back: the field, and an answer that no browser runs."""

from __future__ import annotations

from contextlib import closing
from io import BytesIO
from pathlib import PurePosixPath
from typing import Any

from flask import Response, send_file
from werkzeug.datastructures import FileStorage
from wtforms import FileField

from market import documents
from market.documents import Document

#: Room for a photograph that is too large, so that the page can say so in words, and for the form round it.
ROOM = documents.LARGEST * 3
#: What browsers let people choose; what is sent is looked at all the same.
CHOICES = ",".join(documents.ENDINGS) + ",.jpg,.jpeg,.png,.pdf"
#: A document is looked at and never run, whatever it holds.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"


class DocumentField(FileField):
    """A photograph or PDF to send in."""

    def __call__(self, **attributes: Any) -> Any:
        return super().__call__(**({"accept": CHOICES} | attributes))

    def sent(self) -> tuple[str, bytes]:
        """What it is called and what it holds, read no further than is needed to know that it is too large."""
        if not isinstance(self.data, FileStorage):
            return "", b""
        with closing(self.data):
            return self.data.filename or "", self.data.stream.read(documents.LARGEST + 1)


class FapiaoField(DocumentField):
    """A fapiao as the tax office made it."""

    def __call__(self, **attributes: Any) -> Any:
        return super().__call__(**({"accept": ",".join(documents.FAPIAO_ENDINGS.values())} | attributes))


def answer(document: Document) -> Response:
    """The file itself, for somebody who has been found entitled to it. Pictures are shown, all else is saved."""
    response = send_file(
        BytesIO(documents.read(document)),
        mimetype=document.media_type,
        as_attachment=not document.media_type.startswith("image/"),
        download_name=_name(document),
        etag=False,
    )
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _name(document: Document) -> str:
    """What it is saved as: its own name with the ending of what it really is."""
    endings = documents.ENDINGS | documents.FAPIAO_ENDINGS
    return f"{PurePosixPath(document.filename).stem}{endings[document.media_type]}"
