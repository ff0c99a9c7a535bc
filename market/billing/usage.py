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
from market.billing.charging import Due
from market.billing.models import BillLine
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


def used(due: Sequence[Due], period: Period, *, cutoff: datetime) -> list[Used | None]:
    """What was used in the service period of each charge of one billing period; None for a fee.

    Gauges of a period that has not ended are weighed up to `cutoff`: their value is not carried on into the
    future. Where a percentage is taken, it is the transactions.
    """
    places = {n: key(one) for n, one in enumerate(due) if one.metered and one.service.start < cutoff}
    asked = [(places[n], due[n].charge.meter, due[n].terms) for n in places]
    counted = _counted([(*each, period) for each in asked], until=cutoff)
    return [
        None if not one.metered else counted[places[n]] if n in places else _ZERO for n, one in enumerate(due)
    ]


def _counted(asked: Iterable[tuple[Key, Meter | None, Terms, Period]], *, until: datetime | None) -> dict[Key, Used]:
    """What each of these services, with its meter, its terms and the whole billing period, was rated with.

    What adds up in the database is one statement however many they are; the rest is asked once for each distinct
    service period and filter.
    """
    adding: dict[Key, metering.Service] = {}
    others: dict[tuple[Period, Filter | None, Period], dict[int, list[Key]]] = defaultdict(lambda: defaultdict(list))
    percentages: list[tuple[Key, Meter, Percentage]] = []
    for each, meter, terms, whole in asked:
        assert meter is not None, "usage charges have a meter"
        if isinstance(terms, Percentage):
            percentages.append((each, meter, terms))
        elif meter.aggregation in metering.ADDING:
            adding[each] = metering.Service(each[0], meter, each[2], each[3])
        else:
            others[each[2], each[3], whole][each[0]].append(each)
    found: dict[Key, Used] = dict(zip(adding, metering.totals(list(adding.values())), strict=True))
    for (service, only, whole), by_subscription in others.items():
        counted = metering.quantities(list(by_subscription), service, until=until, whole=whole, only=only)
        found |= {each: counted.get(each[:2], _ZERO) for keys in by_subscription.values() for each in keys}
    counted_transactions = transactions(percentages)
    return found | {each: counted_transactions.get(each, found.get(each, _ZERO)) for each, _, _ in percentages}


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


def used_again(lines: Sequence[BillLine], wholes: Mapping[int, Period]) -> dict[int, Used]:
    """What issued lines would be rated with as it is known now, by line id; `wholes` are their billing periods."""
    charges = charges_of([line.charge_id for line in lines]) if lines else {}
    keys = {line.id: key_of(line, charges[line.charge_id]) for line in lines}
    terms = {line.id: rating.parse(line.terms) for line in lines}
    found = _counted(
        [(keys[line.id], charges[line.charge_id].meter, terms[line.id], wholes[line.id]) for line in lines], until=None
    )
    return {line.id: condensed(terms[line.id], found[keys[line.id]]) for line in lines}


def key_of(line: Line, charge: Charge) -> Key:
    """What a metered line is about; `charge` is the line's."""
    assert charge.meter_id is not None, "usage charges have a meter"
    return line.subscription_id, charge.meter_id, Period(line.service_start, line.service_end), charge.filter


def charges_of(charge_ids: Iterable[int], known: Iterable[Charge] = ()) -> Mapping[int, Charge]:
    """The metered ones among these charges, with their meters; those that are known with them are not asked for."""
    here = {charge.id: charge for charge in known}
    wanted = set(charge_ids)
    found = {id: here[id] for id in wanted & here.keys() if here[id].meter_id is not None}
    if wanted <= here.keys():
        return found
    query = select(Charge).join(Charge.meter).where(Charge.id.in_(wanted - here.keys()))
    return found | {charge.id: charge for charge in db.session.scalars(query.options(contains_eager(Charge.meter)))}


def meters_of(charge_ids: Iterable[int]) -> Mapping[int, Meter]:
    """The meter each of these charges reads; fees have none."""
    return {id: charge.meter for id, charge in charges_of(charge_ids).items() if charge.meter is not None}
