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


_HEAD = select(AuditLink.position, AuditLink.hash).order_by(AuditLink.position.desc()).limit(1)
_ADD = insert(AuditLink.__table__)  # type: ignore[arg-type]  # a mapped class has a table


def seal(events: Sequence[AuditEvent]) -> None:
    """Link these rows in the order of their ids. The last act of a transaction: `db.before_commit(seal, event)`.

    Everybody who writes waits for the chain's lock, so it is taken last and held for the commit only. Rows of a
    savepoint that was rolled back have no id any more, and are not sealed.
    """
    db.session.flush()
    rows_in_order = list(_read_back(sorted({event.id for event in events if event.id is not None})))
    if not rows_in_order:
        return
    db.serialize("audit chain")
    last, previous = head() or (0, chain.GENESIS)
    links = []
    for position, (id, text) in enumerate(rows_in_order, last + 1):
        sealed = chain.link_hash(previous, text)
        links.append({"position": position, "event_id": id, "previous_hash": previous, "hash": sealed})
        previous = sealed
    db.session.execute(_ADD, links)


def head() -> tuple[int, str] | None:
    """Position and hash of the newest link; None before the first."""
    found = db.session.execute(_HEAD).first()
    return (found.position, found.hash) if found else None


def _read_back(ids: Sequence[int]) -> Iterator[tuple[int, str]]:
    """The rows as the database gives them back, which is what a verifier will see: id and canonical JSON."""
    read, rest = rows.reader(), iter(ids)
    while some := list(islice(rest, _AT_ONCE)):
        for values in db.session.execute(rows.some(), {"ids": some}):
            row = read(values)
            yield row["id"], chain.canonical(row)


def sealed_text(event: AuditEvent) -> str:
    """The text of a row that its hash is taken of, after the previous hash."""
    ((_id, text),) = _read_back([event.id])
    return text
