"""A due: one charge of one subscription that falls in a billing period, before it is rated."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from market import rating
from market.billing.models import LineKind
from market.catalog import Charge, Plan
from market.kit.period import Period
from market.subscriptions import Subscription


@dataclass(frozen=True, slots=True)
class Due:
    """One charge of one subscription that falls in a billing period.

    `service` is what is paid for, local days, half-open; `share` is the part of the full period to rate.
    Lines of one `track` are rounded together, in this order; `carried` is what they came to before this period.
    """

    subscription: Subscription
    plan: Plan
    charge: Charge
    terms: rating.Terms
    service: Period
    share: rating.Share = rating.WHOLE
    trial: bool = False
    units: int = 1
    paused: bool = False
    kind: LineKind = LineKind.CHARGE
    full_days: int | None = None
    track: tuple[object, ...] = ()
    carried: Fraction = Fraction(0)

    @property
    def metered(self) -> bool:
        """Whether the amount depends on usage."""
        return not isinstance(self.terms, rating.Flat)

    def stands(self, quantity: object, fen: int) -> bool:
        """Whether it is a line: what is used on paused days is told, what is not used is not."""
        return bool(fen or quantity or not self.paused)

    def of(self, subscription: Subscription) -> Due:
        """The same of another subscription that holds the same plan."""
        return Due(
            subscription, self.plan, self.charge, self.terms, self.service, self.share, self.trial, self.units,
            self.paused, self.kind, self.full_days, self.track, self.carried,
        )  # fmt: skip
