"""The first bill of a subscription that begins today: from when to when, what it comes to, and when it is drawn up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction

from market import rating
from market.accounts import Organization
from market.billing.periods import period_of
from market.catalog import Aggregation, Charge, Plan, count_key, guessed_use
from market.kit import period as periods
from market.kit.period import Period
from market.kit.quantity import round6
from market.subscriptions.span import trial_end

#: What half a month holds half of; the others are as large in half a month as in a whole one.
GROWING = frozenset({Aggregation.SUM, Aggregation.COUNT, Aggregation.TIME_WEIGHTED})


@dataclass(frozen=True, slots=True)
class FirstBill:
    """What is paid for, in local days, the amount for the guess, and the day on which it is drawn up."""

    service: Period
    days: int
    full_days: int
    fen: int
    on: date


def first_bill(
    plan: Plan, guess: Mapping[str, Decimal], organization: Organization, *, at: datetime, units: int = 1
) -> FirstBill:
    """The first bill if it is set up on the day of `at` and the guess (of a month) is right.

    Of a trial: if it is turned into a paid subscription. Needs `plan.charges` with their meters.
    """
    start = trial_end(at, plan.trial_days) if plan.trial_days else periods.local_midnight(periods.local_day(at))
    month = period_of(organization, start)
    service = Period(start, month.end)
    share = rating.share(month, service)
    fen = sum(_fen(charge, guess, share, Decimal(units)) for charge in plan.charges)
    return FirstBill(service, share.days, share.full_days, fen, periods.local_day(month.end))


def _fen(charge: Charge, guess: Mapping[str, Decimal], share: rating.Share, units: Decimal) -> int:
    terms = rating.times(rating.parse(charge.terms), units)
    if isinstance(terms, rating.Flat):
        return rating.rate(terms, Decimal(0), share=share if terms.interval == "month" else rating.WHOLE).fen
    if charge.meter is not None and charge.meter.aggregation in GROWING:
        keys = (charge.slug, count_key(charge))
        guess = {key: round6(Fraction(guess[key]) * share.fraction) for key in keys if key in guess}
    return rating.rate(terms, guessed_use(charge, guess), share=share).fen
