"""The quantities that bill lines need, asked from metering in bulk: once for each distinct service period and filter."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Protocol

from sqlalchemy import select
from sqlalchemy.orm import contains_eager

from market import db, metering, rating
from market.accounts import Organization
from market.billing.charging import Due
from market.billing.models import BillLine
from market.billing.periods import period_of
from market.catalog import Charge, Filter, Meter
from market.kit.period import Period
from market.rating import Percentage, Terms, Transactions, Used

_ZERO = Decimal(0)


#: Subscription, meter, service period, and the part of the usage that is charged.
Key = tuple[int, int, Period, Filter | None]


class Line(Protocol):
    """A line, stored or a draft."""

    @property
    def subscription_id(self) -> int:
        """Whose usage it is."""

    @property
    def service_start(self) -> datetime:
        """The first instant it is about."""

    @property
    def service_end(self) -> datetime:
        """The first one after it."""


class Counted(Protocol):
    """What a line is rated with."""

    @property
    def quantity(self) -> Decimal | None:
        """What was used; None for a fee."""

    @property
    def transactions(self) -> list[list[str]] | None:
        """Of a percentage: the transactions."""


def quantities(due: Iterable[Due], period: Period, *, cutoff: datetime) -> dict[Key, Used]:
    """What was used in the service period of each metered charge of one billing period.

    Gauges of a period that has not ended are weighed up to `cutoff`: their value is not carried on into the
    future. Where a percentage is taken, it is the transactions.
    """
    wanted: dict[tuple[Period, Filter | None], set[int]] = defaultdict(set)
    percentages: list[tuple[Key, Meter, Percentage]] = []
    for one in due:
        if one.metered:
            wanted[one.service, one.charge.filter].add(one.subscription.id)
        if isinstance(one.terms, Percentage) and one.charge.meter is not None and one.service.start < cutoff:
            percentages.append((key(one), one.charge.meter, one.terms))
    counted: dict[Key, Used] = {
        (subscription_id, meter_id, service, only): used
        for (service, only), ids in wanted.items()
        if service.start < cutoff
        for (subscription_id, meter_id), used in metering.quantities(
            ids, service, until=cutoff, whole=period, only=only
        ).items()
    }
    return counted | transactions(percentages)


def transactions(percentages: Iterable[tuple[Key, Meter, Percentage]]) -> dict[Key, Transactions]:
    """The transactions of each of these charges; where nothing was used there are none."""
    days = daily_transactions(percentages)
    return {key: Transactions.together(by_day.values()) for key, by_day in days.items()}


def daily_transactions(
    percentages: Iterable[tuple[Key, Meter, Percentage]],
) -> dict[Key, dict[date, Transactions]]:
    """The same by local day, asked in bulk: told apart by amount only where a charge needs that."""
    wanted: dict[tuple[int, Period, Filter | None], tuple[Meter, set[int], list[int]]] = {}
    for (subscription_id, meter_id, service, only), meter, terms in percentages:
        _, ids, bounds = wanted.setdefault((meter_id, service, only), (meter, set(), []))
        ids.add(subscription_id)
        bounds += terms.bounds
    return {
        (subscription_id, meter_id, service, only): days
        for (meter_id, service, only), (meter, ids, bounds) in wanted.items()
        for subscription_id, days in _told_apart(ids, meter, service, only, bounds).items()
    }


def _told_apart(
    ids: Collection[int], meter: Meter, service: Period, only: Filter | None, bounds: Sequence[int]
) -> dict[int, dict[date, Transactions]]:
    if bounds:
        return metering.single_transactions(ids, meter, service, bounds=bounds, only=only)
    return metering.transactions(ids, meter, service, only=only)


def used_of(line: Counted) -> Used:
    """What a metered line was rated with, from nothing but what is stored with it."""
    if line.transactions is not None:
        return Transactions.load(line.transactions)
    return line.quantity or _ZERO


def condensed(terms: Terms, used: Used) -> Used:
    """What is stored of it with a line: of transactions what it takes to price them again."""
    return rating.rate(terms, used).transactions or used if isinstance(terms, Percentage) else used


def total_of(used: Used) -> Decimal:
    """The quantity that is shown."""
    return used.total if isinstance(used, Transactions) else used


def key(due: Due) -> Key:
    """Where `quantities` keeps the usage of a metered charge."""
    assert due.charge.meter_id is not None, "usage charges have a meter"
    return due.subscription.id, due.charge.meter_id, due.service, due.charge.filter


def quantities_again(lines: Sequence[BillLine], organization: Organization) -> dict[int, Used]:
    """What issued lines would be rated with as it is known now, by line id."""
    charges = charges_of([line.charge_id for line in lines]) if lines else {}
    keys = {line.id: key_of(line, charges[line.charge_id]) for line in lines}
    wanted: dict[tuple[Period, Filter | None], set[int]] = defaultdict(set)
    for subscription_id, _, service, only in keys.values():
        wanted[service, only].add(subscription_id)
    percentages = [
        (keys[line.id], meter, terms)
        for line in lines
        if isinstance(terms := rating.parse(line.terms), Percentage) and (meter := charges[line.charge_id].meter) is not None
    ]
    found: dict[Key, Used] = {
        (subscription_id, meter_id, service, only): used
        for (service, only), ids in wanted.items()
        for (subscription_id, meter_id), used in metering.quantities(
            ids, service, whole=period_of(organization, service.start), only=only
        ).items()
    }
    found |= transactions(percentages)
    return {line.id: condensed(rating.parse(line.terms), found.get(keys[line.id], _ZERO)) for line in lines}


def key_of(line: Line, charge: Charge) -> Key:
    """What a metered line is about; `charge` is the line's."""
    assert charge.meter_id is not None, "usage charges have a meter"
    return line.subscription_id, charge.meter_id, Period(line.service_start, line.service_end), charge.filter


def charges_of(charge_ids: Iterable[int]) -> Mapping[int, Charge]:
    """The metered ones among these charges, with their meters."""
    wanted = set(charge_ids)
    if not wanted:
        return {}
    query = select(Charge).join(Charge.meter).where(Charge.id.in_(wanted))
    return {charge.id: charge for charge in db.session.scalars(query.options(contains_eager(Charge.meter)))}


def meters_of(charge_ids: Iterable[int]) -> Mapping[int, Meter]:
    """The meter each of these charges reads; fees have none."""
    return {id: charge.meter for id, charge in charges_of(charge_ids).items() if charge.meter is not None}
