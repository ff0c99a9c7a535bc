"""Verbs: asking for an archive, making it, throwing it away."""

from __future__ import annotations

import os
import re
import secrets
import time
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import structlog
from sqlalchemy import select

from market import audit, db, documents, resources
from market.accounts.models import Organization, User
from market.documents import Document
from market.errors import NotFound, Refused
from market.privacy import archive
from market.privacy.holdings import OF_ORGANIZATION, OF_PERSON
from market.privacy.models import LIFECYCLE, OPEN, Export, ExportStatus
from market.privacy.signals import export_ready

log = structlog.get_logger(__name__)

#: How long an archive waits to be fetched.
KEPT = timedelta(days=7)
#: A worker that has not moved for so long has died.
STALLED = timedelta(minutes=10)


class ExportPending(Refused):
    """One archive of the same data is being made already."""

    code = "export_pending"
    message = "已经有一份归档正在准备，好了会通知您。"


class ExportGone(NotFound):
    """The archive has been thrown away, or was never finished."""

    code = "export_gone"
    message = "这份归档已经过期或没有做成。可以重新申请一份。"


def request_export(
    user: User, organization: Organization | None, *, by: audit.Actor, at: datetime
) -> Export:
    """Ask for an archive of an organization's data or, without one, of the person's own. Raises ExportPending."""
    db.serialize(f"export {organization.id if organization else 0} {user.id}")
    owner = Export.organization_id == organization.id if organization else (
        (Export.user_id == user.id) & Export.organization_id.is_(None)
    )  # fmt: skip
    if db.session.scalar(select(Export.id).where(owner, Export.status.in_(OPEN)).limit(1)) is not None:
        raise ExportPending
    export = Export(
        organization=organization, user=user, requested_at=at, file=f"{secrets.token_hex(16)}.zip",
        status=LIFECYCLE.initial, rows=0, rows_done=0,
    )  # fmt: skip
    db.session.add(export)
    audit.record("export.requested", export, by=by, at=at)
    return export


def note_download(export: Export, *, by: audit.Actor, at: datetime) -> None:
    """Remember that the archive was fetched, and by whom."""
    audit.record("export.downloaded", export, by=by, at=at)


def path_of(export: Export) -> Path:
    """Where a finished archive lies. Raises ExportGone."""
    path = _folder() / export.file
    if export.status is not ExportStatus.READY or not path.is_file():
        raise ExportGone
    return path


def build_due(now: datetime) -> int:
    """Make the archives that were asked for, one after the other; returns how many are ready.

    A worker that was killed leaves `building` behind; after ten minutes without progress another one begins anew.
    """
    with db.transaction(readonly=True):
        waiting = Export.status == ExportStatus.REQUESTED
        stalled = (Export.status == ExportStatus.BUILDING) & (Export.progress_at < now - STALLED)
        due = db.session.scalars(select(Export.id).where(waiting | stalled).order_by(Export.id)).all()
    return sum(_build(id, now) for id in due)


def expire_due(now: datetime) -> int:
    """Throw away what nobody fetched in time; returns how many."""
    with db.transaction():
        query = select(Export).where(Export.status == ExportStatus.READY, Export.expires_at <= now)
        old = db.session.scalars(query.with_for_update(skip_locked=True)).all()
        for export in old:
            LIFECYCLE.move(export, ExportStatus.EXPIRED)
            db.on_commit(partial((_folder() / export.file).unlink, missing_ok=True))
    return len(old)


def _build(id: int, now: datetime) -> bool:
    if not _claim(id, now):
        return False
    try:
        size = _write(id, now)
    except Exception as error:
        log.exception("export_failed", export=id)
        _settle(id, ExportStatus.FAILED, now)
        return not isinstance(error, Exception)
    return _settle(id, ExportStatus.READY, now, size=size)


def _claim(id: int, now: datetime) -> bool:
    """Take the archive, unless another worker has it."""
    with db.transaction():
        export = db.session.get_one(Export, id, with_for_update=True)
        if export.status is ExportStatus.BUILDING and export.progress_at and export.progress_at < now - STALLED:
            LIFECYCLE.move(export, ExportStatus.REQUESTED)
        if export.status is not ExportStatus.REQUESTED:
            return False
        LIFECYCLE.move(export, ExportStatus.BUILDING)
        export.progress_at, export.rows_done = now, 0
    return True


def _write(id: int, now: datetime) -> int:
    with db.transaction(readonly=True):
        export = db.session.get_one(Export, id)
        organization = db.session.get(Organization, export.organization_id) if export.organization_id else None
        attachments = _attachments(organization)
    holdings = OF_ORGANIZATION[organization.kind] if organization else OF_PERSON
    wanted = archive.parts(holdings, organization.id if organization else export.user_id)
    path = _folder() / export.file
    draft = path.with_suffix(f".{os.getpid()}")
    about = {"about": str(organization) if organization else "person", "made_at": now}
    draft.touch(mode=0o600)
    begun = time.monotonic()
    with db.reading() as connection:
        total = archive.count(connection, wanted)

        def told(done: int) -> None:
            _tell(id, done, total, now + timedelta(seconds=time.monotonic() - begun))

        archive.write(draft, connection, wanted, attachments, about=about, told=told)
    draft.replace(path)
    return path.stat().st_size


def _attachments(organization: Organization | None) -> list[archive.Attachment]:
    if organization is None:
        return []
    owned = db.session.scalars(select(Document).where(Document.organization_id == organization.id)).all()
    return [
        archive.Attachment(f"documents/{document.id}-{_safe(document.filename)}", partial(documents.read, document))
        for document in owned
    ]


def _safe(filename: str) -> str:
    """A name that unpacks beside its siblings, whatever the uploader called the file."""
    return re.sub(r"[^\w.-]+", "_", filename).strip(".")[-100:]


def _tell(id: int, done: int, total: int, at: datetime) -> None:
    with db.transaction():
        export = db.session.get_one(Export, id)
        export.rows, export.rows_done, export.progress_at = total, done, at


def _settle(id: int, status: ExportStatus, now: datetime, *, size: int = 0) -> bool:
    with db.transaction():
        export = db.session.get_one(Export, id, with_for_update=True)
        if export.status is not ExportStatus.BUILDING:
            return False
        LIFECYCLE.move(export, status)
        export.finished_at, export.size = now, size
        export.expires_at = now + KEPT if status is ExportStatus.READY else None
        user = db.session.get_one(User, export.user_id)
        audit.record(f"export.{status.value}", export, by=audit.system("worker", organization_id=export.organization_id), at=now)
        export_ready.send(export, user=user, at=now)
    return status is ExportStatus.READY


def _folder() -> Path:
    folder = resources.settings.data_dir / "exports"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder
