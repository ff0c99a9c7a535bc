"""Dry runs: what an organization's bill of any month would say now. Nothing is written."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import select

from market import db, rating
from market.accounts import Organization
from market.billing import drafts
from market.billing.lines import LineDraft
from market.billing.models import Bill
from market.kit.period import Period


@dataclass(frozen=True)
class DryRun:
    """The lines with their tax, what would be given back beside them, and the bill that there is already, if any."""

    organization: Organization
    period: Period
    cutoff: datetime
    lines: list[LineDraft]
    rests: list[LineDraft]
    split: rating.TaxSplit[int]
    bill: Bill | None

    @property
    def over(self) -> bool:
        """Whether the month is over, so that it can be billed."""
        return self.period.end <= self.cutoff


def dry_run(organization: Organization, period: Period, *, now: datetime) -> DryRun:
    """Draw up a month as the close would, in a transaction that cannot write."""
    with db.transaction(readonly=True):
        drawn = drafts.draw_up_all([organization], period, cutoff=now)[organization.id]
        split = rating.split_tax([(line.provider_id, line.gross_fen, Decimal(line.tax_rate)) for line in drawn.lines])
        query = select(Bill).where(Bill.organization_id == organization.id, Bill.period_start == period.start)
        return DryRun(organization, period, now, drawn.lines, drawn.rests, split, db.session.scalar(query))
