"""A partition for each month of events on PostgreSQL, made before it is needed; on SQLite there is nothing to do.

What came in before its month was prepared lies in the default partition and is moved out of it. Several workers take
turns. Bounds are midnights in Guangdong, so that a partition is what a bill calls a month.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import text

from market import db, roundtrip
from market.kit.period import Period, month_of
from market.metering.models import UsageEvent
from market.metering.store import on_postgresql

PARENT = UsageEvent.__tablename__
DEFAULT = f"{PARENT}_default"
#: How many months after this one are ready.
AHEAD = 2
#: Reports wait behind whoever waits for a table, so it is tried again later rather than waited for.
_PATIENCE = "SET LOCAL lock_timeout = '5s'"


def prepare(now: datetime) -> int:
    """Make the partitions of this month, the next two, and of whatever waits in the default one; how many were made."""
    if not on_postgresql():
        return 0
    with db.transaction(readonly=True):
        missing = [month for month in _wanted(now) if not exists(month)]
    return sum(_prepare(month) for month in missing)


def name_of(month: Period) -> str:
    """The table of a month."""
    return f"{PARENT}_{month.first_day:%Y_%m}"


def exists(month: Period) -> bool:
    """Whether a month has a partition."""
    # Not `to_regclass`: within a transaction it may remember what was before another worker's commit.
    query = """
        SELECT EXISTS (SELECT FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
                       WHERE inhparent = CAST(:parent AS regclass) AND relname = :name)"""
    return db.session.scalar(text(query), {"parent": PARENT, "name": name_of(month)}) or False


def ensure(month: Period) -> None:
    """Put all events of a month into a partition of their own, in the caller's transaction."""
    db.session.execute(text(_PATIENCE))
    db.serialize(f"months of {PARENT}")
    if exists(month):
        return
    name, inside = name_of(month), f"at >= '{month.start.isoformat()}' AND at < '{month.end.isoformat()}'"
    for statement in (
        # Reports wait here before they are given a partition; one that had been given the default would be refused by it.
        f"LOCK TABLE {PARENT} IN ACCESS EXCLUSIVE MODE",
        f"CREATE TABLE {name} (LIKE {PARENT} INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES)",
        f"WITH moved AS (DELETE FROM {DEFAULT} WHERE {inside} RETURNING *) INSERT INTO {name} SELECT * FROM moved",  # noqa: S608  # names of our own tables
        f"ALTER TABLE {PARENT} ATTACH PARTITION {name} FOR VALUES FROM ('{month.start.isoformat()}') TO ('{month.end.isoformat()}')",
    ):
        _change(statement)


def drop(month: Period) -> None:
    """Take a month's events away, all at once with the caller's transaction."""
    db.session.execute(text(_PATIENCE))
    db.serialize(f"months of {PARENT}")
    name = name_of(month)
    _change(f"ALTER TABLE {PARENT} DETACH PARTITION {name}")
    _change(f"DROP TABLE {name}")


def _change(statement: str) -> None:
    """Run what changes tables, after which psycopg prepares everything anew."""
    connection = db.session.connection()
    connection.exec_driver_sql(statement)
    roundtrip.forget(connection.info)


def _wanted(now: datetime) -> Iterator[Period]:
    month = month_of(now)
    first = db.session.scalar(text(f"SELECT min(at) FROM {DEFAULT}"))  # noqa: S608  # names of our own tables
    last = db.session.scalar(text(f"SELECT max(at) FROM {DEFAULT}"))  # noqa: S608  # names of our own tables
    waiting = month_of(first) if first else month
    while last is not None and waiting.start <= last and waiting.start < month.start:
        if db.session.scalar(text(f"SELECT EXISTS (SELECT FROM {DEFAULT} WHERE at >= :start AND at < :end)"), _bounds(waiting)):  # noqa: S608  # names of our own tables
            yield waiting
        waiting = waiting.next()
    for _ in range(AHEAD + 1):
        yield month
        month = month.next()


def _bounds(month: Period) -> dict[str, datetime]:
    return {"start": month.start, "end": month.end}


def _prepare(month: Period) -> bool:
    with db.transaction():
        made = not exists(month)
        ensure(month)
    return made
