"""What the usage page is narrowed to: everything, one subscription, or one meter of a subscription."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from market import billing, metering
from market.billing import Course, Line
from market.catalog import Meter
from market.console import parts
from market.errors import NotFound
from market.subscriptions import Subscription
from market.web import formats


@dataclass(frozen=True)
class Choice:
    """One thing the page can be narrowed to; `of` is its value in the address."""

    of: str
    name: str


@dataclass(frozen=True)
class Group:
    """A service with its meters."""

    name: str
    whole: Choice
    meters: Sequence[Choice]


@dataclass(frozen=True)
class Scope:
    """An organization's subscriptions by id, and which of them, and which meter, is looked at."""

    mine: Mapping[int, Subscription]
    subscription: Subscription | None = None
    meter: str = ""

    @classmethod
    def asked(cls, of: str, mine: Sequence[Subscription]) -> Scope:
        """From the address: `sub_…` or `sub_…/meter`. NotFound for what is not the organization's."""
        known = {one.id: one for one in mine}
        public_id, _slash, meter = of.partition("/")
        if not public_id:
            return cls(known)
        for one in mine:
            if one.public_id == public_id:
                return cls(known, one, meter)
        raise NotFound

    @property
    def of(self) -> str:
        """As it stands in the address."""
        if self.subscription is None:
            return ""
        return address(self.subscription, self.meter)

    @property
    def narrowed(self) -> bool:
        """Whether something is left out."""
        return self.subscription is not None

    @property
    def ids(self) -> list[int]:
        """The subscriptions looked at."""
        return [self.subscription.id] if self.subscription else list(self.mine)

    @property
    def shown(self) -> list[Subscription]:
        """The same, with all that is known of them."""
        return [self.mine[id] for id in self.ids]

    def meters_of(self, subscription: Subscription) -> list[Meter]:
        """The meters of a subscription's plan, in its order, each once."""
        found = {charge.meter.slug: charge.meter for charge in subscription.plan.charges if charge.meter}
        return list(found.values())

    def narrow(self, lines: Sequence[Line]) -> list[Line]:
        """Those lines that belong to it."""
        if self.subscription is None:
            return list(lines)
        own = [line for line in lines if line.subscription_id == self.subscription.id]
        if not self.meter:
            return own
        meters = billing.meters_of(line.charge_id for line in own)
        return [line for line in own if line.charge_id in meters and meters[line.charge_id].slug == self.meter]

    def last_used(self, course: Course) -> Mapping[tuple[int, int], datetime]:
        """When the last use of each metered line happened, by subscription and meter."""
        meters = {each.meter.id for each in course.lines if each.meter}
        return metering.last_used({each.line.subscription_id for each in course.lines}, meters) if meters else {}

    def groups(self) -> list[Group]:
        """Everything the page can be narrowed to."""
        return [
            Group(
                parts.named(one, self.mine.values()),
                Choice(one.public_id, formats.local(one.plan, "name")),
                [Choice(address(one, meter.slug), formats.local(meter, "name")) for meter in self.meters_of(one)],
            )
            for one in self.mine.values()
            if one.started_at
        ]


def address(subscription: Subscription, meter: str = "") -> str:
    """What narrows the page to a subscription, or to one of its meters."""
    return f"{subscription.public_id}/{meter}" if meter else subscription.public_id
