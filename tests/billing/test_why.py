"""Why a line comes to its amount: worked out again at the bill's cutoff, whatever has happened since."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from sqlalchemy import select, update

from market import billing, db, subscriptions
from market.billing import Basis, Bill, BillLine, LineKind
from market.errors import NotFound
from market.metering import UsageEvent
from market.rating import StepKind
from tests.builders.accounts import an_actor
from tests.builders.billing import NOVEMBER, OCTOBER, an_issued_bill, buyer, moment
from tests.builders.catalog import a_charge, a_meter, a_plan
from tests.builders.corrections import correct
from tests.builders.metering import report
from tests.builders.subscriptions import a_subscription
from tests.scenarios.stories import Story, a_story, a_usual_october

pytestmark = pytest.mark.usefixtures("session")


@pytest.fixture
def story() -> Story:
    story = a_story(started="2026-10-01 00:30")
    a_usual_october(story)
    return story


def called(bill: Bill, charge: str) -> BillLine:
    return next(line for line in bill.lines if line.label["charge_zh"] == charge)


def test_a_metered_line_is_counted_again_day_by_day(story: Story) -> None:
    bill = an_issued_bill(story.organization, OCTOBER)
    seen = billing.explain(bill, called(bill, "外网流量"))
    assert (seen.agrees, seen.basis, seen.events, seen.share) == (True, Basis.EVENTS, 3, None)
    used = [(day.day.day, day.quantity, day.to_date, day.fen, day.events) for day in seen.days if day.events]
    assert used == [
        (5, Decimal("120.5"), Decimal("120.5"), 0, 1), (12, Decimal(200), Decimal("320.5"), 6025, 1), (31, Decimal("44.5"), Decimal(365), 8250, 1),
    ]  # fmt: skip


def test_a_gauge_shows_the_value_it_carried_into_the_day(story: Story) -> None:
    an_issued_bill(story.organization, OCTOBER)
    bill = an_issued_bill(story.organization, NOVEMBER)
    line = called(bill, "备份空间")
    assert billing.explain(bill, line).agrees
    [entry] = billing.events_on(bill, line, date(2026, 11, 7)).entries
    assert (entry.value, entry.seconds, entry.at < NOVEMBER.start) == ("800", 86_400, True)
    with pytest.raises(NotFound):
        billing.events_on(bill, line, OCTOBER.first_day)


def test_an_adjustment_tells_what_was_before_and_what_came_since(story: Story) -> None:
    october = an_issued_bill(story.organization, OCTOBER)
    report(story.backup, story.traffic, 50, at=moment("2026-10-30 12:00"), recorded=moment("2026-11-10 12:00"))
    event = db.session.scalars(select(UsageEvent).where(UsageEvent.at == moment("2026-10-12 23:59"))).one()
    correct(event, "190", now=moment("2026-11-11 12:00"))
    bill = an_issued_bill(story.organization, NOVEMBER)
    [line] = [line for line in bill.lines if line.kind is LineKind.ADJUSTMENT]
    seen = billing.explain(bill, line)
    assert (seen.agrees, seen.whole_fen, line.booked_fen, line.gross_fen) == (True, 10250, 8250, 2000)
    assert [(before.bill.number, before.line.gross_fen) for before in seen.before] == [(october.number, 8250)]
    assert [remark.number for remark in seen.news.late] == [1] and [each.note for each in seen.news.corrected] == ["读数多了一位"]
    day = billing.events_on(bill, line, date(2026, 10, 12))
    assert [(entry.value, entry.counted) for entry in day.entries] == [("200", False), ("190", True)]
    assert {each.note for each in day.told.values()} == {"读数多了一位"} and day.quantity == 190
    # The earlier bill's line is still what it was, and says what has changed since.
    again = billing.explain(billing.bill_by_id(october.id), called(october, "外网流量"))
    assert again.agrees and [(each.day.day, each.quantity, each.now) for each in again.days if each.now is not None] == [
        (12, Decimal(200), Decimal(190)), (30, Decimal(0), Decimal(50)),
    ]  # fmt: skip


def test_the_parts_of_a_month_and_what_is_due_at_least_are_steps_of_their_own() -> None:
    plan = a_plan(slug="basic", monthly="62.00")
    a_charge(plan, {"model": "per_unit", "unit_price": "1.00", "minimum": "93.00"}, meter=a_meter(plan.offering.provider, "calls"))
    pro = a_plan(plan.offering, slug="pro", monthly="155.00")
    subscription = a_subscription(plan)
    subscriptions.change(subscription, plan=pro, when="now", by=an_actor(), at=moment("2026-10-11 14:00"))
    bill = an_issued_bill(buyer(subscription), OCTOBER)
    first, second = [billing.explain(bill, line) for line in bill.lines if line.quantity is None]
    assert (first.share, second.share) == ((10, 31), (21, 31))
    assert (second.carried, second.carried_fen, second.together_fen, second.line.gross_fen) == (Fraction(20), 2000, 12500, 10500)
    least = billing.explain(bill, next(line for line in bill.lines if line.quantity is not None))
    assert least.agrees and [step.kind for step in least.rated.steps] == [StepKind.PER_UNIT, StepKind.MINIMUM]
    assert least.line.gross_fen == 3000


def test_what_no_longer_follows_from_the_events_is_named(story: Story) -> None:
    bill = an_issued_bill(story.organization, OCTOBER)
    db.session.execute(update(UsageEvent).where(UsageEvent.at == moment("2026-10-12 23:59")).values(data={"value": "199"}))
    seen = billing.explain(bill, called(bill, "外网流量"))
    assert [(each.field, each.billed, each.expected) for each in seen.differences][:2] == [
        ("quantity", Decimal(365), Decimal(364)), ("gross_fen", 8250, 8200),
    ]  # fmt: skip


def test_a_bill_says_for_ever_what_came_late_and_what_was_corrected(story: Story) -> None:
    an_issued_bill(story.organization, OCTOBER)
    for number in range(2):
        report(story.backup, story.traffic, 50, at=moment(f"2026-10-{29 + number} 12:00"), recorded=moment("2026-11-10 12:00"))
    event = db.session.scalars(select(UsageEvent).where(UsageEvent.at == moment("2026-10-12 23:59"))).one()
    correct(event, "190", now=moment("2026-11-11 12:00"))
    bill = an_issued_bill(story.organization, NOVEMBER)
    rows = {row.service: row.working for group in billing.view(bill).groups for row in group.rows}
    assert rows["2026年10月用量的补报和更正"][-1] == "2026年11月10日 收到补报 2 条记录；2026年11月11日 更正：数值报错"
    [english] = [line.label["news_en"] for line in bill.lines if line.kind is LineKind.ADJUSTMENT]
    assert english == "10 Nov 2026: records reported late: 2; 11 Nov 2026: corrected, wrong value reported"
