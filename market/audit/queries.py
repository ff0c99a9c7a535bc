"""Reading the trail."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Select, inspect, or_, select

from market import db
from market.audit.models import AuditEvent
from market.errors import NotFound
from market.kit.period import Period


def events(
    *,
    organization_id: int | None = None,
    subject_type: str = "",
    action: str = "",
    words: str = "",
    period: Period | None = None,
) -> Select[AuditEvent]:
    """Newest first; narrowed to one organization, kind of subject, action prefix or period, or to who or what
    has these words in its name."""
    query = select(AuditEvent).order_by(AuditEvent.id.desc())
    if organization_id is not None:
        concerned = (AuditEvent.organization_id == organization_id, AuditEvent.acting_for_id == organization_id)
        query = query.where(or_(*concerned))
    if subject_type:
        query = query.where(AuditEvent.subject_type == subject_type)
    if action:
        query = query.where(AuditEvent.action.startswith(action))
    if words:
        named = (AuditEvent.actor_label, AuditEvent.subject_label)
        query = query.where(or_(*(label.icontains(words, autoescape=True) for label in named)))
    if period is not None:
        query = query.where(AuditEvent.at >= period.start, AuditEvent.at < period.end)
    return query


def event_by_id(id: int) -> AuditEvent:
    """One row of the trail. Raises NotFound."""
    event = db.session.get(AuditEvent, id)
    if event is None:
        raise NotFound
    return event


def history(subject: db.Base) -> Sequence[AuditEvent]:
    """Everything that happened to one thing, newest first."""
    identity = inspect(subject).identity or (None,)
    query = events(subject_type=type(subject).__name__).where(AuditEvent.subject_id == identity[0])
    return db.session.scalars(query).all()
