"""Percentages of transactions on bills, and that calculator, bill and `market rate` say the same of whatever was used."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from market import billing, rating
from market.catalog import Aggregation, Meter, Plan, TimeBase
from market.cli import main
from market.subscriptions import Subscription
from tests.builders.billing import NOVEMBER, OCTOBER, an_issued_bill, buyer, moment
from tests.builders.catalog import a_charge, a_meter, a_plan
from tests.builders.corrections import correct, event_named
from tests.builders.metering import report
from tests.builders.subscriptions import a_subscription
from tests.rating.examples import ANY_TERMS

pytestmark = pytest.mark.usefixtures("session")

EACH = {"model": "percentage", "percent": "1", "fee_minimum": "0.5", "fee_maximum": "10"}


def a_shop(terms: dict[str, str]) -> tuple[Subscription, Meter]:
    plan = a_plan()
    meter = a_meter(plan.offering.provider, "takings", unit_size=100, unit_zh="元", unit_en="CNY")
    a_charge(plan, terms, meter=meter, typical="1000", typical_count=10)
    return a_subscription(plan, started_at=OCTOBER.start), meter


def test_each_transaction_has_its_least_and_its_most_and_a_late_one_is_adjusted() -> None:
    shop, takings = a_shop(EACH)
    for fen in (1000, 1000, 20000, 500000):
        report(shop, takings, fen, at=moment("2026-10-09 12:00"))
    bill = an_issued_bill(buyer(shop), OCTOBER)
    (line,) = bill.lines
    assert (line.quantity, line.gross_fen) == (Decimal(5220), 50 + 50 + 200 + 1000)
    assert line.transactions == [["2", "20"], ["1", "200"], ["1", "5000"]]
    assert billing.view(bill).groups[0].rows[0].working == (
        "2 笔 × ¥0.50（每笔至少，共 ¥20.00）= ¥1.00", "1% × ¥200.00 = ¥2.00", "1 笔 × ¥10.00（每笔最多，共 ¥5,000.00）= ¥10.00", "合计 ¥13.00",
    )  # fmt: skip
    assert billing.verify(bill) == []
    report(shop, takings, 1000, at=moment("2026-10-30 12:00"), recorded=moment("2026-11-10 12:00"))
    november = an_issued_bill(buyer(shop), NOVEMBER)
    assert [each.gross_fen for each in november.lines] == [0, 50]
    assert billing.verify(november) == billing.verify(bill) == []


def test_a_corrected_amount_moves_between_least_and_most_though_the_count_stays() -> None:
    shop, takings = a_shop(EACH)
    at = moment("2026-10-09 12:00")
    report(shop, takings, 500000, at=at)
    report(shop, takings, 1000, at=at, id="wrong")
    correct(event_named("wrong"), 20000, now=moment("2026-10-10 12:00"))
    (line,) = an_issued_bill(buyer(shop), OCTOBER).lines
    assert (line.transactions, line.gross_fen) == ([["1", "200"], ["1", "5000"]], 1200)


def test_a_course_of_a_month_ends_where_its_bill_does() -> None:
    shop, takings = a_shop(EACH | {"fee": "0.1"})
    for day, fen in ((1, 1000), (2, 90000), (5, 200000)):
        report(shop, takings, fen, at=moment(f"2026-10-{day:02} 12:00"))
    now = moment("2026-10-09 12:00")
    lines = billing.draw_up(buyer(shop), OCTOBER, cutoff=now)
    course = billing.course(buyer(shop), OCTOBER, lines, now=now)
    assert [fen for _, fen in course.days[:5]] == [50, 960, 960, 960, 1960]
    assert course.days[-1][1] == course.total_fen == lines[0].gross_fen == 1960
    assert course.expected_fen is not None and course.expected_fen > 1960


def test_a_guess_without_a_number_of_transactions_takes_the_usual_size() -> None:
    shop, _ = a_shop({"model": "percentage", "percent": "0.6", "fee": "0.1"})
    slug = shop.plan.charges[0].slug
    assert billing.estimate(shop.plan, {slug: Decimal(2000)}).total_fen == 1200 + 200
    assert billing.estimate(shop.plan, {slug: Decimal(2000), f"{slug}.count": Decimal(3)}).total_fen == 1200 + 30
    assert billing.estimate(shop.plan, {}).total_fen == 0


#: How use is counted, of a gauge with its time base; percentages are taken of sums.
_COUNTED = st.sampled_from([
    (Aggregation.SUM, TimeBase.NONE), (Aggregation.COUNT, TimeBase.NONE), (Aggregation.MAX, TimeBase.NONE),
    (Aggregation.LATEST, TimeBase.NONE), (Aggregation.UNIQUE_COUNT, TimeBase.NONE),
    (Aggregation.TIME_WEIGHTED, TimeBase.HOUR), (Aggregation.TIME_WEIGHTED, TimeBase.PERIOD),
])  # fmt: skip
_MOMENTS = st.integers(0, 31 * 24 * 3600 - 1).map(lambda seconds: OCTOBER.start + timedelta(seconds=seconds))
_USE = st.lists(st.tuples(_MOMENTS, st.decimals(0, 5000, places=6)), max_size=5)


@settings(
    max_examples=15, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(charges=st.lists(st.tuples(ANY_TERMS, _COUNTED, _USE), min_size=1, max_size=3), units=st.integers(1, 7))
def test_calculator_bill_and_shell_agree_to_the_fen(
    charges: list[tuple[rating.Terms, tuple[Aggregation, TimeBase], list[tuple[datetime, Decimal]]]],
    units: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """The bill counts in its database, the shell from the file; the calculator is told what the bill counted."""
    plan, written = a_plan(quantity_unit_zh="席位", quantity_unit_en="seat"), ["id,type,subject,time,value"]
    for place, (terms, (aggregation, base), _) in enumerate(charges):
        if isinstance(terms, rating.Percentage):
            aggregation, base = Aggregation.SUM, TimeBase.NONE
        columns = {"aggregation": aggregation, "time_base": base}
        meter = None if isinstance(terms, rating.Flat) else a_meter(plan.offering.provider, f"use-{place}", **columns)
        a_charge(plan, rating.dump(terms), meter=meter, slug=f"use-{place}")
    subscription = a_subscription(plan, started_at=OCTOBER.start)
    subscription.quantity = units
    guess: dict[str, Decimal] = {}
    for charge, (terms, _, use) in zip(plan.charges, charges, strict=True):
        for number, (at, amount) in enumerate(use if charge.meter else []):
            # Of transactions the calculator knows only how many there were, all alike.
            value = use[0][1] if isinstance(terms, rating.Percentage) else amount
            report(subscription, charge.meter, f"{value:f}", at=at)
            cell = "" if charge.meter.aggregation is Aggregation.COUNT else f"{value:f}"
            written.append(f"{charge.slug}-{number},{charge.meter.event_type},sub_x,{at.isoformat()},{cell}")
        guess[f"{charge.slug}.count"] = Decimal(len(use))
    running = billing.draw_up(buyer(subscription), OCTOBER, cutoff=OCTOBER.end)
    slugs = {charge.id: charge.slug for charge in plan.charges}
    guess |= {slugs[line.charge_id]: line.quantity for line in running if line.quantity is not None}
    # Yearly fees of nothing are no line.
    billed = dict.fromkeys(slugs.values(), 0) | {slugs[line.charge_id]: line.gross_fen for line in running}
    estimated = {line.charge.slug: line.fen for line in billing.estimate(plan, guess, units=units).lines}
    assert billed == estimated == shell_says(tmp_path_factory.mktemp("rate"), plan, written, units)


def shell_says(folder: Path, plan: Plan, written: list[str], units: int) -> dict[str, int]:
    """What `market rate` says of October: the plan as a file, the events as a file."""
    toml = ["[[plans]]", 'slug = "one"', "charges = ["]
    meters = []
    for charge in plan.charges:
        metered = f'meter = "{charge.meter.slug}", ' if charge.meter else ""
        toml.append(f'  {{ {metered}slug = "{charge.slug}", name_zh = "一", name_en = "One", terms = {inline(charge.terms)} }},')
        if charge.meter:
            meters += [
                "[[meters]]", f'slug = "{charge.meter.slug}"', 'name_zh = "一"', 'name_en = "One"', f'event_type = "{charge.meter.event_type}"',
                f'value_property = "{charge.meter.value_property}"', f'aggregation = "{charge.meter.aggregation}"', 'unit_zh = "次"',
                'unit_en = "call"', f'time_base = "{charge.meter.time_base if charge.meter.time_base is not TimeBase.NONE else ""}"',
            ]  # fmt: skip
    (folder / "plan.toml").write_text("\n".join([*toml, "]", *meters]))
    (folder / "usage.csv").write_text("\n".join(written))
    done = CliRunner().invoke(main, ["rate", str(folder / "plan.toml"), str(folder / "usage.csv"), "--month", "2026-10", "--units", str(units), "--json"])
    assert done.exit_code == 0, done.output
    return {line["charge"]: line["fen"] for line in json.loads(done.output)["months"][0]["lines"]}


def inline(value: object) -> str:
    """As TOML in one line; what is not there is left out."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{name} = {inline(each)}" for name, each in value.items() if each is not None) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(inline, value)) + "]"
    return json.dumps(value)


@pytest.mark.parametrize("more", [{}, {"fee": "0.3"}, {"percent": "0", "fee": "0.3"}, {"percent": "0.7", "fee_minimum": "0"}])
def test_amounts_at_around_and_between_the_bounds_are_grouped_by_the_database_as_one_by_one(more: dict[str, str]) -> None:
    shop, takings = a_shop(EACH | more)
    for number, fen in enumerate((0, "1", 1999, "2000.01", 4999, 5000, "5000.000001", 20000, 96999, 97000, 100000, 100001, 142857, 999999999)):
        report(shop, takings, fen, at=moment(f"2026-10-{9 + number % 3:02} 12:00"), id=f"t{number}")
    for taken_back in ("t3", "t11"):
        correct(event_named(taken_back), None, now=moment("2026-10-12 12:00"))
    bill = an_issued_bill(buyer(shop), OCTOBER)
    assert bill.lines[0].transactions and len(bill.lines[0].transactions) <= 3
    assert billing.verify(bill) == [], "worked out again from each event by other arithmetic"
