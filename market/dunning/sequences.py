"""The stated sequence: what happens on which day before or after a bill's last day for paying. Pure values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a step does."""

    CHARGE = "charge"
    REMINDER = "reminder"
    LAST_NOTICE = "last_notice"
    SUSPENSION = "suspension"
    END_NOTICE = "end_notice"


#: Steps after which something is taken away, at the end of a road that the last notice begins.
STERN = frozenset({Kind.LAST_NOTICE, Kind.SUSPENSION, Kind.END_NOTICE})
#: Of these a sequence has as many as one likes.
REPEATED = frozenset({Kind.CHARGE, Kind.REMINDER})


@dataclass(frozen=True, slots=True)
class Planned:
    """A step and the day it is meant for, counted from the last day for paying; negative before it."""

    kind: Kind
    offset: int

    @property
    def key(self) -> str:
        """Names it among the steps of one bill."""
        return f"{self.kind}.{self.offset}" if self.kind in REPEATED else self.kind.value


@dataclass(frozen=True, slots=True)
class Sequence:
    """One version of the sequence. `notice_days` pass at least between the last notice and the suspension that it
    names, `end_days` between the announcement of the end and the end; less than `floor_fen` stops nothing."""

    number: int = 1
    reminders: tuple[int, ...] = (-7, -1, 0, 3, 7)
    charges: tuple[int, ...] = (0, 3, 7)
    last_notice: int = 14
    suspension: int = 21
    end_notice: int = 60
    notice_days: int = 7
    end_days: int = 30
    floor_fen: int = 100

    def steps(self) -> Iterator[Planned]:
        """All steps in their order; on one day the card is tried before a letter is written."""
        several = [Planned(Kind.CHARGE, day) for day in self.charges] + [Planned(Kind.REMINDER, day) for day in self.reminders]
        yield from sorted(several, key=lambda each: (each.offset, each.kind))
        yield Planned(Kind.LAST_NOTICE, self.last_notice)
        yield Planned(Kind.SUSPENSION, self.suspension)
        yield Planned(Kind.END_NOTICE, self.end_notice)


#: What holds until somebody changes it.
DEFAULT = Sequence()
