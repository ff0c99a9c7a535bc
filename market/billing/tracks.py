"""Tracks: which charge goes on as which when plan or quantity change within a period. Pure.

A charge goes on as the one of the same name; failing that, as one that is paid in the same way (a fee by the month or
year, a price for the same usage). What differs in nothing is one piece; the amounts of a track's pieces are differences
of rounded running totals, so that they add up to the rounded whole.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from typing import Any

from market import rating
from market.catalog import Charge, Plan
from market.kit.period import Period
from market.subscriptions import Segment


@dataclass(frozen=True, slots=True)
class Piece:
    """One charge over one stretch of whole days, with its terms for the quantity that was held."""

    plan: Plan
    charge: Charge
    terms: rating.Terms
    period: Period
    units: int
    paused: bool

    @property
    def way(self) -> Hashable:
        """How it is paid."""
        return way_of(self.charge, self.terms)

    def like(self, other: Piece) -> bool:
        """Whether the two differ in nothing that makes an amount."""
        return (self.terms, self.way, self.charge.tax_rate) == (other.terms, other.way, other.charge.tax_rate)


def tracks(segments: Iterable[Segment], wanted: Callable[[rating.Terms], bool]) -> list[list[Piece]]:
    """The wanted charges of these segments, each followed from segment to segment, as they come."""
    found: list[list[Piece]] = []
    for segment in segments:
        left = list(pieces(segment, wanted))
        open_tracks = list(found)
        for alike in (_named_alike, _paid_alike):
            for piece in list(left):
                track = next((one for one in open_tracks if alike(one[-1], piece)), None)
                if track is not None:
                    track.append(piece)
                    open_tracks = [one for one in open_tracks if one is not track]
                    left.remove(piece)
        found += [[piece] for piece in left]
    return found


def merged(track: Iterable[Piece]) -> Iterator[Piece]:
    """The pieces of a track; neighbors that differ in nothing that makes an amount are one, named like the last."""
    before: Piece | None = None
    for piece in track:
        if before is not None and before.period.end == piece.period.start and before.like(piece):
            whole = Period(before.period.start, piece.period.end)
            before = replace(piece, period=whole, paused=before.paused and piece.paused)
            continue
        if before is not None:
            yield before
        before = piece
    if before is not None:
        yield before


def way_of(charge: Charge, terms: rating.Terms) -> Hashable:
    """How a charge is paid: a fee by its interval, a price by the usage it is for."""
    return terms.interval if isinstance(terms, rating.Flat) else (charge.meter_id, charge.filter)


def pieces(segment: Segment, wanted: Callable[[rating.Terms], bool] | None = None) -> Iterator[Piece]:
    """The charges of a segment that are wanted, in the plan's order."""
    for charge in segment.plan.charges:
        terms = rating.parse(charge.terms)
        if wanted is not None and not wanted(terms):
            continue
        terms = rating.times(terms, Decimal(segment.quantity))
        if segment.paused and not isinstance(terms, rating.Flat):
            terms = _without_fee(terms)
        yield Piece(segment.plan, charge, terms, segment.period, segment.quantity, segment.paused)


def _without_fee(terms: rating.Terms) -> rating.Terms:
    """What usage costs while no fee is paid: nothing is included, and nothing is due at least."""
    kept = {one.name: getattr(terms, one.name) for one in fields(terms) if one.init}
    made: Any = type(terms)
    return made(**(kept | {"included": Decimal(0), "minimum": Decimal(0)}))


def _named_alike(one: Piece, other: Piece) -> bool:
    return one.charge.slug == other.charge.slug and _paid_alike(one, other)


def _paid_alike(one: Piece, other: Piece) -> bool:
    return one.way == other.way
