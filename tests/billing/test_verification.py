"""An issued bill can be worked out again, and a fen that is wrong is found."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from market import billing, db
from market.billing import Bill
from market.catalog import Aggregation, TimeBase
from market.metering import UsageEvent
from tests.builders.accounts import a_user
from tests.builders.billing import NOVEMBER, OCTOBER, an_issued_bill, buyer, moment
from tests.builders.catalog import a_charge, a_meter, a_plan
from tests.builders.corrections import approve, correct
from tests.builders.metering import report
from tests.builders.subscriptions import a_subscription
from tests.scenarios.stories import a_story, a_usual_october

pytestmark = pytest.mark.usefixtures("session")


def the_bill() -> Bill:
    story = a_story(started="2026-10-01 00:30")
    a_usual_october(story)
    return an_issued_bill(story.organization, OCTOBER)


def test_an_honest_bill_agrees() -> None:
    assert billing.verify(the_bill()) == []


def test_usage_that_comes_later_does_not_change_what_was_right_then() -> None:
    story = a_story(started="2026-10-01 00:30")
    a_usual_october(story)
    bill = an_issued_bill(story.organization, OCTOBER)
    report(story.backup, story.traffic, 50, at=moment("2026-10-30 12:00"), recorded=moment("2026-11-10 12:00"))
    assert billing.verify(billing.bill_by_id(bill.id)) == []
    november = an_issued_bill(bill.organization, NOVEMBER)
    assert billing.verify(november) == []
    assert november.lines[-1].gross_fen == 2500


def test_what_was_carried_in_and_taken_back_later_was_right_then() -> None:
    plan = a_plan(monthly="0.00")
    stored = a_meter(plan.offering.provider, "stored", aggregation=Aggregation.TIME_WEIGHTED, time_base=TimeBase.HOUR)
    a_charge(plan, {"model": "per_unit", "unit_price": "0.01"}, slug="stored", meter=stored)
    subscription = a_subscription(plan, started_at=moment("2026-10-01 00:30"))
    report(subscription, stored, 20, at=moment("2026-10-20 12:00"))
    november = an_issued_bill(buyer(subscription), NOVEMBER)
    assert november.gross_fen == 20 * 720
    later = moment("2026-12-10 12:00")
    approve(correct(db.session.scalars(select(UsageEvent)).one(), None, now=later), a_user(), now=later)
    assert billing.verify(billing.bill_by_id(november.id)) == []


_events = st.lists(
    st.tuples(st.sampled_from(["sum", "count", "max", "latest", "unique", "gauge", "mean"]), st.integers(0, 31 * 86_400 - 1), st.integers(0, 5000)),
    max_size=12,
)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_events, st.integers(1, 31))
def test_whatever_was_used_the_bill_can_be_worked_out_again(events: list[tuple[str, int, int]], day: int) -> None:
    plan = a_plan(monthly="99.99", trial_days=0)
    kinds = {
        "sum": (Aggregation.SUM, TimeBase.NONE), "count": (Aggregation.COUNT, TimeBase.NONE), "max": (Aggregation.MAX, TimeBase.NONE),
        "latest": (Aggregation.LATEST, TimeBase.NONE), "unique": (Aggregation.UNIQUE_COUNT, TimeBase.NONE),
        "gauge": (Aggregation.TIME_WEIGHTED, TimeBase.HOUR), "mean": (Aggregation.TIME_WEIGHTED, TimeBase.PERIOD),
    }  # fmt: skip
    meters = {
        kind: a_meter(plan.offering.provider, kind, aggregation=aggregation, time_base=base, unit_size=7, dimensions=["region"])
        for kind, (aggregation, base) in kinds.items()
    }
    for kind, meter in meters.items():
        a_charge(plan, {"model": "per_unit", "unit_price": "0.0313", "included": "11", "rounding": "up"}, meter=meter, slug=kind)
        part = {"filter_property": "region", "filter_values": ["0", "2"]}
        a_charge(plan, {"model": "per_unit", "unit_price": "0.07", "included": "0"}, meter=meter, slug=f"{kind}-part", **part)
    start = moment(f"2026-10-{day:02} 00:00")
    subscription = a_subscription(plan, started_at=start)
    for kind, second, value in events:
        at = OCTOBER.start + timedelta(seconds=second)
        if at >= start:
            report(subscription, meters[kind], value, at=at, region=str(value % 3))
    bill = an_issued_bill(buyer(subscription), OCTOBER)
    assert billing.verify(bill) == []
    for line in bill.lines:
        # The days counted from the events are those that the counters tell.
        seen = billing.explain(bill, line)
        assert seen.agrees and [day for day in seen.days if day.now is not None] == []
        assert [seen.days[-1].to_date, seen.days[-1].fen] == [line.quantity, line.gross_fen] if line.quantity is not None else not seen.days
    assert (bill.gross_fen, bill.net_fen + bill.tax_fen) == (sum(line.gross_fen for line in bill.lines),) * 2


@pytest.mark.parametrize(
    ("field", "value"), [("gross_fen", 1), ("quantity", 1), ("exact", "1"), ("steps", []), ("booked_fen", 1)]
)
def test_one_changed_figure_is_found(field: str, value: Any) -> None:
    bill = the_bill()
    line = bill.lines[2]
    old = getattr(line, field)
    setattr(line, field, old + value if isinstance(value, int) else value)
    with db.session.no_autoflush:
        assert line in [difference.line for difference in billing.verify(bill)]


def test_a_moved_fen_of_tax_is_found() -> None:
    bill = the_bill()
    bill.lines[0].net_fen -= 1
    bill.lines[0].tax_fen += 1
    with db.session.no_autoflush:
        assert [difference.field for difference in billing.verify(bill)] == ["lines"]
