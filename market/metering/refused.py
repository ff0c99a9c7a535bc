"""Events that were not counted: kept for their sender to mend, and closed once they are resent."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, exists, func, select, update

from market import db
from market.columns import Column, Names, Numbers, Texts, Uuids
from market.errors import NotFound
from market.metering import envelope
from market.metering.identity import Keys, digest_of
from market.metering.models import EventIdentity, RefusedEvent
from market.metering.queries import Reporter
from market.metering.verdicts import BadEvent, Verdict
from market.providers.models import Provider
from market.statements import lite_time, owe, write

#: How long a refused event is kept after it last came: no event so old could still be counted.
KEPT = timedelta(days=90)
#: Beyond so many the exact number tells nobody anything.
MOST_COUNTED = 1000
#: How many rows a sweep settles or deletes at once.
_AT_ONCE = 5000

_COLUMNS = ("key", "source", "event_id", "code", "reason", "body", "times")
_KINDS: Sequence[Callable[[Any], Column]] = (Uuids, Names, Texts, Names, Names, Texts, Numbers)
# When it came is in an index, and a row that leaves its indexes alone takes PostgreSQL a third of the time.
_AGAIN = """
    ON CONFLICT (key) WHERE settled_at IS NULL DO UPDATE SET
        source = excluded.source, received_at = CASE
            WHEN excluded.received_at < {lately} THEN refused_events.received_at ELSE excluded.received_at
        END, code = excluded.code, reason = excluded.reason,
        body = excluded.body, times = refused_events.times + excluded.times
"""
_PG_KEEP = f"""
    INSERT INTO refused_events (provider_id, received_at, {", ".join(_COLUMNS)})
    SELECT %(provider_id)s, %(at)s, r.*
    FROM unnest(%(key)s, %(source)s, %(event_id)s, %(code)s, %(reason)s, %(body)s, %(times)s) AS r({", ".join(_COLUMNS)})
    ORDER BY r.key
    {_AGAIN.format(lately="refused_events.received_at + interval '1 minute'")}
"""
_LITE_KEEP = f"""
    INSERT INTO refused_events (provider_id, received_at, {", ".join(_COLUMNS)}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
    {_AGAIN.format(lately="strftime('%Y-%m-%d %H:%M:%f', refused_events.received_at, '+1 minute')")}
"""


def keep(provider: Reporter, key_source: str, lost: Iterable[tuple[Any, Verdict, bytes | None]], *, at: datetime) -> None:
    """Remember what was sent and why it was not counted, and its key where that is known.

    What is open already is moved on, not added again; when it last came is told to the minute. It is written when the
    transaction is committed, if not before.
    """
    keys, rows = Keys(provider.id, key_source), dict[bytes, list[Any]]()
    for raw, verdict, key in lost:
        body = raw.body if isinstance(raw, BadEvent) else envelope.excerpt(raw)
        # Under whichever source it was sent: with this key it can only be resent under the key's own.
        if key is None:
            key = keys.of(verdict.id) if verdict.id else digest_of(f"{provider.id}\0{key_source}\0{body}".encode())
        before = rows.get(key)
        rows[key] = [key, verdict.source, verdict.id, verdict.code, verdict.reason, body, before[-1] + 1 if before else 1]
    if db.on_postgresql():
        told = {name: kind(values) for name, kind, values in zip(_COLUMNS, _KINDS, zip(*rows.values(), strict=True), strict=True)}
        owe(_PG_KEEP, {"provider_id": provider.id, "at": at, **told})
    else:
        write(_LITE_KEEP, [(provider.id, lite_time(at), *row) for row in rows.values()])


def refused_of(provider: Provider, *, unresolved: bool = False) -> Select[RefusedEvent]:
    """Refused events, newest first; `unresolved` leaves out those that were resent or set aside in the meantime."""
    query = select(RefusedEvent).where(RefusedEvent.provider_id == provider.id).order_by(RefusedEvent.id.desc())
    return query.where(_OPEN) if unresolved else query


def refused_event_of(provider: Provider, id: int) -> RefusedEvent:
    """One of a provider's refused events. Raises NotFound for a stranger's."""
    found = db.session.scalar(refused_of(provider).where(RefusedEvent.id == id))
    if found is None:
        raise NotFound
    return found


def is_open(event: RefusedEvent) -> bool:
    """Whether it still has to be mended."""
    return db.session.scalar(select(RefusedEvent.id).where(RefusedEvent.id == event.id, _OPEN)) is not None


def unresolved_count(provider: Provider, *, since: datetime | None = None) -> int:
    """How many refused events are still open, `MOST_COUNTED` at most; only those that came since then, if said."""
    query = select(RefusedEvent.id).where(RefusedEvent.provider_id == provider.id, _OPEN)
    if since is not None:
        query = query.where(RefusedEvent.received_at >= since)
    return db.session.scalar(select(func.count()).select_from(query.limit(MOST_COUNTED).subquery())) or 0


def settle_due(now: datetime) -> int:
    """Write down which refused events were accepted in the meantime, and throw old ones away; returns how many.

    Whoever reads asks for itself, so nothing depends on when this runs.
    """
    with db.transaction(readonly=True):
        settled = db.session.scalars(select(RefusedEvent.id).where(RefusedEvent.settled_at.is_(None), _ACCEPTED).limit(_AT_ONCE)).all()
        old = db.session.scalars(select(RefusedEvent.id).where(RefusedEvent.received_at < now - KEPT).limit(_AT_ONCE)).all()
    if settled or old:
        with db.transaction():
            still_open = RefusedEvent.id.in_(settled), RefusedEvent.settled_at.is_(None)
            db.session.execute(update(RefusedEvent).where(*still_open).values(settled_at=now))
            db.session.execute(delete(RefusedEvent).where(RefusedEvent.id.in_(old)))
    return len(settled) + len(old)


# A conflict stays until somebody sets it aside: the id is taken by another event, so it cannot be resent.
_ACCEPTED: ColumnElement[bool] = (RefusedEvent.code != "conflict") & exists().where(EventIdentity.key == RefusedEvent.key)
_OPEN: ColumnElement[bool] = RefusedEvent.settled_at.is_(None) & ~_ACCEPTED
