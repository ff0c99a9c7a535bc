"""What a month close did, and what it could not do and why."""

from __future__ import annotations

from dataclasses import dataclass, field

from market.kit.period import Period


@dataclass(frozen=True)
class Failure:
    """A period that could not be billed, and why; the next sweep tries again."""

    organization_id: int
    period: Period
    reason: str


@dataclass
class Report:
    """What one sweep did."""

    drafted: int = 0
    issued: int = 0
    overdue: int = 0
    failures: list[Failure] = field(default_factory=list)

    def add(self, other: Report) -> None:
        """Count in what a part of the sweep did."""
        self.drafted += other.drafted
        self.issued += other.issued
        self.overdue += other.overdue
        self.failures += other.failures

    def __str__(self) -> str:
        counts = f"drafts {self.drafted}, issued {self.issued}, overdue {self.overdue}, failed {len(self.failures)}"
        reasons = [f"  organization {f.organization_id}, {f.period.label}: {f.reason}" for f in self.failures]
        return "\n".join([counts, *reasons])
