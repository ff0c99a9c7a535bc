"""Sealing: at the very end of a transaction its new rows are linked to the chain."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from sqlalchemy import insert, select

from market import db
from market.audit import chain, rows
from market.audit.models import AuditEvent, AuditLink

#: Rows read back with one statement; databases limit the number of parameters.
_AT_ONCE = 1000


def seal(events: Sequence[AuditEvent]) -> None:
    """Link these rows in the order of their ids. The last act of a transaction: `db.before_commit(seal, event)`.

    Everybody who writes waits for the chain's lock, so it is taken last and held for the commit only. Rows of a
    savepoint that was rolled back have no id any more, and are not sealed.
    """
    db.session.flush()
    ids = sorted({event.id for event in events if event.id is not None})
    db.serialize("audit chain")
    position, previous = head() or (0, chain.GENESIS)
    links = []
    for row in _read_back(ids):
        position += 1
        sealed = chain.seal(previous, row)
        links.append({"position": position, "event_id": row["id"], "previous_hash": previous, "hash": sealed})
        previous = sealed
    if links:
        db.session.execute(insert(AuditLink), links)


def head() -> tuple[int, str] | None:
    """Position and hash of the newest link; None before the first."""
    newest = select(AuditLink.position, AuditLink.hash).order_by(AuditLink.position.desc()).limit(1)
    found = db.session.execute(newest).first()
    return (found.position, found.hash) if found else None


def _read_back(ids: Sequence[int]) -> Iterator[dict[str, object]]:
    """The rows as the database gives them back, which is what a verifier will see."""
    read, rest = rows.reader(), iter(ids)
    while some := list(islice(rest, _AT_ONCE)):
        query = select(*rows.columns()).where(rows.EVENTS.c.id.in_(some)).order_by(rows.EVENTS.c.id)
        for values in db.session.execute(query):
            yield read(values)
