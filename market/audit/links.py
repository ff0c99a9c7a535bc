"""Reading the chain: each link with the row it seals, in order, a few at a time."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, exists, select

from market import db
from market.audit import chain, rows
from market.audit.models import AuditEvent, AuditLink

Row = dict[str, Any]
_AT_ONCE = 1000
_LINK = (AuditLink.position, AuditLink.event_id, AuditLink.previous_hash, AuditLink.hash)
_HAS_LINK = exists().where(AuditLink.event_id == AuditEvent.id)


class Link(NamedTuple):
    """A link as it is stored."""

    position: int
    event_id: int
    previous_hash: str
    hash: str


#: What the first link follows.
START = Link(0, 0, "", chain.GENESIS)


def walked() -> Generator[tuple[Link, Row | None]]:
    """Every link in the order of positions, with its row, or None where the row is gone."""
    read = rows.reader()
    query = select(*_LINK, *rows.columns()).select_from(AuditLink)
    query = query.outerjoin(AuditEvent, AuditEvent.id == AuditLink.event_id).order_by(AuditLink.position)
    with db.session.execute(query.execution_options(yield_per=_AT_ONCE)) as found:
        for one in found:
            yield Link(*one[:4]), (read(one[4:]) if one[4] is not None else None)


def link_where(*conditions: ColumnElement[bool]) -> Link | None:
    """The first link of which this is true."""
    found = db.session.execute(select(*_LINK).where(*conditions).order_by(AuditLink.position).limit(1)).first()
    return Link(*found) if found else None


def row_that_gives(hash: str, previous: str) -> Row | None:
    """The row that has this hash after that one, wherever it stands: those without a link first, then all."""
    for sealed in (False, True):
        with closing(_rows(sealed=sealed)) as found:
            for row in found:
                if chain.seal(previous, row) == hash:
                    return row
    return None


def first_unsealed() -> int | None:
    """The id of the oldest row without a link."""
    return db.session.scalar(select(AuditEvent.id).where(~_HAS_LINK).order_by(AuditEvent.id).limit(1))


def _rows(*, sealed: bool) -> Generator[Row]:
    query = select(*rows.columns()).where(_HAS_LINK if sealed else ~_HAS_LINK).order_by(AuditEvent.id)
    read = rows.reader()
    with db.session.execute(query.execution_options(yield_per=_AT_ONCE)) as found:
        yield from map(read, found)
