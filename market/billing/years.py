"""Fees paid by the year: due in advance, and squared for the whole days to come when something changes in the year.

The years of a subscription are counted from the day its first yearly plan began, without drift. Within one, another
plan or quantity is charged from its midnight to the end of the year and the old one given back for the same days; an
end gives back the days after it; paused days are given back in the month they fall in. A year that would begin while
it is paused is charged from the day it goes on.

All of it follows from the dates alone. The amounts of one year are differences of rounded running totals.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from market import rating
from market.billing.dues import Due
from market.billing.models import LineKind
from market.billing.tracks import Piece, tracks
from market.kit import period as periods
from market.kit.period import Period
from market.subscriptions import Course, Subscription

_INSTANT = timedelta(microseconds=1)
_NOTHING = Fraction(0)


@dataclass(frozen=True, slots=True)
class _Event:
    """Something that falls due, or back, at an instant: a charge for `service`, which is part of a year."""

    on: datetime
    piece: Piece
    terms: rating.Flat
    service: Period
    back: bool = False


def by_the_year(subscription: Subscription, period: Period, course: Course) -> Iterator[tuple[datetime, Due]]:
    """What yearly fees bring in a billing period, each with the instant it comes about."""
    for run in course.yearly_runs():
        paid = run.clip(course.span) if course.span else None
        if paid is None:
            continue
        for year in _years(run, paid, period):
            yield from _in_year(subscription, course, year, paid, period)


def _years(run: Period, paid: Period, period: Period) -> Iterator[Period]:
    """The years that may bring something in the period: those that touch it, and one that ends as it begins."""
    first, _ = periods.anchored_at(run.first_day, max(paid.start, period.start - _INSTANT), "year")
    for number in range(max(first, 0), first + 3):
        year = periods.anchored(run.first_day, number, "year")
        if year.start < min(period.end, paid.end):
            yield year


def _in_year(
    subscription: Subscription, course: Course, year: Period, paid: Period, period: Period
) -> Iterator[tuple[datetime, Due]]:
    held = paid.clip(year)
    if held is None or course.span is None:
        return
    for number, track in enumerate(tracks(course.segments(held), _yearly)):
        total, before = _NOTHING, None
        for event in _as_one(sorted(_events(track, year, course.span, period), key=lambda event: event.on)):
            share = rating.Share(Fraction(event.service.days, year.days), event.service.days, year.days)
            whole = event.service == year
            rated = rating.rate(event.terms, Decimal(1), share=rating.WHOLE if whole else share)
            if period.contains(event.on) and rated.exact:
                # A bill puts money back first, so all lines of one bill start from what came before the first of them.
                before = total if before is None else before
                yield event.on, Due(
                    subscription, event.piece.plan, event.piece.charge, event.terms, event.service,
                    rating.WHOLE if whole else share, units=event.piece.units, paused=event.piece.paused,
                    kind=LineKind.CREDIT if event.back else LineKind.CHARGE, full_days=None if whole else year.days,
                    track=("year", number, year.start), carried=before,
                )  # fmt: skip
            total += -rated.exact if event.back else rated.exact


def _events(track: list[Piece], year: Period, span: Period, period: Period) -> Iterator[_Event]:
    before: Piece | None = None
    for piece in track:
        if before is not None and before.period.end < piece.period.start:
            yield _back(before, before.period.end, year)
            before = None
        if before is None and piece.paused:
            continue
        if before is None:
            yield _event(piece, piece.period.start, year)
        elif not before.like(piece):
            yield from _squared(before, piece, year)
        if piece.paused:
            yield from _rested(piece, period)
        before = piece
    if before is not None and before.period.end < year.end:
        ended = before.period.end == span.end
        # An end belongs to the last day that was used, also when that is the last one of a month.
        yield _back(before, before.period.end, year, on=before.period.end - (_INSTANT if ended else timedelta(0)))


def _squared(before: Piece, piece: Piece, year: Period) -> Iterator[_Event]:
    """Old terms are given back and new ones charged, to the end of the year; of a number only the difference."""
    old, new, at = _flat(before), _flat(piece), piece.period.start
    if (old.amount, before.charge.id) == (new.amount, piece.charge.id):
        more = new.count - old.count
        part, rest = replace(new, count=abs(more)), Period(at, year.end)
        counted = replace(piece, units=int(abs(more)))
        yield _Event(at, counted, part, rest, back=more < 0)
    else:
        yield _back(before, at, year)
        yield _event(piece, at, year)


def _as_one(events: Iterable[_Event]) -> Iterator[_Event]:
    """Fewer seats and a pause from the same day to the same day are one amount back."""
    before: _Event | None = None
    for event in events:
        if before is not None and _alike(before, event):
            count = before.terms.count + event.terms.count
            before = replace(event, terms=replace(event.terms, count=count), piece=replace(event.piece, units=int(count)))
            continue
        if before is not None:
            yield before
        before = event
    if before is not None:
        yield before


def _alike(one: _Event, other: _Event) -> bool:
    return (one.on, one.back, one.service, one.piece.charge.id, one.terms.amount) == (
        other.on, other.back, other.service, other.piece.charge.id, other.terms.amount,
    )  # fmt: skip


def _rested(piece: Piece, period: Period) -> Iterator[_Event]:
    """Paused days are given back month by month: those before this one as one, those to come not yet."""
    earlier = piece.period.clip(Period(min(piece.period.start, period.start), period.start))
    for part in (earlier, piece.period.clip(period)):
        if part is not None:
            yield _Event(part.start, piece, _flat(piece), part, back=True)


def _event(piece: Piece, at: datetime, year: Period) -> _Event:
    return _Event(at, piece, _flat(piece), Period(at, year.end))


def _back(piece: Piece, at: datetime, year: Period, on: datetime | None = None) -> _Event:
    return _Event(on or at, piece, _flat(piece), Period(at, year.end), back=True)


def _flat(piece: Piece) -> rating.Flat:
    assert isinstance(piece.terms, rating.Flat), "only fees are paid by the year"
    return piece.terms


def _yearly(terms: rating.Terms) -> bool:
    return isinstance(terms, rating.Flat) and terms.interval == "year"
