"""Checking archived months: the file against its hash, its events against their identities, the counters against both."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby, islice
from pathlib import Path

from sqlalchemy import select

from market import db
from market.catalog.models import Meter
from market.kit.period import Period, local_midnight, month_of
from market.metering import archived, census, counts, verification
from market.metering.archives import files
from market.metering.archives.files import Row
from market.metering.census import Fault
from market.metering.inspection import Finding
from market.metering.models import ArchivedMonth, UsageCounter, UsageEvent

_PAGE = 5000

#: As for `metering.inspect`.
Told = Callable[[str, int, int], object]


def inspect(folder: Path, told: Told, *, subscription_id: int | None = None) -> Iterator[Finding]:
    """Everything that is not as it should be in the files of all archived months; of one subscription, if one is named."""
    with db.transaction(readonly=True):
        known = archived.months()
    for each in known:
        path = folder / archived.file_of(each)
        if not path.exists():
            yield Fault(f"archive file is not in {folder}", 0, path.name)
        elif files.hash_of(path) != each.hash:
            yield Fault("archive file is not what was written", 0, path.name)
        else:
            with db.snapshot():
                yield from _month(each, path, told, subscription_id)


def _month(each: ArchivedMonth, path: Path, told: Told, only: int | None) -> Iterator[Finding]:
    month, meters = month_of(local_midnight(each.month)), dict[int, Sequence[Meter]]()
    found: list[Fault] = []
    seen: set[int] = set()
    rows = _identified(files.read(path), found, lambda number: told(f"archive {month.label}", each.rows, number))
    for id, group in groupby(rows, key=lambda row: row.subscription_id):
        if only not in (None, id):
            continue
        seen.add(id)
        yield from verification.compare(id, month, _counted(group, meters))
    yield from found
    if only is None:
        for id in _others(month) - seen:
            yield from verification.compare(id, month, ())


def _counted(group: Iterable[Row], meters: dict[int, Sequence[Meter]]) -> Iterator[counts.Count]:
    rows = iter(group)
    first = next(rows)
    if first.provider_id not in meters:
        meters[first.provider_id] = verification.meters_of(first.provider_id)
    standing = counts.standing(_again(first, rows))
    yield from counts.seen_by(meters[first.provider_id], standing)


def _again(first: Row, rest: Iterable[Row]) -> Iterator[Row]:
    yield first
    yield from rest


def _identified(rows: Iterator[Row], found: list[Fault], told: Callable[[int], object]) -> Iterator[Row]:
    """The rows on, with what their identities do not say."""
    while page := list(islice(rows, _PAGE)):
        found += census.unidentified(page)
        told(len(page))
        yield from page


def _others(month: Period) -> set[int]:
    """Subscriptions that counted something in the month and have no events of it in the database."""
    counted = select(UsageCounter.subscription_id).where(
        UsageCounter.day >= month.first_day, UsageCounter.day <= month.last_day
    )
    here = select(UsageEvent.subscription_id).where(UsageEvent.at >= month.start, UsageEvent.at < month.end)
    return set(db.session.scalars(counted.distinct())) - set(db.session.scalars(here.distinct()))
