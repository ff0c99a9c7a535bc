"""From which amount on a firm's orders wait for an owner."""

from __future__ import annotations

from datetime import datetime

from market import audit, db
from market.accounts.models import Organization
from market.errors import Invalid


def set_approval_limit(organization: Organization, limit_fen: int | None, *, by: audit.Actor, at: datetime) -> None:
    """Orders of a month above `limit_fen` wait from now on; None lets none wait. The same again changes nothing."""
    if limit_fen is not None and limit_fen < 0:
        raise Invalid(fields={"limit_fen": "填 0 或更大的金额。"})
    db.lock(organization)
    before = organization.approval_above_fen
    if before == limit_fen:
        return
    organization.approval_above_fen = limit_fen
    audit.record(
        "organization.approval_limit_changed",
        organization,
        by=by,
        at=at,
        before={"approval_above_fen": before},
        after={"approval_above_fen": limit_fen},
        organization_id=organization.id,
    )
