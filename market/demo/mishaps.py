"""Wrong reports of the sample months, found after their bill was out."""

from __future__ import annotations

from datetime import datetime, timedelta

from market import audit, billing, db
from market.accounts import User
from market.demo import cast
from market.demo.habits import Mistake
from market.metering import corrections
from market.metering.corrections import Author, Change, CorrectionStatus, Named
from market.providers import Provider


def correct(provider: Provider, named: Named, mistake: Mistake, *, second: User | None, at: datetime) -> None:
    """The provider's program puts right what was wrong; where that moves much, the owner agrees as the second person."""
    with db.transaction():
        by = audit.system(str(provider), organization_id=provider.organization_id)
        (judged,) = corrections.correct(
            provider,
            [Change(f"fix-{named.id}", named.source, named, mistake.right)],
            reason=mistake.reason,
            note=mistake.note,
            author=Author(by),
            now=at,
            stands=billing.month_stands,
            closed_until=billing.closed_until,
        )
        correction = judged.correction
        if second and correction is not None and correction.status is CorrectionStatus.PROPOSED:
            corrections.approve(
                correction,
                user=second,
                by=cast.actor(second, provider.organization_id),
                now=at + timedelta(minutes=20),
                stands=billing.month_stands,
                closed_until=billing.closed_until,
            )
