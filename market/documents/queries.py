"""Finding an uploaded file for somebody who may see it."""

from __future__ import annotations

from market import db
from market.documents.models import Document
from market.errors import NotFound


def document_by_id(id: int) -> Document:
    """Any document, for who has been found entitled to it. Raises NotFound."""
    document = db.session.get(Document, id)
    if document is None:
        raise NotFound
    return document
