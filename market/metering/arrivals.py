"""An event of a request on its way from being read to its verdict."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

import msgspec

from market.metering.counts import Count
from market.metering.envelope import Envelope
from market.metering.lanes import Lane
from market.metering.models import Band
from market.metering.verdicts import EventRefused, Outcome, Verdict


class Arrival(msgspec.Struct, gc=False):
    """One event that could be read. What is found out about it is added bit by bit."""

    #: Its place in the request.
    place: int
    event: Envelope
    key: bytes
    #: None until nothing speaks against counting it.
    lane: Lane | None = None
    day: date = date.min
    band: Band = Band.ON_TIME
    #: What `lane.scales` read, in their order.
    weights: list[int] = []
    counts: Sequence[Count] = ()
    verdict: Verdict | None = None

    def refuse(self, refusal: EventRefused) -> None:
        """This event does not count."""
        self.verdict = refused_as(self.event.id, self.event.source, refusal)


def refused_as(id: str, source: str, refusal: EventRefused) -> Verdict:
    """The verdict on an event that does not count."""
    return Verdict(id, source, Outcome.REFUSED, refusal.code, refusal.message, refusal.params)


def subscription_ids(arrivals: Iterable[Arrival]) -> list[int]:
    """The subscription of each event that nothing speaks against."""
    return [arrival.lane.subject.id for arrival in arrivals if arrival.lane]
