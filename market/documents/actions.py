"""Storing an uploaded file, reading it again, and sweeping what no row names."""

from __future__ import annotations

import hashlib
import os
import secrets
import unicodedata
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import select

from market import audit, db, resources
from market.documents import kinds
from market.documents.models import Document
from market.errors import MarketError

#: How long a file without a row may lie there: its transaction may still be under way.
ORPHAN_AGE = timedelta(hours=1)
_LONGEST_NAME = 120


class DocumentLost(MarketError):
    """The row is there and the file is not, or is not the one that was stored."""

    status, code = 503, "document_lost"
    message = "这个文件现在打不开，已通知值班人员。可以先重新上传一份。"


def folder() -> Path:
    """Where the files lie, in the data folder."""
    return resources.settings.data_dir / "documents"


def store(
    organization_id: int, *, filename: str, data: bytes, by: audit.Actor, at: datetime,
    kind: Callable[[bytes], str] = kinds.media_type_of,
) -> Document:  # fmt: skip
    """Keep a file of an organization, exactly as it was sent. Raises Unusable with what to do instead.

    `kind` tells what it is, and refuses what is not wanted here.

    The file is written first: what is left when the transaction fails is swept, and no row ever lacks its file.
    """
    media_type = kind(data)
    document = Document(
        organization_id=organization_id,
        name=secrets.token_hex(16),
        filename=shown(filename),
        media_type=media_type,
        size=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        uploaded_by_id=by.id if by.kind == "user" else None,
        uploaded_at=at,
    )
    _write(folder() / document.name, resources.cipher.encrypt_bytes(data), at)
    db.session.add(document)
    audit.record(
        "document.stored", document, by=by, at=at, organization_id=organization_id,
        after={"type": media_type, "size": document.size, "sha256": document.sha256},
    )  # fmt: skip
    return document


def read(document: Document) -> bytes:
    """The bytes as they were uploaded. Raises DocumentLost."""
    try:
        data = resources.cipher.decrypt_bytes((folder() / document.name).read_bytes())
    except (OSError, ValueError) as error:
        raise DocumentLost from error
    if hashlib.sha256(data).hexdigest() != document.sha256:
        raise DocumentLost
    return data


def sweep(now: datetime) -> int:
    """Remove files that no row names; returns how many."""
    try:
        found = [path for path in folder().iterdir() if path.stat().st_mtime < (now - ORPHAN_AGE).timestamp()]
    except FileNotFoundError:
        return 0
    with db.transaction(readonly=True):
        known = set(db.session.scalars(select(Document.name)))
    orphans = [path for path in found if path.name not in known]
    for path in orphans:
        path.unlink(missing_ok=True)
    return len(orphans)


def _write(path: Path, content: bytes, at: datetime) -> None:
    """Whole or not at all, on the disk before the row is; the time is the marketplace's, for the sweep."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    draft = path.with_suffix(".part")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.utime(draft, (at.timestamp(), at.timestamp()))
    draft.replace(path)


def shown(filename: str) -> str:
    """A name for people: without folders and characters that cannot be seen, not longer than a line."""
    last = filename.replace("\\", "/").rpartition("/")[2]
    seen = "".join(c for c in unicodedata.normalize("NFC", last) if unicodedata.category(c)[0] != "C").strip()
    stem, dot, ending = seen.rpartition(".")
    if len(seen) > _LONGEST_NAME and dot and len(ending) < 10:
        return stem[: _LONGEST_NAME - len(ending) - 1] + dot + ending
    return seen[:_LONGEST_NAME] or "file"
