"""What is to be done about one bill now: decided from its dates and from what was done, by nothing else. Pure.

Whoever looks late finds only the last letter worth writing. A subscription is stopped on the day that a last notice
named, which is `notice_days` after it was really written at least, so time that nobody looked never shortens it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum

from market.dunning.sequences import STERN, Kind, Planned, Sequence
from market.kit import working_days
from market.kit.period import local_day

#: Letters are written, and services stopped, from nine in the morning on.
OPENING = timedelta(hours=9)


class Wait(StrEnum):
    """Why steps wait. The first two stop all of them, the others those that take something away."""

    HOLD = "hold"
    PAYING = "paying"
    FAPIAO = "fapiao"
    DISPUTE = "dispute"
    PART_PAID = "part_paid"
    SMALL = "small"


_EVERYTHING = frozenset({Wait.HOLD, Wait.PAYING})


@dataclass(frozen=True, slots=True)
class Done:
    """A step that was taken, or overtaken by a later one, and the day that it named."""

    kind: Kind
    on: date
    names_on: date | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """One bill as far as it is owed."""

    sequence: Sequence
    issued_on: date
    due_on: date
    owed_fen: int
    done: Mapping[str, Done] = field(default_factory=dict)
    wait: Wait | None = None

    @property
    def halted(self) -> Wait | None:
        """Why even reminders wait."""
        return self.wait if self.wait in _EVERYTHING else None

    @property
    def waiting(self) -> Wait | None:
        """Why stern steps wait."""
        return self.wait or (Wait.SMALL if self.owed_fen < self.sequence.floor_fen else None)


@dataclass(frozen=True, slots=True)
class Coming:
    """A step that is still to be taken and its day."""

    planned: Planned
    on: date


@dataclass(frozen=True, slots=True)
class Turn:
    """What is to be done now, in this order, and what it makes pointless."""

    take: tuple[Planned, ...] = ()
    overtaken: tuple[Planned, ...] = ()


def day_of(now: datetime) -> date:
    """The day whose steps are due: the local one from nine o'clock on."""
    return local_day(now - OPENING)


def coming(case: Case, now: datetime) -> Iterator[Coming]:
    """What is still to be taken, in order. Until a last notice is written, what follows it is an estimate."""
    written = max((each.offset for each in case.sequence.steps() if each.key in case.done and _is_letter(each)), default=None)
    for planned in case.sequence.steps():
        if planned.key in case.done or (_is_letter(planned) and written is not None and planned.offset < written):
            continue
        on = _day_of(planned, case, now)
        if planned.kind in STERN or on > case.issued_on:
            yield Coming(planned, on)


def turn(case: Case, now: datetime) -> Turn:
    """What is to be done now."""
    if case.halted:
        return Turn()
    due = [each.planned for each in coming(case, now) if each.on <= day_of(now) and _may(each.planned, case)]
    letters = [each for each in due if _is_letter(each)]
    charges = [each for each in due if each.kind is Kind.CHARGE]
    stern = [each for each in due if each.kind in (Kind.SUSPENSION, Kind.END_NOTICE)]
    return Turn((*charges[-1:], *letters[-1:], *stern[:1]), (*charges[:-1], *letters[:-1]))


def upcoming(case: Case, now: datetime) -> Coming | None:
    """The next step that a buyer hears of, as far as nothing changes."""
    return next((each for each in coming(case, now) if each.planned.kind is not Kind.CHARGE), None)


def named_by(planned: Planned, case: Case, now: datetime) -> date | None:
    """The day that a step taken now has to name: of the suspension, or of the end."""
    if planned.kind is Kind.LAST_NOTICE:
        return stops_on(case, now)
    if planned.kind is Kind.END_NOTICE:
        return working_days.on_or_after(local_day(now) + timedelta(days=case.sequence.end_days))
    return None


def stops_on(case: Case, now: datetime) -> date:
    """The day for which a last notice written now announces the suspension: one on which somebody can be asked."""
    stated = case.due_on + timedelta(days=case.sequence.suspension)
    return working_days.on_or_after(max(stated, local_day(now) + timedelta(days=case.sequence.notice_days)))


def _may(planned: Planned, case: Case) -> bool:
    if planned.kind in STERN and case.waiting:
        return False
    if planned.kind is Kind.SUSPENSION:
        return Kind.LAST_NOTICE.value in case.done
    return planned.kind is not Kind.END_NOTICE or Kind.SUSPENSION.value in case.done


def _day_of(planned: Planned, case: Case, now: datetime) -> date:
    sequence = case.sequence
    if planned.kind is Kind.SUSPENSION:
        notice = case.done.get(Kind.LAST_NOTICE.value)
        return notice.names_on if notice and notice.names_on else stops_on(case, now)
    if planned.kind is Kind.END_NOTICE:
        stopped = case.done.get(Kind.SUSPENSION.value)
        begun = stopped.on if stopped else _day_of(Planned(Kind.SUSPENSION, sequence.suspension), case, now)
        return begun + timedelta(days=sequence.end_notice - sequence.suspension)
    return case.due_on + timedelta(days=planned.offset)


def _is_letter(planned: Planned) -> bool:
    return planned.kind in (Kind.REMINDER, Kind.LAST_NOTICE)
