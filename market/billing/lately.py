"""The last months of a subscription: what was used, what it cost, and what the same would have cost elsewhere.

Reads only. Quantities are read once for all plans, plans in two statements however many there are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import contains_eager

from market import catalog, db, metering, rating, subscriptions
from market.accounts import Organization
from market.billing import as_if, drafts, usage
from market.billing.drafts import LineDraft
from market.billing.models import Bill, BillLine, BillStatus, LineKind
from market.billing.periods import period_of
from market.billing.replays import Replay, ReplayLine, pair_of, replay
from market.billing.uses import Month, Source, Stretch, Usage, Used
from market.catalog import Charge, Filter, Meter, Offered, Plan, measure_of
from market.kit.period import Period
from market.subscriptions import Subscription

#: How many months are looked at.
MONTHS = 3
_INSTANT = timedelta(microseconds=1)
_ZERO = Decimal(0)
#: Bills that say nothing, or nothing any more.
_NOT_ISSUED = (BillStatus.DRAFT, BillStatus.VOID)

#: The number of the month, the line, and its charge where it is metered.
_Own = tuple[int, LineDraft, Charge | None]
#: Subscription, meter, days, and the part of the usage.
_Quantities = Mapping[tuple[int, int, Period, Filter | None], Decimal]


@dataclass(frozen=True, slots=True)
class Billed:
    """What issued bills say about the same months; `later` are corrections that came on later bills, oldest first."""

    fen: int
    months: frozenset[int]
    later: tuple[tuple[Bill, int], ...] = ()

    @property
    def total_fen(self) -> int:
        """With what was corrected later."""
        return self.fen + sum(fen for _, fen in self.later)


@dataclass(frozen=True, slots=True)
class Lately:
    """One subscription against everything comparable; `offered` and `replays` go together, `own` is what it really has.

    Without months there is nothing to compare yet.
    """

    subscription: Subscription
    usage: Usage
    own: Replay
    billed: Billed
    offered: tuple[Offered, ...]
    replays: tuple[Replay, ...]

    @property
    def months(self) -> tuple[Month, ...]:
        """The months looked at, oldest first."""
        return self.usage.months

    @property
    def rivals(self) -> list[tuple[Offered, Replay]]:
        """What could be had instead and can be compared, cheapest year first; the plan in use is not among them."""
        known = [each for each in zip(self.offered, self.replays, strict=True) if each[1].comparable and not self.in_use(each[1])]
        return sorted(known, key=lambda each: (each[1].year_fen, each[1].total_fen, each[0].plan.id))

    @property
    def others(self) -> list[tuple[Offered, Replay]]:
        """What cannot be compared as it is."""
        return [each for each in zip(self.offered, self.replays, strict=True) if not (each[1].comparable or self.in_use(each[1]))]

    def guessing(self, guesses: Mapping[str, Decimal]) -> Lately:
        """The same with what somebody thinks of what was not measured."""
        if not guesses:
            return self
        usage, lacking = self.usage.guessing(guesses), {each.plan.offering_id for each in self.replays if each.gaps}
        again = replay(usage, [each.plan for each in self.replays if each.plan.offering_id in lacking])
        found = {each.plan.id: each for each in (*self.replays, *again)}
        return replace(self, usage=usage, replays=tuple(found[each.plan.id] for each in self.offered))

    def in_use(self, other: Replay) -> bool:
        """Whether this is the very plan that was in use all the time, so that it would be there twice."""
        charges = {charge.id for charge in other.plan.charges}
        return other.plan.id == self.subscription.plan_id and all(line.charge_id in charges for line in self.own.lines)


def lately(organization: Organization, subscribed: Sequence[Subscription], *, now: datetime) -> list[Lately]:
    """The last months of these subscriptions of one firm; loaded as by `subscriptions.subscriptions_of`."""
    months = {one.id: months_of(organization, one, now=now) for one in subscribed}
    wanted = [one for one in subscribed if months[one.id]]
    offered = catalog.plans_on_sale([subcategory_of(one) for one in wanted], to=organization) if wanted else []
    held = {one.id: as_if.prepared(_held(one, months[one.id]), _comparable(one, offered)) for one in subscribed}
    used = _quantities(held, _filters(wanted, offered), now=now)
    lines = _own_lines(wanted, months, now=now)
    billed = _billed([one.id for one in wanted])
    return [
        _lately(
            one, held[one.id], tuple(each for each in offered if each.subcategory == subcategory_of(one)),
            used, lines.get(one.id, []), billed.get(one.id, []),
        )
        for one in subscribed
    ]  # fmt: skip


def subcategory_of(subscription: Subscription) -> str:
    """Where in the catalogue it belongs."""
    return str(subscription.revision.facts.get("subcategory") or "")


def months_of(organization: Organization, subscription: Subscription, *, now: datetime) -> tuple[Month, ...]:
    """The last whole months of it that are over, oldest first; the days that were paid for, trials left out."""
    span = subscriptions.paid_span(subscription)
    found: list[Month] = []
    whole = period_of(organization, min(now, span.end - _INSTANT)) if span else None
    while span and whole and len(found) < MONTHS and (paid := span.clip(whole)):
        if whole.end <= now:
            found.append(Month(whole, paid, _stretches(subscription, whole)))
        whole = period_of(organization, whole.start - _INSTANT)
    return tuple(reversed(found))


def _stretches(subscription: Subscription, whole: Period) -> tuple[Stretch, ...]:
    """When it was paused in a month, and how many were held; what differs in neither is one."""
    found: list[Stretch] = []
    for segment in subscriptions.segments(subscription, whole):
        held = segment.quantity if segment.plan.quantity_unit_zh == subscription.plan.quantity_unit_zh != "" else None
        if found and found[-1][1:] == (segment.paused, held):
            found[-1] = found[-1]._replace(days=Period(found[-1].days.start, segment.period.end))
        else:
            found.append(Stretch(segment.period, segment.paused, held))
    return tuple(found)


def _comparable(subscription: Subscription, offered: Iterable[Offered]) -> Iterator[Plan]:
    return (each.plan for each in offered if each.subcategory == subcategory_of(subscription))


def _held(subscription: Subscription, months: tuple[Month, ...]) -> Usage:
    """What was held in these months, without any use yet."""
    plan = subscription.plan
    held = (subscription.quantity, plan.quantity_unit_zh, plan.quantity_unit_en) if plan.quantity_unit_zh else None
    return Usage(months, (), plan.offering_id, held=held)


def months_before(organization: Organization, now: datetime) -> tuple[Month, ...]:
    """The last whole months that are over, oldest first, for use that was not measured here."""
    found: list[Month] = []
    whole = period_of(organization, now)
    while len(found) < MONTHS:
        whole = period_of(organization, whole.start - _INSTANT)
        found.append(Month(whole, whole))
    return tuple(reversed(found))


def _lately(
    subscription: Subscription,
    held: Usage,
    offered: tuple[Offered, ...],
    used: _Quantities,
    lines: Sequence[_Own],
    billed: Sequence[BillLine],
) -> Lately:
    charged = {charge.id: charge for charge in (*subscription.plan.charges, *(charge for *_, charge in lines if charge))}
    told = _usage(subscription, held, list(charged.values()), offered, used)
    replays = tuple(replay(told, [each.plan for each in offered])) if told.months else ()
    own = Replay(
        subscription.plan, tuple(_own_line(told, *each) for each in lines), told.per_year, held=subscription.quantity,
        running=told.running, own=True,
    )  # fmt: skip
    return Lately(subscription, told, own, _told(told.months, billed), offered, replays)


def _usage(
    subscription: Subscription,
    held: Usage,
    charged: Iterable[Charge],
    offered: Sequence[Offered],
    used: _Quantities,
) -> Usage:
    """Everything its provider's meters counted, whole and in the parts that somebody prices; `charged` is what it pays."""
    own = [charge for charge in charged if charge.meter is not None]
    same = [c for each in offered if each.plan.offering.provider_id == subscription.provider_id for c in each.plan.charges]
    # Of what it does not pay for, nobody may be reporting anything: only what was counted says something.
    counted = {key[1] for key in used if key[0] == subscription.id}
    meters = {c.meter.id: c.meter for c in own if c.meter is not None}
    meters |= {c.meter.id: c.meter for c in same if c.meter is not None and c.meter.id in counted}
    priced = {c.meter.counter_id for c in own if c.meter is not None}
    parts = dict.fromkeys(
        [(meter.id, None) for meter in meters.values()]
        + [(c.meter_id, c.filter) for c in [*own, *same] if c.meter_id in meters and c.filter is not None]
    )
    months, stretches = held.months, as_if.stretches(held)
    singly = _singly(subscription, [*(month.paid for month in months), *stretches], [*own, *same])

    def told(id: int, only: Filter | None, days: Period) -> Decimal:
        return used.get((subscription.id, id, days, only), _ZERO)

    each = tuple(
        Used(
            measure_of(meters[id]), tuple(told(id, only, month.paid) for month in months),
            Source.MEASURED, meters[id], only, priced=meters[id].counter_id in priced,
            parts={days: told(id, only, days) for days in stretches},
            transactions=singly.get(id, {}) if only is None else {},
        )
        for id, only in _one_version_each(parts, meters)
    )  # fmt: skip
    return replace(held, used=each)


def _singly(
    subscription: Subscription, services: Sequence[Period], charges: Iterable[Charge]
) -> dict[int, dict[Period, rating.Transactions]]:
    """By meter, each month's transactions as they were, where a plan of the same provider prices them one by one."""
    asked = [
        ((subscription.id, charge.meter.id, days, None), charge.meter, terms)
        for charge in charges
        if charge.meter is not None and charge.filter is None and catalog.counts_transactions(charge)
        and isinstance(terms := rating.parse(charge.terms), rating.Percentage)
        for days in services
    ]  # fmt: skip
    try:
        found = usage.transactions(asked)
    except metering.EventsArchived:
        return {}  # they are guessed, like those of other providers
    nothing = rating.Transactions()
    return {
        meter.id: {days: found.get((subscription.id, meter.id, days, None), nothing) for days in services}
        for _, meter, _ in asked
    }


def _one_version_each(
    parts: Iterable[tuple[int, Filter | None]], meters: Mapping[int, Meter]
) -> Iterator[tuple[int, Filter | None]]:
    """Versions that read the same counters say the same; the first is enough."""
    seen: set[tuple[int, Filter | None]] = set()
    for id, only in parts:
        key = meters[id].counter_id, only
        if key not in seen:
            seen.add(key)
            yield id, only


def _filters(subscribed: Iterable[Subscription], offered: Iterable[Offered]) -> list[Filter | None]:
    """The parts of usage that somebody prices; None: all of it."""
    plans = [*(one.plan for one in subscribed), *(each.plan for each in offered)]
    return list(dict.fromkeys([None, *(charge.filter for plan in plans for charge in plan.charges)]))


def _quantities(held: Mapping[int, Usage], filters: Iterable[Filter | None], *, now: datetime) -> _Quantities:
    """What was used, asked once for each distinct stretch of days and filter."""
    wanted: dict[tuple[Period, Period], set[int]] = defaultdict(set)
    for id, each in held.items():
        for days, month in [*((month.paid, month) for month in each.months), *as_if.stretches(each).items()]:
            wanted[days, month.whole].add(id)
    return {
        (subscription_id, meter_id, days, only): quantity
        for (days, whole), ids in wanted.items()
        for only in filters
        for (subscription_id, meter_id), quantity in metering.quantities(ids, days, until=now, whole=whole, only=only).items()
    }


def _own_lines(
    subscribed: Sequence[Subscription], months: Mapping[int, Sequence[Month]], *, now: datetime
) -> dict[int, list[_Own]]:
    """What its bills say or would say today; free days of a trial are no line."""
    wanted: dict[Period, list[Subscription]] = defaultdict(list)
    for one in subscribed:
        for month in months[one.id]:
            wanted[month.whole].append(one)
    numbers = {(id, month.whole): number for id, each in months.items() for number, month in enumerate(each)}
    drawn = [
        (whole, line)
        for whole, those in sorted(wanted.items(), key=lambda each: each[0].start)
        for line in drafts.draw_up_some(those, whole, cutoff=now)
        if not line.label.get("trial")
    ]
    charges = usage.charges_of(line.charge_id for _, line in drawn) if drawn else {}
    found: dict[int, list[_Own]] = defaultdict(list)
    for whole, line in drawn:
        found[line.subscription_id].append((numbers[line.subscription_id, whole], line, charges.get(line.charge_id)))
    return found


def _own_line(used: Usage, number: int, line: LineDraft, charge: Charge | None) -> ReplayLine:
    terms, basis = rating.parse(line.terms), _used(used, charge) if charge else None
    return ReplayLine(
        pair=pair_of(terms, basis),
        month=number,
        service=Period(line.service_start, line.service_end),
        names=(line.label["charge_zh"], line.label["charge_en"]),
        units=tuple(line.label["unit_" + locale] or line.label.get("units_" + locale, "") for locale in ("zh", "en")),
        quantity=line.quantity,
        terms=terms,
        fen=line.gross_fen,
        working=rating.load_steps(line.steps),
        charge_id=line.charge_id,
        used=basis,
        paused="paused" in line.label,
    )


def _used(known: Usage, charge: Charge) -> Used | None:
    meter = charge.meter
    for each in known.used:
        if meter and each.meter and each.meter.counter_id == meter.counter_id and each.only == charge.filter:
            return each
    return None


def _billed(subscription_ids: Sequence[int]) -> dict[int, list[BillLine]]:
    """The issued lines of these subscriptions, with their bills, oldest first."""
    query = select(BillLine).join(BillLine.bill).options(contains_eager(BillLine.bill))
    query = query.where(BillLine.subscription_id.in_(subscription_ids), Bill.status.not_in(_NOT_ISSUED))
    found: dict[int, list[BillLine]] = defaultdict(list)
    if subscription_ids:
        for line in db.session.scalars(query.order_by(Bill.period_start, BillLine.id)):
            found[line.subscription_id].append(line)
    return found


def _told(months: Sequence[Month], lines: Iterable[BillLine]) -> Billed:
    numbers = {month.whole.start: number for number, month in enumerate(months)}
    fen, seen = 0, set()
    later: dict[int, tuple[Bill, int]] = {}
    for line in lines:
        waited = line.kind is LineKind.CREDIT and not line.bill.period.contains(line.service_start)
        if line.kind is not LineKind.ADJUSTMENT and not waited and line.bill.period_start in numbers:
            fen += line.gross_fen
            seen.add(numbers[line.bill.period_start])
        elif (waited or line.kind is LineKind.ADJUSTMENT) and any(m.whole.contains(line.service_start) for m in months):
            later[line.bill_id] = line.bill, later.get(line.bill_id, (line.bill, 0))[1] + line.gross_fen
    return Billed(fen, frozenset(seen), tuple(later.values()))
