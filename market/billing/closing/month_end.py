"""How far the month end has come: by period what is issued, in its days of grace, waiting, or failed and why."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from market.billing.closing.due import Ahead, Setback, failures_of, outstanding
from market.billing.models import BillStatus
from market.billing.periods import final_at
from market.billing.queries import MonthCounts, months
from market.kit.period import Period

#: So many of the last periods are told of, and so many failures.
PERIODS, MOST = 4, 50


@dataclass(frozen=True)
class Progress:
    """One period: bills issued and drafted, and firms that are past the days of grace without a bill."""

    counts: MonthCounts
    late: int
    final_at: datetime

    @property
    def period(self) -> Period:
        """The months of the firms with the same anchor day."""
        return Period(self.counts.period_start, self.counts.period_end)

    @property
    def drafts(self) -> int:
        """In the days of grace, or about to be issued."""
        return self.counts.count(BillStatus.DRAFT)

    @property
    def issued(self) -> int:
        """Numbered."""
        return self.counts.count() - self.drafts

    @property
    def percent(self) -> int:
        """How much of it is issued; whole percents, rounded down, so that 100 means all."""
        waiting = max(self.drafts, self.late)
        return 100 * self.issued // (self.issued + waiting) if self.issued + waiting else 100


@dataclass(frozen=True)
class Stuck:
    """A firm whose bill could not be drawn up the last time, and why."""

    ahead: Ahead
    why: Setback


@dataclass(frozen=True)
class MonthEnd:
    """All of it, newest period first; `waiting` firms have not been tried yet, or somebody else holds them."""

    periods: list[Progress]
    failed: list[Stuck]
    failed_count: int
    waiting: int


def month_end(now: datetime) -> MonthEnd:
    """The last periods, and what keeps any from being complete."""
    open_ = list(outstanding(now))
    behind = [ahead for ahead in open_ if final_at(ahead.period) <= now]
    reasons = failures_of([ahead.organization for ahead in open_]) if open_ else {}
    # What fails in its days of grace is told too: then there is still time to put it right.
    failed = [Stuck(ahead, reasons[ahead.organization.id]) for ahead in open_ if _about(ahead, reasons)]
    tried = sum(_about(ahead, reasons) for ahead in behind)
    by_start = Counter(ahead.period.start for ahead in behind)
    periods = [
        Progress(counts, by_start[counts.period_start], final_at(Period(counts.period_start, counts.period_end)))
        for counts in months(limit=PERIODS)
    ]
    return MonthEnd(periods, failed[:MOST], len(failed), len(behind) - tried)


def _about(ahead: Ahead, reasons: dict[int, Setback]) -> bool:
    """Whether what is known is about the period that is due, and not about one that was billed since."""
    known = reasons.get(ahead.organization.id)
    return known is not None and known.period == ahead.period.label
