"""Uploaded files for tests, and firms that sent in their licence."""

from __future__ import annotations

import io
from datetime import datetime
from functools import cache

from PIL import Image

from market import accounts, documents
from market.accounts import Organization, User, Verification
from market.documents import Document
from tests.builders.accounts import EARLY, an_actor

PDF = b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\ntrailer\n<< /Root 1 0 R >>\n%%EOF\n"


@cache
def a_picture(kind: str = "PNG", width: int = 400, height: int = 300) -> bytes:
    """A photograph of nothing."""
    file = io.BytesIO()
    Image.new("L", (width, height), 200).save(file, kind)
    return file.getvalue()


def a_document(organization: Organization, *, user: User | None = None, filename: str = "执照.png", data: bytes = b"") -> Document:
    """A stored file of this organization."""
    return documents.store(
        organization.id, filename=filename, data=data or a_picture(), by=an_actor(user, organization), at=EARLY
    )


def an_application(organization: Organization, *, user: User, at: datetime = EARLY, data: bytes = b"") -> Verification:
    """A firm that waits to be checked."""
    return accounts.submit_verification(
        organization, filename="执照.png", data=data or a_picture(), user=user, by=an_actor(user, organization), at=at
    )
