"""Archiving a month: write it down, read it back, and only then take it out of the database.

On PostgreSQL the month's partition goes in the transaction that records the archive. On SQLite that transaction comes
first and the events go a page at a time; a run that was stopped on the way is finished by the next.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from itertools import zip_longest
from pathlib import Path

from sqlalchemy import ColumnElement, Select, delete, func, select

from market import audit, db
from market.accounts.models import Organization
from market.kit.period import Period, month_of
from market.metering import archived, months
from market.metering.archives import files
from market.metering.archives.files import Row
from market.metering.lanes import REACH, ClosedUntil
from market.metering.models import ArchivedMonth, UsageEvent
from market.metering.store import on_postgresql
from market.subscriptions.models import Subscription

#: Tells which part of a month is under way, of how many rows, and how many are done.
Told = Callable[[str, int, int], object]

_PAGE = 5000


class CannotArchive(Exception):
    """The month has to stay in the database, or its file is not what it was written as; for whoever runs the command."""


@dataclass(frozen=True)
class Candidate:
    """A month with events, and why it has to stay; empty when it may go."""

    month: Period
    rows: int
    reason: str


@dataclass(frozen=True)
class Archived:
    """What became of a month."""

    month: ArchivedMonth
    bytes: int


def candidates(before: Period, *, now: datetime, closed_until: ClosedUntil) -> list[Candidate]:
    """Every month before this one that has events in the database, oldest first."""
    with db.snapshot():
        first = db.session.scalar(select(func.min(UsageEvent.at)))
        found: list[Candidate] = []
        month = month_of(first) if first else before
        while month.start < before.start:
            rows = db.session.scalar(select(func.count()).select_from(UsageEvent).where(*_inside(month))) or 0
            if rows:
                found.append(Candidate(month, rows, _reason(month, now, closed_until)))
            month = month.next()
        return found


def archive(month: Period, folder: Path, *, by: audit.Actor, now: datetime, closed_until: ClosedUntil, told: Told) -> Archived:
    """Move a month's events into a file. Raises CannotArchive."""
    with db.transaction(readonly=True):
        known = archived.month_at(month.start)
    if known is None:
        known = _write(month, folder, by, now, closed_until, told)
    elif known.cleared_at is not None:
        raise CannotArchive(f"{month.label} was archived before, and {known.path} has it. What came in since stays in the database.")
    path = Path(known.path)
    if not path.exists() or files.hash_of(path) != known.hash:
        raise CannotArchive(f"{path} is not there or was changed; the events of {month.label} that are left stay in the database.")
    if known.cleared_at is None:
        _clear(month, now, known.rows, told)
    with db.transaction(readonly=True):
        done = archived.month_at(month.start)
    assert done is not None
    return Archived(done, path.stat().st_size)


def _write(
    month: Period, folder: Path, by: audit.Actor, now: datetime, closed_until: ClosedUntil, told: Told
) -> ArchivedMonth:
    with db.snapshot():
        if reason := _reason(month, now, closed_until):
            raise CannotArchive(f"{month.label} stays: {reason}")
        rows = db.session.scalar(select(func.count()).select_from(UsageEvent).where(*_inside(month))) or 0
        manifest = files.write(folder, month, _rows(month), lambda number: told("written", rows, number))
        path = files.path_of(folder, month).resolve()
        total = _compared(path, month, lambda number: told("compared", rows, number))
    with db.transaction():
        if on_postgresql():
            months.ensure(month)
            db.session.connection().exec_driver_sql(f"LOCK TABLE {months.name_of(month)} IN SHARE MODE")
        if _total(month) != total:
            raise CannotArchive(f"{month.label} changed while it was written down. Run the command again.")
        kept = ArchivedMonth(month=month.first_day, path=str(path), rows=manifest.rows, hash=manifest.hash, archived_at=now)
        db.session.add(kept)
        audit.record(
            "usage.archived", kept, by=by, at=now,
            after={"month": month.label, "file": manifest.file, "rows": manifest.rows, "bytes": manifest.bytes, "sha256": manifest.hash},
        )  # fmt: skip
        if on_postgresql():
            months.drop(month)
            kept.cleared_at = now
    return kept


def _clear(month: Period, now: datetime, rows: int, told: Told) -> None:
    """Take out what is left of a month that is in its file, a page at a time."""
    page = select(UsageEvent.id).where(*_inside(month)).order_by(UsageEvent.id).limit(_PAGE)
    number = 1
    while number:
        with db.transaction():
            gone = db.session.scalars(page).all()
            number = len(gone)
            db.session.execute(delete(UsageEvent).where(UsageEvent.id.in_(gone)).execution_options(synchronize_session=False))
        told("taken out", rows, number)
    with db.transaction():
        known = archived.month_at(month.start)
        assert known is not None
        known.cleared_at = now


def _reason(month: Period, now: datetime, closed_until: ClosedUntil) -> str:
    if now < month.end + REACH:
        return f"usage is taken in for {REACH.days} days after it happened."
    users = select(UsageEvent.subscription_id).where(*_inside(month)).distinct()
    owners = set(db.session.scalars(select(Subscription.organization_id).where(Subscription.id.in_(users))))
    closed = closed_until(owners)
    ends = {owner: billed.until for owner, billed in closed.items() if billed.until is not None}
    open_ = [owner for owner in owners if owner not in ends or ends[owner] < month.end]
    names = db.session.scalars(select(Organization.name).where(Organization.id.in_(open_)).order_by(Organization.id).limit(5)).all()
    return f"{len(open_):,} organizations have no final bill for it yet: {', '.join(names)} …" if open_ else ""


def _rows(month: Period) -> Generator[Row, None, None]:
    with closing(db.session.execute(_query(month))) as found:
        yield from map(Row._make, found)


def _query(month: Period) -> Select[tuple[object, ...]]:
    columns = [
        Subscription.public_id if name == "subscription" else getattr(UsageEvent, name) for name in Row._fields
    ]  # fmt: skip
    query = select(*columns).join(Subscription, Subscription.id == UsageEvent.subscription_id).where(*_inside(month))
    return query.order_by(UsageEvent.subscription_id, UsageEvent.at, UsageEvent.id).execution_options(yield_per=_PAGE)


def _compared(path: Path, month: Period, told: Callable[[int], object]) -> tuple[int, int]:
    """Read the file back beside the database; returns how many there are and the sum of their numbers."""
    count = numbers = 0
    with closing(_rows(month)) as rows:
        for written, stored in zip_longest(files.read(path), rows):
            if written != stored:
                raise CannotArchive(f"{path} does not say what the database says, at event {(stored or written).id}. Nothing was taken out.")
            count, numbers = count + 1, numbers + written.id
            if count % _PAGE == 0:
                told(_PAGE)
    told(count % _PAGE)
    return count, numbers


def _total(month: Period) -> tuple[int, int]:
    count, numbers = db.session.execute(select(func.count(), func.coalesce(func.sum(UsageEvent.id), 0)).where(*_inside(month))).one()
    return int(count), int(numbers)


def _inside(month: Period) -> Sequence[ColumnElement[bool]]:
    return UsageEvent.at >= month.start, UsageEvent.at < month.end
