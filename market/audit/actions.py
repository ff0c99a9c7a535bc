"""Writing the trail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from market import db
from market.audit.models import AuditEvent


@dataclass(frozen=True)
class Actor:
    """Who acts: a person, an API key or the system itself, and for which organization."""

    kind: Literal["user", "key", "system"]
    id: int | None
    label: str
    organization_id: int | None = None
    address: str = ""


def system(label: str, *, organization_id: int | None = None) -> Actor:
    """The product acting by itself, such as the worker or the seed command."""
    return Actor("system", None, label, organization_id)


def record(
    action: str,
    subject: db.Base,
    *,
    by: Actor,
    at: datetime,
    reason: str = "",
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    organization_id: int | None = None,
    label: str = "",
) -> AuditEvent:
    """Add one row for a change to `subject`, in the transaction of the change.

    `organization_id` names the organization that may read the row, when it is not the actor's
    (an administrator confirming a firm's payment, say). `label` is what the subject is called when its own
    columns do not say.
    """
    db.session.flush()
    entry = AuditEvent(
        at=at,
        actor_kind=by.kind,
        actor_id=by.id,
        actor_label=by.label,
        organization_id=organization_id or by.organization_id,
        action=action,
        subject_type=type(subject).__name__,
        subject_id=getattr(subject, "id", None),
        subject_label=label or str(subject),
        before=dict(before or {}),
        after=dict(after or {}),
        reason=reason,
        address=by.address,
    )
    db.session.add(entry)
    return entry
