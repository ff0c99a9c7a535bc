"""What the same use would have cost on other plans: lately used quantities, rated once more as a bill rates them.

Pure: usage and plans (with charges, meters and offering ids) are loaded, nothing is asked. The rules:

* Whoever is compared would have subscribed on the first of the days compared: a one-off fee and a year's fee stand
  in the first month, in full, as on a bill. Free trials are left out, since they come once.
* It would have been paused on the days on which the firm paused, and held in the firm's own numbers (`as_if.py`).
* A charge is rated with what its own meter counted, or with what another meter of the same measure did. Where neither
  says anything, where two could be meant, or where only a part of the use is priced, a guess is asked for.
* What was used and paid for must be counted by the other service too, else nobody knows whether it is in it.
* A plan that is not sold in so many is not compared: the most there can be of it would not have carried the use.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from functools import cached_property

from market import rating
from market.billing import as_if
from market.billing.dues import Due
from market.billing.lines import Carried, exact_of, fen_after
from market.billing.uses import Month, Source, Usage, Used
from market.catalog import Charge, Meter, Plan
from market.catalog.measures import Counting, Measure, measure_of
from market.kit import money
from market.kit.period import Period
from market.subscriptions.span import fitted, most_of

_ZERO = Decimal(0)
#: What says how many there were at once, so how many a plan would have to be bought for.
_AT_ONCE = frozenset({Counting.PEAK, Counting.STANDING, Counting.DISTINCT})


class Reason(StrEnum):
    """Why the usage does not say what a charge prices."""

    NOT_COUNTED = "not_counted"
    UNCLEAR = "unclear"
    A_PART = "a_part"
    HOW_MANY = "how_many"
    TRANSACTIONS = "transactions"


@dataclass(frozen=True, slots=True)
class Gap:
    """What a plan prices and the usage does not tell; a guess of a month's quantity is given under `key`.

    The guess is in the measure's unit where `shared`, so that it serves every plan; else in the meter's own. A plan
    that is sold by quantity has no `meter` for that, and of transactions it is asked how many there were.
    """

    key: str
    plan: Plan
    reason: Reason
    meter: Meter | None = None
    charge: Charge | None = None
    shared: bool = True


@dataclass(frozen=True, slots=True)
class ReplayLine:
    """What one charge comes to in one month; lines of two plans with the same `pair` are about the same thing."""

    pair: str
    month: int
    service: Period
    names: tuple[str, str]
    units: tuple[str, ...]
    quantity: Decimal | None
    terms: rating.Terms
    fen: int
    #: What was rated, or the steps as a bill keeps them.
    working: rating.Rated | tuple[rating.Step, ...]
    charge_id: int
    used: Used | None = None
    paused: bool = False

    @property
    def steps(self) -> tuple[rating.Step, ...]:
        """The working; `rating.formula` and `rating.explain` put it in words."""
        return self.working if isinstance(self.working, tuple) else self.working.steps

    @property
    def interval(self) -> str:
        """How often the amount is due: `month`, `year` or `once`."""
        return self.terms.interval if isinstance(self.terms, rating.Flat) else "month"

    def formula(self, locale: str = "zh") -> str:
        """The working in one line, without the amount."""
        english = locale.startswith("en")
        return ("; " if english else "；").join(rating.formula(step, self.units[english], locale) for step in self.steps)


@dataclass(frozen=True)
class Replay:
    """One plan with the usage of the months. Its amounts mean something only where it is `comparable`."""

    plan: Plan
    lines: tuple[ReplayLine, ...]
    #: How many times the months fit into a year.
    per_year: Fraction
    gaps: tuple[Gap, ...] = ()
    #: What is used and paid for today, and what this service does not count.
    lacking: tuple[Used, ...] = ()
    #: The same of the unit in which the plan in use is sold, in Chinese and in English; empty: it does.
    lacking_unit: tuple[str, ...] = ()
    #: In what number it would be held, where it is sold by quantity.
    held: int = 1
    #: How many it would have to be, where so many are not sold; 0: they are.
    too_many: int = 0
    #: The part of the days on which it was not paused.
    running: Fraction = Fraction(1)
    #: Whether it is what the firm really has, with the dates that hold for it.
    own: bool = False

    @property
    def comparable(self) -> bool:
        """Whether all that was used is in it, all that it prices is known, and it is sold in so many."""
        return not (self.gaps or self.lacking or self.lacking_unit or self.too_many)

    @cached_property
    def total_fen(self) -> int:
        """What the bills of these months would have said."""
        return sum(line.fen for line in self.lines)

    @property
    def yearly_fen(self) -> int:
        """Of that, fees for a whole year."""
        return sum(line.fen for line in self.lines if line.interval == "year")

    @property
    def once_fen(self) -> int:
        """Of that, fees that are paid once."""
        return sum(line.fen for line in self.lines if line.interval == "once")

    @cached_property
    def year_fen(self) -> int:
        """What a year of the same use, and of the same pauses, costs: the months carried on, a year's fees, and those
        that come once.

        Whoever has the plan has paid the latter.
        """
        monthly = Fraction(sum(line.fen for line in self.lines if line.interval == "month"))
        fees = _fees(self.plan, "year") * self.held * self.running + (0 if self.own else _fees(self.plan, "once"))
        return money.fen(monthly * self.per_year / 100 + fees)

    @property
    def uneven(self) -> bool:
        """Whether it has fees that do not come every month, so that a few months alone mislead."""
        return any(isinstance(terms, rating.Flat) and terms.interval != "month" for terms in map(_terms, self.plan.charges))

    def fen_in(self, month: int) -> int:
        """What one month's bill would have said."""
        return sum(line.fen for line in self.lines if line.month == month)


def replay(usage: Usage, plans: Iterable[Plan]) -> list[Replay]:
    """Every plan with this usage, in the order given."""
    offered: dict[int, list[Plan]] = defaultdict(list)
    for plan in plans:
        offered[plan.offering_id].append(plan)
    counted = {offering_id: _counted(each) for offering_id, each in offered.items()}
    return [_replay(usage, plan, counted[plan.offering_id]) for each in offered.values() for plan in each]


def _replay(usage: Usage, plan: Plan, counted: frozenset[Measure]) -> Replay:
    bases: dict[int, Used] = {}
    gaps: list[Gap] = []
    wanted = _wanted(usage, plan)
    if wanted is None:
        gaps.append(Gap(f"units.{plan.quantity_unit_zh}", plan, Reason.HOW_MANY))
    for charge in plan.charges:
        if charge.meter is not None:
            found = _basis(usage, plan, charge, charge.meter)
            if isinstance(found, Gap):
                gaps.append(found)
            else:
                bases[charge.id] = found
            known = isinstance(found, Used) and _singly(found, charge.meter)
            if _by_transaction(charge) and not known and _count_key(charge.meter) not in usage.guesses:
                gaps.append(Gap(_count_key(charge.meter), plan, Reason.TRANSACTIONS, charge.meter, charge))
    lacking = tuple(_lacking(usage, plan, bases, counted))
    unit = _lacking_unit(usage, plan, counted)
    held = fitted(plan, wanted or 1)
    needed, most = max([wanted or 1, *(number for _, number in as_if.numbers_held(plan, usage))]), most_of(plan)
    too_many = needed if plan.quantity_unit_zh and most is not None and needed > most else 0
    lines = () if gaps or lacking or unit or too_many else tuple(_lines(usage, plan, bases, held))
    return Replay(plan, lines, usage.per_year, tuple(gaps), lacking, unit, held, too_many, usage.running)


def _by_transaction(charge: Charge) -> bool:
    """Whether it is not enough to know what transactions come to."""
    terms = _terms(charge)
    return isinstance(terms, rating.Percentage) and bool(terms.fee or terms.each)


def _singly(used: Used, meter: Meter) -> bool:
    """Whether the transactions of this very meter are known one by one."""
    return bool(used.transactions) and used.meter is not None and used.meter.id == meter.id


def _singly_in(used: Used | None, due: Due, meter: Meter, month: Month, quantity: Decimal, guess: Decimal) -> rating.Transactions:
    """As they were, else of one size, as many as somebody thinks there are in a month."""
    if used and _singly(used, meter):
        return used.transactions[due.service]
    return rating.Transactions.alike(max(math.ceil(Fraction(guess) * month.share(due.service)), 1 if quantity else 0), quantity)


def _count_key(meter: Meter) -> str:
    return f"count.{measure_of(meter).key}"


def _wanted(usage: Usage, plan: Plan) -> int | None:
    """How many of a plan sold by quantity it takes: as many as now, as were in use at most, or as guessed."""
    unit = plan.quantity_unit_zh
    if not unit:
        return 1
    if usage.held and usage.held[1] == unit:
        return usage.held[0]
    most = [max(each.quantities) for each in usage.used if each.measure.unit == unit and each.measure.counting in _AT_ONCE]
    guess = usage.guesses.get(f"units.{unit}", max(most) if len(most) == 1 else None)
    return None if guess is None else math.ceil(guess)


def _lacking_unit(usage: Usage, plan: Plan, counted: frozenset[Measure]) -> tuple[str, ...]:
    """The unit in which the plan in use is sold, where the other service neither sells nor counts any."""
    if usage.held is None or plan.offering_id == usage.offering_id:
        return ()
    unit = usage.held[1]
    known = plan.quantity_unit_zh == unit or any(each.unit == unit for each in counted)
    return () if known else usage.held[1:]


def _counted(plans: Iterable[Plan]) -> frozenset[Measure]:
    """What an offering counts in one plan or another."""
    return frozenset(measure_of(charge.meter) for plan in plans for charge in plan.charges if charge.meter is not None)


def _basis(usage: Usage, plan: Plan, charge: Charge, meter: Meter) -> Used | Gap:
    """What a charge is to be rated with."""
    measure, only = measure_of(meter), charge.filter
    for each in usage.used:
        if each.meter and each.meter.counter_id == meter.counter_id and each.only == only:
            return each
    same = [
        each for each in usage.used if each.measure == measure and each.only is None and (each.priced or each.something)
    ]
    reason = Reason.A_PART if only else Reason.UNCLEAR if same else Reason.NOT_COUNTED
    if same and only is None:
        meters = {one.meter.counter_id for one in plan.charges if one.meter and measure_of(one.meter) == measure}
        alike = same if len(meters) == 1 else [each for each in same if each.meter and _alike(each.meter, meter)]
        if len(alike) > 1:
            alike = [each for each in alike if each.meter and _alike(each.meter, meter)]
        if len(alike) == 1:
            return alike[0]
    shared = reason is Reason.NOT_COUNTED
    key = measure.key if shared else f"charge.{charge.id}"
    guess = usage.guesses.get(key)
    if guess is None:
        return Gap(key, plan, reason, meter, charge, shared)
    return Used(measure, (guess,) * len(usage.months), Source.GUESSED, None if shared else meter, priced=False)


def _alike(one: Meter, other: Meter) -> bool:
    return one.slug == other.slug or one.name_zh == other.name_zh


def _lacking(usage: Usage, plan: Plan, bases: Mapping[int, Used], counted: frozenset[Measure]) -> Iterator[Used]:
    """What is paid for today and neither priced by the plan nor counted by its service at all."""
    if plan.offering_id == usage.offering_id:
        return
    covered = {each.meter.counter_id for each in bases.values() if each.meter}
    for each in usage.used:
        known = each.meter is not None and each.meter.counter_id in covered
        if each.priced and each.only is None and each.something and not known and each.measure not in counted:
            yield each


def _lines(usage: Usage, plan: Plan, bases: Mapping[int, Used], held: int) -> Iterator[ReplayLine]:
    for number, those in enumerate(as_if.dues(plan, usage, held)):
        carried, month = Carried(), usage.months[number]
        for due in those:
            line = _line(due, number, month, bases.get(due.charge.id), usage.guesses, carried)
            if due.stands(line.quantity, line.fen):
                yield line


def _line(
    due: Due, number: int, month: Month, used: Used | None, guesses: Mapping[str, Decimal], carried: Carried
) -> ReplayLine:
    charge, meter = due.charge, due.charge.meter
    quantity = used.told_to(meter, number, month, due.service) if used and meter else None
    priced: rating.Used = quantity or _ZERO
    if meter and isinstance(due.terms, rating.Percentage):
        priced = _singly_in(used, due, meter, month, quantity or _ZERO, guesses.get(_count_key(meter), Decimal(1)))
    rated = rating.rate(due.terms, priced, share=due.share)
    exact = exact_of(due.kind, rated)
    return ReplayLine(
        pair=pair_of(due.terms, used),
        month=number,
        service=due.service,
        names=(charge.name_zh, charge.name_en),
        units=(meter.unit_zh, meter.unit_en) if meter else (due.plan.quantity_unit_zh, due.plan.quantity_unit_en),
        quantity=quantity,
        terms=due.terms,
        fen=fen_after(carried.before(due, exact), exact),
        working=rated,
        charge_id=charge.id,
        used=used,
        paused=due.paused,
    )


def pair_of(terms: rating.Terms, used: Used | None) -> str:
    """What a line is about, in a word that is the same for every plan."""
    if used is None:
        return f"fee.{terms.interval}" if isinstance(terms, rating.Flat) else "unknown"
    return f"counter.{used.meter.counter_id}" if used.meter else used.measure.key


def _fees(plan: Plan, interval: str) -> Fraction:
    flat = (terms for terms in map(_terms, plan.charges) if isinstance(terms, rating.Flat) and terms.interval == interval)
    return sum((Fraction(terms.amount) for terms in flat), Fraction(0))


def _terms(charge: Charge) -> rating.Terms:
    return rating.parse(charge.terms)


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that two plans charge for, or one of them: their lines and what the second costs more (less: negative)."""

    pair: str
    ours: tuple[ReplayLine, ...]
    theirs: tuple[ReplayLine, ...]

    @property
    def fen(self) -> int:
        """Theirs less ours."""
        return sum(line.fen for line in self.theirs) - sum(line.fen for line in self.ours)


def differences(ours: Replay, theirs: Replay) -> list[Difference]:
    """Why two plans cost what they do, thing by thing: fees first; they add up to the difference of the totals."""
    pairs = dict.fromkeys(line.pair for line in (*ours.lines, *theirs.lines))
    rows = [
        Difference(
            pair,
            tuple(line for line in ours.lines if line.pair == pair),
            tuple(line for line in theirs.lines if line.pair == pair),
        )
        for pair in pairs
    ]
    return sorted(rows, key=lambda row: not row.pair.startswith("fee."))

