"""Taking a file in: its lines are stored at once, and worked off by a sweep part by part."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import IO, Any

import msgspec
import structlog
from sqlalchemy import delete, insert, select
from sqlalchemy.exc import DBAPIError

from market import audit, db
from market.accounts.models import User
from market.errors import Refused
from market.metering.actions import ingest
from market.metering.lanes import ClosedUntil
from market.metering.uploads import queries, reading
from market.metering.uploads.models import LIFECYCLE, OPEN, UploadPart, UploadStatus, UsageUpload
from market.metering.uploads.queries import ReportLine
from market.metering.uploads.reading import File, FileUnreadable, Layout, Record
from market.metering.verdicts import Outcome, Verdict
from market.providers.models import Provider

log = structlog.get_logger(__name__)

#: How large a file may be, and how many lines it may have.
LARGEST, MOST_LINES = 10 * 1024 * 1024, 200_000
#: How many files of one provider may wait at once.
MOST_OPEN = 5
#: How long the report of a file can be fetched.
KEPT = timedelta(days=90)
#: How many lines are taken in by one transaction.
AT_ONCE = 500
_CHUNK = 256 * 1024

_encode = msgspec.json.Encoder().encode
_records = msgspec.json.Decoder(list[Record]).decode


class TooManyFiles(Refused):
    """Others of the provider's files are still being taken in."""

    code = "too_many_files"
    message = "已经有 %(count)s 个文件在排队。等它们处理完再上传。"

    def __init__(self) -> None:
        super().__init__(count=MOST_OPEN)


def receive(
    provider: Provider,
    stream: IO[bytes],
    *,
    filename: str,
    source: str,
    dry_run: bool,
    request_key: str,
    user: User,
    by: audit.Actor,
    at: datetime,
) -> UsageUpload:
    """Store a file's lines so that they are taken in soon; the same `request_key` does so once.

    Raises FileUnreadable with what to change in the file, TooManyFiles.
    """
    db.serialize(f"usage uploads {provider.id}")
    same = UsageUpload.provider_id == provider.id, UsageUpload.request_key == request_key
    if (known := db.session.scalar(select(UsageUpload).where(*same))) is not None:
        return known
    if len(queries.open_ids(provider)) >= MOST_OPEN:
        raise TooManyFiles
    size, sha256 = _measured(stream)
    file = reading.opened(stream)
    upload = UsageUpload(
        provider_id=provider.id, request_key=request_key, filename=filename, size=size, sha256=sha256,
        encoding=file.encoding, source=source, layout=_stored(file.layout), dry_run=dry_run, status=LIFECYCLE.initial,
        uploaded_by_id=user.id, uploaded_at=at, lines=0, lines_done=0,
    )  # fmt: skip
    db.session.add(upload)
    db.session.flush()
    upload.lines = _store(upload, file)
    audit.record(
        "usage_upload.received", upload, by=by, at=at,
        after={"source": source, "lines": upload.lines, "sha256": sha256, "dry_run": dry_run},
    )  # fmt: skip
    return upload


def judge(
    provider: Provider,
    layout: Layout,
    records: list[Record],
    *,
    source: str,
    now: datetime,
    closed_until: ClosedUntil,
    dry_run: bool,
) -> Sequence[Verdict]:
    """Take records in, in the open transaction, by the one way there is; a verdict for each."""
    properties = queries.value_properties(provider, at=now)
    events = reading.events_in(layout, records, source=source, properties=properties)
    return ingest(provider, source, events, now=now, closed_until=closed_until, dry_run=dry_run)


def batches(records: Iterable[Record], size: int = AT_ONCE) -> Iterator[list[Record]]:
    """Records in lists of at most so many."""
    each = iter(records)
    while some := list(islice(each, size)):
        yield some


def work_due(now: datetime, *, closed_until: ClosedUntil) -> int:
    """Take in what was uploaded, oldest file first, each part in a transaction of its own; returns how many parts.

    A worker that is killed leaves the parts that it has not committed; the next one goes on with them.
    """
    begun, parts = time.monotonic(), 0
    with db.transaction(readonly=True):
        ids = queries.open_ids()
    for id in ids:
        while _work(id, now + timedelta(seconds=time.monotonic() - begun), closed_until):
            parts += 1
    return parts


def expire_due(now: datetime) -> int:
    """Throw away the reports that nobody needs any more; returns how many."""
    with db.transaction():
        query = select(UsageUpload).where(
            UsageUpload.status.in_((UploadStatus.DONE, UploadStatus.FAILED)), UsageUpload.finished_at <= now - KEPT
        )
        old = db.session.scalars(query.limit(100).with_for_update(skip_locked=True)).all()
        for upload in old:
            LIFECYCLE.move(upload, UploadStatus.EXPIRED)
            db.session.execute(delete(UploadPart).where(UploadPart.upload_id == upload.id))
    return len(old)


def _measured(stream: IO[bytes]) -> tuple[int, str]:
    """How long the stream is and its hash, read no further than is needed to know that it is too large."""
    size, digest = 0, hashlib.sha256()
    stream.seek(0)
    while chunk := stream.read(_CHUNK):
        size += len(chunk)
        digest.update(chunk)
        if size > LARGEST:
            raise FileUnreadable("文件最大 %(megabytes)s MB。请分成几个文件上传；同一行传两次也不会重复计费。", megabytes=LARGEST // 1024**2)
    return size, digest.hexdigest()


def _store(upload: UsageUpload, file: File) -> int:
    lines = 0
    for position, some in enumerate(batches(file.records)):
        lines += len(some)
        if lines > MOST_LINES:
            raise FileUnreadable("一个文件最多 %(lines)s 行。请分成几个文件上传。", lines=f"{MOST_LINES:,}")
        part = {"upload_id": upload.id, "position": position, "records": _encode(some).decode()}
        db.session.execute(insert(UploadPart).values(part))
    if not lines:
        raise FileUnreadable("表头下面没有内容。")
    return lines


def _stored(layout: Layout) -> dict[str, Any]:
    return {"kind": layout.kind, "columns": layout.columns, "ignored": layout.ignored}


def _work(id: int, now: datetime, closed_until: ClosedUntil) -> bool:
    """Take in the next part of a file; False when there is none, or another worker has the file."""
    try:
        with db.transaction():
            query = select(UsageUpload).where(UsageUpload.id == id, UsageUpload.status.in_(OPEN))
            upload = db.session.scalar(query.with_for_update(skip_locked=True))
            return upload is not None and _take_next(upload, now, closed_until)
    except (DBAPIError, OSError):
        raise  # the machine's fault, not the file's: the sweep comes again
    except Exception:
        log.exception("upload_failed", upload=id)
        _break_off(id, now)
        return False


def _take_next(upload: UsageUpload, now: datetime, closed_until: ClosedUntil) -> bool:
    waiting = select(UploadPart).where(UploadPart.upload_id == upload.id, UploadPart.verdicts.is_(None))
    part = db.session.scalar(waiting.order_by(UploadPart.position).limit(1))
    if part is None:
        _finish(upload, UploadStatus.DONE, now)
        return False
    if upload.status is UploadStatus.RECEIVED:
        LIFECYCLE.move(upload, UploadStatus.WORKING)
    provider = db.session.get_one(Provider, upload.provider_id)
    records, layout = _records(part.records), reading.layout_of(upload.layout)
    verdicts = judge(
        provider, layout, records, source=upload.source, now=now, closed_until=closed_until, dry_run=upload.dry_run
    )
    part.records, part.verdicts = "", _encode(report_lines(records, verdicts)).decode()
    upload.lines_done += len(records)
    for outcome in Outcome:
        setattr(upload, outcome.value, getattr(upload, outcome.value) + sum(v.outcome is outcome for v in verdicts))
    return True


def report_lines(records: Iterable[Record], verdicts: Iterable[Verdict]) -> list[ReportLine]:
    """What a report says of these records."""
    return [
        ReportLine(
            record.line, verdict.id, verdict.outcome.value, verdict.code, verdict.message,
            {name: str(value) for name, value in verdict.params.items()},
            verdict.first.stored_at.isoformat() if verdict.first else "",
        )
        for record, verdict in zip(records, verdicts, strict=True)
    ]  # fmt: skip


def _break_off(id: int, now: datetime) -> None:
    with db.transaction():
        upload = db.session.get_one(UsageUpload, id, with_for_update=True)
        if upload.status in OPEN:
            _finish(upload, UploadStatus.FAILED, now)


def _finish(upload: UsageUpload, status: UploadStatus, now: datetime) -> None:
    LIFECYCLE.move(upload, status)
    upload.finished_at = now
    provider = db.session.get_one(Provider, upload.provider_id)
    audit.record(
        f"usage_upload.{status.value}", upload, by=audit.system("worker", organization_id=provider.organization_id), at=now,
        after={outcome.value: getattr(upload, outcome.value) for outcome in Outcome},
    )  # fmt: skip
