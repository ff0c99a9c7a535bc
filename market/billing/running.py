"""The running month in figures: what firms have come to, and what a little more of something would cost."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from market import rating
from market.accounts import Organization
from market.billing import charging, usage
from market.billing.drafts import draw_up_all, total_fen
from market.billing.dues import Due
from market.billing.periods import period_of
from market.catalog import Aggregation, Meter, TimeBase
from market.errors import Invalid
from market.kit.period import Period
from market.subscriptions import Subscription

#: Meters whose quantities add up, so that more can be asked for.
_MORE = frozenset({Aggregation.SUM, Aggregation.COUNT, Aggregation.TIME_WEIGHTED})


def running_totals(organizations: Iterable[Organization], *, cutoff: datetime) -> dict[int, int]:
    """What the running bill of each firm comes to, in fen; as many questions for many as for one."""
    by_month: dict[Period, list[Organization]] = defaultdict(list)
    for one in organizations:
        by_month[period_of(one, cutoff)].append(one)
    return {
        id: total_fen(drawn.lines)
        for month, some in by_month.items()
        for id, drawn in draw_up_all(some, month, cutoff=cutoff).items()
    }


def margin(
    subscription: Subscription, slug: str, quantity: Decimal, *, beside: Decimal, at: datetime
) -> tuple[Meter, int]:
    """The meter, and what so much more of it costs in the running month, in fen: at the price beyond what is used and `beside`.

    Where prices differ by a dimension it is the dearest of them. Loaded as for `draw_up_one`, with the organization.
    Raises Invalid.
    """
    meter = next(
        (charge.meter for charge in subscription.plan.charges if charge.meter and charge.meter.slug == slug),
        None,
    )
    if meter is None:
        raise Invalid(fields={"meter": "这项订阅的套餐里没有这个计量项。"})
    period = period_of(subscription.organization, at)
    due = [one for one in charging.due_in(subscription, period) if _counts(one, slug, at)]
    if (
        meter.aggregation not in _MORE
        or meter.time_base is TimeBase.PERIOD
        or any(isinstance(one.terms, rating.Percentage) for one in due)
    ):
        raise Invalid(fields={"quantity": "这个计量项不能按数量预留，请写 amountFen。"})
    used = usage.used(due, period, cutoff=at)
    costs = [(one, _more(one, stands, quantity, beside)) for one, stands in zip(due, used, strict=True)]
    whole = sum(fen for one, fen in costs if one.charge.filter is None)
    return meter, whole + max((fen for one, fen in costs if one.charge.filter is not None), default=0)


def _counts(due: Due, slug: str, at: datetime) -> bool:
    return (
        due.metered
        and due.charge.meter is not None
        and due.charge.meter.slug == slug
        and due.service.contains(at)
    )


def _more(due: Due, stands: rating.Used | None, quantity: Decimal, beside: Decimal) -> int:
    """The difference of two rounded amounts, so that what is asked for in parts comes to the same fen."""
    assert isinstance(stands, Decimal)
    before, after = (
        rating.rate(due.terms, stands + more, share=due.share).fen for more in (beside, beside + quantity)
    )
    return after - before
