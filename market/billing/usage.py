"""The quantities that bill lines need, asked from metering in bulk: once for each distinct service period."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from sqlalchemy import select

from market import db, metering
from market.accounts import Organization
from market.billing.charging import Due
from market.billing.models import BillLine
from market.billing.periods import period_of
from market.catalog import Charge, Meter
from market.kit.period import Period

_ZERO = Decimal(0)


#: Subscription, meter and service period.
Key = tuple[int, int, Period]


def quantities(due: Iterable[Due], period: Period, *, cutoff: datetime) -> dict[Key, Decimal]:
    """What was used in the service period of each metered charge of one billing period.

    Gauges of a period that has not ended are weighed up to `cutoff`: their value is not carried on into the
    future.
    """
    wanted: dict[Period, set[int]] = defaultdict(set)
    for one in due:
        if one.metered:
            wanted[one.service].add(one.subscription.id)
    return {
        (subscription_id, meter_id, service): used
        for service, ids in wanted.items()
        if service.start < cutoff
        for (subscription_id, meter_id), used in metering.quantities(
            ids, service, until=cutoff, whole=period
        ).items()
    }


def key(due: Due) -> Key:
    """Where `quantities` keeps the usage of a metered charge."""
    assert due.charge.meter_id is not None, "usage charges have a meter"
    return due.subscription.id, due.charge.meter_id, due.service


def quantities_again(lines: Sequence[BillLine], organization: Organization) -> dict[int, Decimal]:
    """The quantities of issued lines as they are known now, by line id."""
    wanted: dict[Period, set[int]] = defaultdict(set)
    for line in lines:
        wanted[_service(line)].add(line.subscription_id)
    found = {
        service: metering.quantities(ids, service, whole=period_of(organization, service.start))
        for service, ids in wanted.items()
    }
    meters = meters_of([line.charge_id for line in lines]) if lines else {}
    return {
        line.id: found[_service(line)].get((line.subscription_id, meters[line.charge_id].id), _ZERO) for line in lines
    }


def meters_of(charge_ids: Iterable[int]) -> Mapping[int, Meter]:
    """The meter each of these charges reads; fees have none."""
    query = select(Charge.id, Meter).join(Charge.meter).where(Charge.id.in_(set(charge_ids)))
    return {charge_id: meter for charge_id, meter in db.session.execute(query)}


def _service(line: BillLine) -> Period:
    return Period(line.service_start, line.service_end)
