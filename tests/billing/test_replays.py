"""The same use on other plans: what is held against what, what is asked for, and that every amount adds up."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market import billing, rating
from market.billing.replays import Reason, Replay, differences, replay
from market.billing.uses import Month, Source, Stretch, Usage, Used
from market.catalog import Aggregation, Charge, Meter, Plan, TimeBase
from market.catalog.measures import measure_of
from market.kit.period import Period, month
from market.rating import Rounding

AUGUST, SEPTEMBER, OCTOBER = (Month(each, each) for each in map(month, ("2026-08", "2026-09", "2026-10")))
MONTHS = AUGUST, SEPTEMBER, OCTOBER
_ids = count(1)


def a_meter(unit: str = "GB", aggregation: Aggregation = Aggregation.SUM, *, base: TimeBase = TimeBase.NONE, **columns: Any) -> Meter:
    """A meter that is in no database."""
    id = next(_ids)
    names = {"slug": f"meter-{id}", "name_zh": f"用量 {id}", "name_en": f"Use {id}", "unit_en": unit, "rounding": Rounding.NONE}
    return Meter(id=id, unit_zh=unit, aggregation=aggregation, time_base=base, unit_size=1, **(names | columns))


def a_plan(*charges: tuple[Meter | None, dict[str, Any]], offering: int = 2, **columns: Any) -> Plan:
    """A plan with these charges, in no database either."""
    rows = [
        Charge(id=next(_ids), slug=f"c{n}", name_zh="收费", name_en="Charge", meter=meter, meter_id=meter and meter.id, terms=terms,
               tax_rate="0.06", filter_property="", filter_values=[])
        for n, (meter, terms) in enumerate(charges)
    ]  # fmt: skip
    return Plan(id=next(_ids), offering_id=offering, charges=rows, name_zh="套餐", name_en="Plan", **({"trial_days": 0} | columns))


def per_unit(price: str, included: str = "0") -> dict[str, Any]:
    return {"model": "per_unit", "unit_price": price, "included": included}


def fee(amount: str, interval: str = "month") -> dict[str, Any]:
    return {"model": "flat", "interval": interval, "amount": amount}


def measured(meter: Meter, *quantities: str, **changes: Any) -> Used:
    return replace(Used(measure_of(meter), tuple(map(Decimal, quantities)), Source.MEASURED, meter), **changes)


def only(replays: list[Replay]) -> Replay:
    (one,) = replays
    return one


SPACE = a_meter("GB", Aggregation.TIME_WEIGHTED, base=TimeBase.PERIOD, slug="space", name_zh="占用空间")
USED = Usage(MONTHS, (measured(SPACE, "600", "700", "800"),), offering_id=1)


def test_each_month_is_rated_as_on_a_bill() -> None:
    other = a_meter("GB", Aggregation.TIME_WEIGHTED, base=TimeBase.PERIOD)
    found = only(replay(USED, [a_plan((None, fee("29.00")), (other, per_unit("0.10", "500")))]))
    assert [found.fen_in(n) for n in range(3)] == [2900 + 1000, 2900 + 2000, 2900 + 3000]
    assert [line.formula() for line in found.lines if line.quantity] == [
        f"套餐内 500 GB，超出 {over} GB；{over} GB × ¥0.10" for over in (100, 200, 300)
    ]


def test_hours_and_means_are_the_same_use_said_differently() -> None:
    hourly = a_meter("TB·小时", Aggregation.TIME_WEIGHTED, base=TimeBase.HOUR)
    found = only(replay(USED, [a_plan((hourly, per_unit("1.00")))]))
    assert [line.quantity for line in found.lines] == [Decimal("446.4"), Decimal(504), Decimal("595.2")]


@pytest.mark.parametrize(
    ("unit", "quantity"), [("万次", "1.2"), ("千次", "12"), ("次", "12000"), ("1,000 次", "12")]
)
def test_units_that_are_multiples_are_converted(unit: str, quantity: str) -> None:
    usage = Usage((OCTOBER,), (measured(a_meter("千次"), "12"),))
    found = only(replay(usage, [a_plan((a_meter(unit), per_unit("1.00")))]))
    assert [line.quantity for line in found.lines] == [Decimal(quantity)]


def test_what_is_not_counted_is_asked_for_and_one_guess_serves_every_plan() -> None:
    plans = [a_plan((SPACE, per_unit("0.10")), (a_meter(unit, name_zh="流量"), per_unit("1.00"))) for unit in ("GB", "TB")]
    gaps = [each.gaps for each in replay(USED, plans)]
    assert [(gap.reason, gap.key, gap.shared) for each in gaps for gap in each] == [(Reason.NOT_COUNTED, "amount.GB", True)] * 2
    told = replay(USED.guessing({"amount.GB": Decimal(500)}), plans)
    assert [sum(line.fen for line in each.lines if line.used and line.used.source is Source.GUESSED) for each in told] == [150_000, 150]


def test_of_two_things_in_one_unit_only_the_name_tells_which_is_meant() -> None:
    up, down = a_meter("GB", name_zh="上传流量"), a_meter("GB", name_zh="下载流量")
    usage = Usage(MONTHS, (measured(up, "1", "1", "1"), measured(down, "5", "5", "5")))
    named = a_meter("GB", name_zh="下载流量")
    assert [line.quantity for line in only(replay(usage, [a_plan((named, per_unit("1.00")), (a_meter("GB", name_zh="上传流量"), per_unit("0")))])).lines][:1] == [5]
    assert [gap.reason for gap in only(replay(usage, [a_plan((a_meter("GB", name_zh="流量"), per_unit("1.00")))])).gaps] == [Reason.UNCLEAR]


def test_the_most_at_once_and_the_mean_are_two_things() -> None:
    usage = Usage(MONTHS, (measured(a_meter("人", Aggregation.MAX), "9", "9", "9"),))
    mean = a_meter("人", Aggregation.TIME_WEIGHTED, base=TimeBase.PERIOD)
    found = only(replay(usage, [a_plan((mean, per_unit("1.00")))]))
    assert [gap.reason for gap in found.gaps] == [Reason.NOT_COUNTED] and not found.lines


def test_a_service_that_does_not_count_what_is_paid_for_is_not_compared() -> None:
    cameras = a_meter("路", Aggregation.MAX)
    usage = Usage(MONTHS, (*USED.used, measured(cameras, "4", "4", "4")), offering_id=1)
    plan = a_plan((a_meter("GB", Aggregation.TIME_WEIGHTED, base=TimeBase.PERIOD), per_unit("0.10")))
    assert [each.meter for each in only(replay(usage, [plan])).lacking] == [cameras]
    counts_it = a_plan((a_meter("路", Aggregation.MAX), per_unit("1.00")))
    assert all(each.comparable for each in replay(usage, [plan, a_plan(*[(c.meter, c.terms) for c in (*plan.charges, *counts_it.charges)])]))
    plan.offering_id = 1
    assert only(replay(usage, [plan])).comparable, "its own service has it in this plan for nothing"
    nothing = Usage(MONTHS, (*USED.used, measured(cameras, "0", "0", "0")))
    assert only(replay(nothing, [a_plan((SPACE, per_unit("0.10")))])).comparable


def test_a_price_for_a_part_of_the_use_is_asked_for() -> None:
    plan = a_plan((a_meter("GB", Aggregation.TIME_WEIGHTED, base=TimeBase.PERIOD), per_unit("0.10")))
    plan.charges[0].filter_property, plan.charges[0].filter_values = "region", ["gz"]
    (gap,) = only(replay(USED, [plan])).gaps
    assert gap.reason is Reason.A_PART and not gap.shared
    assert only(replay(USED.guessing({gap.key: Decimal(10)}), [plan])).total_fen == 300


def test_fees_stand_as_they_would_be_billed_and_a_year_says_what_they_are_worth() -> None:
    plan = a_plan((None, fee("1200.00", "year")), (None, fee("300.00", "once")), (SPACE, per_unit("0.10")), trial_days=30)
    found = only(replay(USED, [plan]))
    assert [found.fen_in(n) for n in range(3)] == [120_000 + 30_000 + 6000, 7000, 8000]
    assert (found.yearly_fen, found.once_fen, found.uneven) == (120_000, 30_000, True)
    assert found.year_fen == 150_000 + 21_000 * 4
    assert replace(found, own=True).year_fen == found.year_fen - 30_000, "what was paid once is not paid again"


def test_days_that_were_not_paid_are_not_priced() -> None:
    started = Month(OCTOBER.whole, replace(OCTOBER.whole, start=month("2026-10").start + (OCTOBER.whole.length / 31) * 11))
    found = only(replay(Usage((started,), ()), [a_plan((None, fee("31.00")))]))
    assert found.total_fen == 2000


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**4), st.integers(0, 10**4)), min_size=1, max_size=3))
def test_the_differences_add_up_to_the_difference(amounts: list[tuple[int, int, int]]) -> None:
    usage = Usage(MONTHS, (measured(SPACE, *(str(Decimal(amounts[n % len(amounts)][0]) / 1000) for n in range(3))),), 1)
    plans = [
        a_plan((None, fee(f"{one}.00")), (SPACE, per_unit(f"0.{two:04}", str(one))), (None, fee(f"{two}.00", "year")), offering=n)
        for n, (_, one, two) in enumerate([*amounts, (0, 3, 7)])
    ]
    ours, *others = replay(usage, plans)
    for theirs in others:
        assert sum(row.fen for row in differences(ours, theirs)) == theirs.total_fen - ours.total_fen


@settings(max_examples=30)
@given(st.decimals(0, 10**6, places=6), st.decimals(0, 10, places=4))
def test_a_full_month_is_what_the_calculator_says(quantity: Decimal, price: Decimal) -> None:
    plan = a_plan((None, fee("9.90")), (SPACE, per_unit(f"{price:f}", "20")))
    usage = Usage((OCTOBER,), (measured(SPACE, f"{quantity:f}"),))
    assert only(replay(usage, [plan])).total_fen == billing.estimate(plan, {"c1": quantity}).total_fen
    assert rating.rate(rating.parse(plan.charges[1].terms), quantity).fen == only(replay(usage, [plan])).lines[1].fen


def seats(price: str, unit: str = "人", **columns: Any) -> Plan:
    """A plan sold by quantity."""
    return a_plan((None, fee(price)), quantity_unit_zh=unit, quantity_unit_en="person", quantity_minimum=5, quantity_step=5,
                  quantity_maximum=None, **columns)  # fmt: skip


def test_a_plan_sold_by_quantity_is_bought_for_as_many_as_there_were() -> None:
    people = Usage(MONTHS, (measured(a_meter("人", Aggregation.MAX), "9", "11", "8"),))
    assert only(replay(people, [seats("10.00")])).held == 15
    assert only(replay(replace(people, used=(), held=(7, "人", "person")), [seats("10.00")])).held == 10
    nobody = only(replay(Usage(MONTHS, ()), [seats("10.00")]))
    assert [(gap.key, gap.reason) for gap in nobody.gaps] == [("units.人", Reason.HOW_MANY)]
    assert only(replay(Usage(MONTHS, (), guesses={"units.人": Decimal(3)}), [seats("10.00")])).held == 5


def test_a_plan_that_is_not_sold_in_so_many_is_not_the_cheapest_but_cannot_carry_it() -> None:
    small, large = seats("1.00"), seats("10.00")
    small.quantity_maximum = 23  # in steps of five, so 20 at most
    asked = Usage(MONTHS, (), guesses={"units.人": Decimal(21)})
    assert [(each.comparable, each.too_many, each.lines == ()) for each in replay(asked, [small, large])] == [(False, 21, True), (True, 0, False)]
    assert only(replay(replace(asked, guesses={"units.人": Decimal(20)}), [small])).held == 20
    counted = Usage(MONTHS, (measured(a_meter("人", Aggregation.MAX), "9", "21", "8"),))
    assert [each.too_many for each in replay(counted, [small, large])] == [21, 0]
    once_more = replace(SEPTEMBER, stretches=(Stretch(SEPTEMBER.whole, held=40),))
    held = Usage((AUGUST, once_more, OCTOBER), (), held=(7, "人", "person"))
    assert [each.too_many for each in replay(held, [small])] == [40], "it was too small for a month"


def the_first(days: int) -> Period:
    return Period(OCTOBER.whole.start, OCTOBER.whole.start + OCTOBER.whole.length / 31 * days)


def test_a_guess_is_for_a_whole_month_and_counts_on_days_that_ran() -> None:
    rest = Period(the_first(12).start, the_first(12).end)
    paused = Month(OCTOBER.whole, OCTOBER.whole, (Stretch(rest, paused=True), Stretch(Period(rest.end, OCTOBER.whole.end))))
    meters = {
        "amount.GB": a_meter("GB"), "level.GB": a_meter("GB", Aggregation.TIME_WEIGHTED, base=TimeBase.PERIOD),
        "peak.人": a_meter("人", Aggregation.MAX),
    }  # fmt: skip
    plan = a_plan(*((meter, per_unit("1.00", "31")) for meter in meters.values()))
    found = only(replay(Usage((paused,), (), guesses=dict.fromkeys(meters, Decimal(62))), [plan]))
    # 19 of 31 days ran: so much of the guess, and of what is included; a number of people is not a matter of days.
    assert [(line.quantity, line.fen) for line in found.lines if not line.paused] == [(38, 1900), (38, 1900), (62, 4300)]
    assert not [line for line in found.lines if line.paused], "nothing is used on paused days"
    started = Month(OCTOBER.whole, Period(rest.end, OCTOBER.whole.end))
    again = only(replay(Usage((started,), (), guesses=dict.fromkeys(meters, Decimal(62))), [plan]))
    assert [line.fen for line in again.lines] == [1900, 1900, 4300]


def test_a_year_of_the_same_pauses_costs_so_much_less_by_the_month_and_by_the_year() -> None:
    rest = the_first(31)
    months = (AUGUST, SEPTEMBER, Month(rest, rest, (Stretch(rest, paused=True),)))
    monthly, yearly = replay(Usage(months, ()), [a_plan((None, fee("92.00"))), a_plan((None, fee("1104.00", "year")))])
    assert (monthly.total_fen, monthly.year_fen) == (18400, 18400 * 4)
    assert yearly.total_fen == 110400 - round(110400 * 31 / 365)
    assert yearly.year_fen == round(110400 * 61 / 92)


def test_who_pays_by_the_seat_is_not_compared_with_what_knows_no_seats() -> None:
    usage = Usage(MONTHS, (), offering_id=1, held=(7, "人", "person"))
    assert [each.lacking_unit for each in replay(usage, [a_plan((None, fee("1.00"))), seats("1.00", offering=3)])] == [("人", "person"), ()]


def test_how_many_transactions_there_were_is_asked_where_it_matters() -> None:
    money = a_meter("元")
    usage = Usage(MONTHS, (measured(money, "1000", "1000", "1000"),))
    plain = a_plan((a_meter("元"), {"model": "percentage", "percent": "0.6"}))
    assert only(replay(usage, [plain])).total_fen == 1800
    each = a_plan((a_meter("元"), {"model": "percentage", "percent": "0.6", "fee": "0.10"}))
    (gap,) = only(replay(usage, [each])).gaps
    assert gap.reason is Reason.TRANSACTIONS
    assert only(replay(usage.guessing({gap.key: Decimal(20)}), [each])).total_fen == 3 * (600 + 200)
