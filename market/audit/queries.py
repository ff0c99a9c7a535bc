"""Reading the trail."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Select, select

from market import db
from market.audit.models import AuditEvent


def events(
    *, organization_id: int | None = None, subject_type: str = "", action: str = ""
) -> Select[tuple[AuditEvent]]:
    """Newest first; narrowed to one organization, one kind of subject or one action prefix."""
    query = select(AuditEvent).order_by(AuditEvent.id.desc())
    if organization_id is not None:
        query = query.where(AuditEvent.organization_id == organization_id)
    if subject_type:
        query = query.where(AuditEvent.subject_type == subject_type)
    if action:
        query = query.where(AuditEvent.action.startswith(action))
    return query


def history(subject: db.Base) -> Sequence[AuditEvent]:
    """Everything that happened to one thing, newest first."""
    query = events(subject_type=type(subject).__name__).where(AuditEvent.subject_id == getattr(subject, "id"))
    return db.session.scalars(query).all()
