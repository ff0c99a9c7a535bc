"""The last months of a subscription: its own bills to the fen, and the same use on everything on sale."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import date
from typing import Any

import pytest

from market import db, subscriptions
from market.billing import Reason
from market.billing.lately import Lately, lately
from market.catalog import Aggregation, Meter, Plan, TimeBase
from market.catalog.models import PlanStatus
from market.subscriptions import Subscription
from tests.builders.accounts import an_actor, an_organization
from tests.builders.billing import NOVEMBER, OCTOBER, SEPTEMBER, an_issued_bill, moment
from tests.builders.catalog import a_charge, a_meter, a_plan, a_provider, an_offering, complete_facts
from tests.builders.metering import report
from tests.builders.subscriptions import a_subscription
from tests.scenarios.stories import Story, a_story

NOW = moment("2026-12-10 10:00")


@pytest.fixture
def story(session: Any) -> Story:
    """A firm that has backed up since the tenth of September, and used more every month."""
    story = a_story(started="2026-09-10 09:00")
    for month, size in ((9, 400), (10, 700), (11, 900)):
        report(story.backup, story.stored, size, at=moment(f"2026-{month:02}-11 12:00"))
        report(story.backup, story.traffic, 100 * (month - 8), at=moment(f"2026-{month:02}-20 12:00"))
    return story


def space(plan: Plan | None = None, **columns: Any) -> Meter:
    """A meter of another provider that says what the story's says, in its own words."""
    provider = plan.offering.provider if plan else a_provider()
    defaults = {"name_zh": "存放空间", "unit_zh": "GB·小时", "unit_en": "GB·hour", "time_base": TimeBase.HOUR}
    return a_meter(provider, "kept", aggregation=Aggregation.TIME_WEIGHTED, **(defaults | columns))


def a_rival(number: int = 0, **columns: Any) -> Plan:
    """Another provider's plan for the same three things, dearer with every number."""
    plan = a_plan(an_offering(plans=False, facts=complete_facts(name_zh=f"对手 {number}")), monthly=f"{number + 1}.00", **columns)
    a_charge(plan, {"model": "per_unit", "unit_price": "0.0001"}, meter=space(plan))
    for unit, name in (("GB", "流量"), ("次", "请求")):
        meter = a_meter(plan.offering.provider, name, name_zh=name, unit_zh=unit, unit_en=unit)
        a_charge(plan, {"model": "per_unit", "unit_price": "0.01"}, meter=meter)
    return plan


def looked_at(story: Story, **options: Any) -> Lately:
    """What the story's firm sees on 10 December."""
    db.session.flush()
    (known,) = lately(story.organization, subscriptions.subscriptions_of(story.organization), now=NOW, **options)
    return known


def test_transactions_of_its_own_provider_are_priced_as_they_were_and_not_guessed(session: Any) -> None:
    story = a_story(started="2026-09-10 09:00")
    plan = a_plan(story.backup.plan.offering, slug="shop", position=5)
    takings = a_meter(plan.offering.provider, "takings", unit_zh="元", unit_en="CNY")
    a_charge(plan, {"model": "percentage", "percent": "1"}, meter=takings)
    each = a_plan(plan.offering, slug="each", position=6)
    a_charge(each, {"model": "percentage", "percent": "1", "fee_minimum": "0.5", "fee_maximum": "10"}, meter=takings)
    shop = a_subscription(plan, organization=story.organization, started_at=moment("2026-11-01 00:00"))
    for yuan in (10, 10, 200, 5000):
        report(shop, takings, yuan, at=moment("2026-11-11 12:00"))
    db.session.flush()
    (known,) = lately(story.organization, [one for one in subscriptions.subscriptions_of(story.organization) if one.id == shop.id], now=NOW)
    found = {offered.plan.slug: replay for offered, replay in known.rivals}
    assert found["each"].total_fen == 50 + 50 + 200 + 1000 and not found["each"].gaps


def test_its_own_replay_is_its_bills_to_the_fen(story: Story) -> None:
    bills = [an_issued_bill(story.organization, month) for month in (SEPTEMBER, OCTOBER, NOVEMBER)]
    known = looked_at(story)
    assert [known.own.fen_in(n) for n in range(3)] == [bill.gross_fen for bill in bills]
    assert (known.billed.total_fen, known.billed.months, known.billed.later) == (known.own.total_fen, {0, 1, 2}, ())


def test_what_came_late_is_told_with_the_bill_it_came_on(story: Story) -> None:
    an_issued_bill(story.organization, SEPTEMBER)
    october = an_issued_bill(story.organization, OCTOBER)
    report(story.backup, story.traffic, 150, at=moment("2026-10-30 12:00"), recorded=moment("2026-11-20 12:00"))
    november = an_issued_bill(story.organization, NOVEMBER)
    known = looked_at(story)
    assert [(bill.id, fen) for bill, fen in known.billed.later] == [(november.id, 7500)]
    assert known.own.fen_in(1) == october.gross_fen + 7500
    assert known.own.total_fen == known.billed.total_fen


def test_the_own_plan_as_anybody_could_have_it_now_costs_the_same(story: Story) -> None:
    known = looked_at(story)
    same = next(each for each in known.replays if each.plan.id == story.backup.plan_id)
    assert [line.fen for line in same.lines] == [line.fen for line in known.own.lines]
    assert known.in_use(same) and known.rivals == []


def rested(one: Subscription, *stretches: tuple[str, str]) -> None:
    """Pause from a day on, and go on from another."""
    for first, last in stretches:
        subscriptions.pause(one, when=date.fromisoformat(first), by=an_actor(), at=moment("2026-09-10 10:00"))
        subscriptions.resume(one, when=date.fromisoformat(last), by=an_actor(), at=moment("2026-09-10 10:00"))
    subscriptions.apply_due(NOW)


def its_double(plan: Plan) -> Plan:
    """The same terms, offered by another provider with meters of its own."""
    other = a_plan(an_offering(plans=False, facts=complete_facts()))
    for charge in plan.charges:
        meter = charge.meter
        own = meter and a_meter(
            other.offering.provider, meter.slug, aggregation=meter.aggregation, time_base=meter.time_base, unit_size=meter.unit_size,
            **{name: getattr(meter, name) for name in ("name_zh", "name_en", "unit_zh", "unit_en")},
        )  # fmt: skip
        a_charge(other, charge.terms, meter=own, name_zh=charge.name_zh, slug=charge.slug)
    return other


PAUSES = [
    (("2026-10-11", "2026-10-16"),),
    (("2026-09-20", "2026-10-03"), ("2026-10-08", "2026-10-12"), ("2026-11-21", "2026-12-05")),
    (("2026-10-01", "2026-11-01"),),
]


@pytest.mark.parametrize("pauses", PAUSES)
def test_what_it_paused_is_paused_on_every_plan_as_on_its_bills(story: Story, pauses: tuple[tuple[str, str], ...]) -> None:
    double, plan = its_double(story.backup.plan), story.backup.plan
    for each in (plan, double):
        meter = next(charge.meter for charge in each.charges if charge.meter and charge.meter.slug == "traffic")
        a_charge(each, {"model": "per_unit", "unit_price": "0.03", "included": "20", "minimum": "1.00"}, meter=meter, slug="least")
    for day in range(12, 31, 3):
        report(story.backup, story.traffic, "33.333", at=moment(f"2026-10-{day} 12:00"))
        report(story.backup, story.requests, "777777", at=moment(f"2026-10-{day} 18:00"))
    rested(story.backup, *pauses)
    bills = [an_issued_bill(story.organization, month) for month in (SEPTEMBER, OCTOBER, NOVEMBER)]
    known = looked_at(story)
    same = {each.plan.id: each for each in known.replays}
    for found in (known.own, same[plan.id], same[double.id]):
        assert [found.fen_in(n) for n in range(3)] == [bill.gross_fen for bill in bills]
        assert [(line.service, line.fen) for line in found.lines] == [(line.service, line.fen) for line in known.own.lines]
    assert known.usage.paused_days and any(line.paused and line.fen for line in known.own.lines)


def test_pauses_and_numbers_of_a_plan_paid_by_the_year_are_those_of_its_bills(story: Story) -> None:
    plan = a_plan(
        an_offering(story.backup.plan.offering.provider, plans=False, facts=complete_facts()), quantity_unit_zh="席位",
        quantity_unit_en="seat", quantity_minimum=1, quantity_step=1,
    )  # fmt: skip
    a_charge(plan, {"model": "flat", "interval": "year", "amount": "365.77"})
    a_charge(plan, {"model": "flat", "interval": "month", "amount": "9.99"}, slug="monthly")
    firm = an_organization()
    mine = a_subscription(plan, organization=firm, started_at=moment("2026-09-10 09:00"))
    subscriptions.change(mine, quantity=3, when=date(2026, 10, 5), by=an_actor(), at=moment("2026-09-10 10:00"))
    rested(mine, ("2026-10-20", "2026-11-11"))
    double = its_double(plan)
    double.quantity_unit_zh, double.quantity_unit_en = "席位", "seat"
    db.session.flush()
    bills = [an_issued_bill(firm, month) for month in (SEPTEMBER, OCTOBER, NOVEMBER)]
    (known,) = lately(firm, subscriptions.subscriptions_of(firm), now=NOW)
    same = {each.plan.id: each for each in known.replays}
    # The bills of these months had no room for all of the money back.
    waited = [sum(line.booked_fen for line in bill.lines) for bill in bills]
    for found in (known.own, same[plan.id], same[double.id]):
        assert [found.fen_in(n) for n in range(3)] == [bill.gross_fen + rest for bill, rest in zip(bills, waited, strict=True)]
        assert found.held == 3
    assert {same[plan.id].year_fen, same[double.id].year_fen} == {known.own.year_fen}


def test_a_rivals_words_for_the_same_use_are_understood(story: Story) -> None:
    a_rival()
    known = looked_at(story)
    ((offered, found),) = known.rivals
    assert (offered.name_zh, found.total_fen) == ("对手 0", sum(line.fen for line in found.lines))
    hours = [line.quantity for line in found.lines if line.units[0] == "GB·小时"]
    # 400 GB from 11 September on; 700 from 11 October on; 900 from 11 November on.
    weighed = [400 * 19.5, 400 * 10.5 + 700 * 20.5, 700 * 10.5 + 900 * 19.5]
    assert [float(quantity or 0) for quantity in hours] == pytest.approx([size * 24 for size in weighed])


def test_what_its_own_service_counts_in_other_plans_only_is_not_taken_for_nothing(story: Story) -> None:
    other = a_plan(db.session.get_one(Plan, story.backup.plan_id).offering, slug="seats", monthly="1.00")
    a_charge(other, {"model": "per_unit", "unit_price": "9.00"}, meter=a_meter(other.offering.provider, "seats", aggregation=Aggregation.MAX))
    known = looked_at(story)
    assert known.rivals == [] and [found.gaps[0].reason for _, found in known.others] == [Reason.NOT_COUNTED]


def test_only_whole_months_that_are_over_count_and_trials_do_not(story: Story) -> None:
    months = [(month.whole, month.paid.days) for month in looked_at(story).months]
    assert months == [(SEPTEMBER, 21), (OCTOBER, 31), (NOVEMBER, 30)]
    (early,) = lately(story.organization, subscriptions.subscriptions_of(story.organization), now=moment("2026-09-30 10:00"))
    assert early.months == () and early.rivals == [] and early.own.lines == ()


def test_who_has_left_sees_the_months_before_that(story: Story) -> None:
    subscriptions.cancel(story.backup, when="now", reason="", by=an_actor(), at=moment("2026-10-20 09:00"))
    subscriptions.end_due(moment("2026-10-21 09:00"))
    known = looked_at(story)
    assert [month.paid.days for month in known.months] == [21, 20]


def test_plans_agreed_with_others_and_drafts_are_not_among_them(story: Story) -> None:
    a_rival(1, private=True)
    a_rival(2, status=PlanStatus.DRAFT)
    a_rival(3, status=PlanStatus.RETIRED)
    assert looked_at(story).rivals == []


def test_the_number_of_plans_changes_no_number_of_queries(story: Story, queries: Callable[..., AbstractContextManager[Any]]) -> None:
    a_rival()
    looked_at(story)
    with queries(at_most=40) as few:
        looked_at(story)
    for number in range(8):
        a_rival(number)
    db.session.flush()
    with queries(at_most=40) as many:
        known = looked_at(story)
    assert len(known.rivals) == 9 and len(many) == len(few)
    assert [offered.name_zh for offered, _ in known.rivals][-1] == "对手 7", "the cheapest comes first"


def test_each_firm_is_asked_once_for_all_its_subscriptions(story: Story, queries: Callable[..., AbstractContextManager[Any]]) -> None:
    mine = subscriptions.subscriptions_of(story.organization)
    with queries(at_most=40) as one:
        lately(story.organization, mine, now=NOW)
    with queries(at_most=40) as three:
        lately(story.organization, [*mine, *mine, *mine], now=NOW)
    assert len(one) == len(three)
