"""Reading the trail."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, inspect, literal, or_, select, true, tuple_, union

from market import db
from market.audit.models import AuditEvent, AuditHead, AuditLink
from market.errors import NotFound
from market.kit.period import Period

_PLACE = (AuditEvent.at, AuditEvent.id)
_NEWEST_FIRST = tuple(column.desc() for column in _PLACE)
_EXPORTED_AT_ONCE = 500


@dataclass(frozen=True)
class Narrowed:
    """Which rows: of one organization (what it did and what concerns it), of some kinds (the action's first word),
    by somebody, with words in the name of who or what, in a period."""

    organization_id: int | None = None
    kinds: tuple[str, ...] = ()
    #: A user's number, or 0 for the market's own programs.
    actor_id: int | None = None
    words: str = ""
    period: Period | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Everything but the organization and the kinds."""
        found: list[ColumnElement[bool]] = []
        if self.actor_id == 0:
            found.append(AuditEvent.actor_kind == "system")
        elif self.actor_id is not None:
            found += [AuditEvent.actor_id == self.actor_id, AuditEvent.actor_kind == "user", self._own()]
        if self.words:
            actor, subject = (
                label.icontains(self.words, autoescape=True) for label in (AuditEvent.actor_label, AuditEvent.subject_label)
            )
            found.append(or_(and_(actor, self._own()), subject))
        if self.period is not None:
            found += [AuditEvent.at >= self.period.start, AuditEvent.at < self.period.end]
        return found

    def _own(self) -> ColumnElement[bool]:
        """Who of somebody else's people acted is not told, so it cannot be searched for either."""
        return true() if self.organization_id is None else AuditEvent.acting_for_id == self.organization_id

    def ways(self) -> list[list[ColumnElement[bool]]]:
        """The organization and the kinds, as a list of which one has to be true: each follows an index."""
        readers = (AuditEvent.organization_id, AuditEvent.acting_for_id)
        either = [column == self.organization_id for column in readers if self.organization_id is not None]
        return [list(way) for way in product(*filter(None, (either, [AuditEvent.kind == kind for kind in self.kinds])))]


def events(
    *,
    organization_id: int | None = None,
    subject_type: str = "",
    action: str = "",
    words: str = "",
    period: Period | None = None,
) -> Select[AuditEvent]:
    """Newest first; narrowed to one organization, kind of subject, action prefix or period, or to who or what
    has these words in its name. For a page of a long list take `newest`."""
    query = select(AuditEvent).where(*Narrowed(words=words, period=period).conditions())
    if organization_id is not None:
        query = query.where(or_(*(way[0] for way in Narrowed(organization_id).ways())))
    if subject_type:
        query = query.where(AuditEvent.subject_type == subject_type)
    if action:
        query = query.where(AuditEvent.action.startswith(action))
    return query.order_by(AuditEvent.id.desc())


def newest(
    limit: int, narrowed: Narrowed | None = None, *, before: AuditEvent | None = None, after: AuditEvent | None = None
) -> Sequence[AuditEvent]:
    """At most `limit` rows, newest first: the newest of all, the next older than `before`, or newer than `after`.

    Each costs one look into an index, however many rows there are and however far back they lie.
    """
    narrowed = narrowed or Narrowed()
    conditions, order = narrowed.conditions(), _NEWEST_FIRST
    if before is not None:
        conditions.append(tuple_(*_PLACE) < _place_of(before))
    if after is not None:
        conditions.append(tuple_(*_PLACE) > _place_of(after))
        order = tuple(column.asc() for column in _PLACE)
    match narrowed.ways():
        case [way]:
            query = select(AuditEvent).where(*way, *conditions)
        case ways:
            query = select(AuditEvent).where(AuditEvent.id.in_(_first_ids(ways, conditions, order, limit)))
    found = db.session.scalars(query.order_by(*order).limit(limit)).all()
    return found if after is None else found[::-1]


def every(narrowed: Narrowed) -> Iterator[AuditEvent]:
    """All rows, newest first, a few at a time: for files."""
    query = select(AuditEvent).where(*narrowed.conditions(), or_(*(and_(true(), *way) for way in narrowed.ways())))
    query = query.order_by(*_NEWEST_FIRST).execution_options(yield_per=_EXPORTED_AT_ONCE)
    with db.session.execute(query) as found:
        yield from found.scalars()


def event_by_id(id: int) -> AuditEvent:
    """One row of the trail. Raises NotFound."""
    event = db.session.get(AuditEvent, id)
    if event is None:
        raise NotFound
    return event


def event_of(organization_id: int, id: int) -> AuditEvent:
    """One row that this organization may read. Raises NotFound."""
    event = event_by_id(id)
    if organization_id not in (event.organization_id, event.acting_for_id):
        raise NotFound
    return event


def link_of(event: AuditEvent) -> AuditLink | None:
    """The seal of a row; None as long as its transaction is not over."""
    return db.session.scalar(select(AuditLink).where(AuditLink.event_id == event.id))


def published_heads() -> Select[AuditHead]:
    """What was published, the newest day first."""
    return select(AuditHead).order_by(AuditHead.day.desc())


def history(subject: db.Base) -> Sequence[AuditEvent]:
    """Everything that happened to one thing, newest first."""
    identity = inspect(subject).identity or (None,)
    query = events(subject_type=type(subject).__name__).where(AuditEvent.subject_id == identity[0])
    return db.session.scalars(query).all()


def _first_ids(ways: Sequence[Any], conditions: Sequence[Any], order: Sequence[Any], limit: int) -> Any:
    """The first ids of each way; with an OR databases would sort all rows that any way leads to."""
    parts = [select(AuditEvent.id).where(*way, *conditions).order_by(*order).limit(limit).subquery() for way in ways]
    return union(*(select(part.c.id) for part in parts))


def _place_of(event: AuditEvent) -> Any:
    return tuple_(literal(event.at, db.UTCDateTime), literal(event.id, db.BigInt))
