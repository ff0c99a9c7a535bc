"""Announced price changes: a notice, a right to leave, a day."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import select

from market import billing, db, notifications, subscriptions
from market.accounts.models import Organization, User
from market.catalog.models import Plan, PlanStatus
from market.errors import Invalid
from market.kit.period import Period, local_midnight
from market.notifications import Email
from market.subscriptions import ContractKind, Subscription, prices
from market.subscriptions.prices import NoticeAnswer, PriceChange, PriceChangeStatus
from tests.builders.accounts import a_user, an_actor
from tests.builders.catalog import a_plan, an_offering
from tests.builders.subscriptions import ORDERED, a_subscription
from tests.support.together import together

AT = ORDERED + timedelta(days=10)  # 11 October
DAY = date(2026, 11, 1)
THE_DAY = local_midnight(DAY)
NOVEMBER = Period(THE_DAY, local_midnight(date(2026, 12, 1)))


def two_versions(**columns) -> tuple[Plan, Plan]:
    """A version that is off sale at ¥30.00 a month, and the one on sale at ¥60.00."""
    offering = an_offering(plans=False)
    old = a_plan(offering, monthly="30.00", **columns)
    return old, offering


def superseded(old: Plan) -> Plan:
    old.status, old.retired_at = PlanStatus.RETIRED, AT
    db.session.flush()
    return a_plan(old.offering, monthly="60.00", version_number=2)


@pytest.fixture
def running(session) -> Subscription:
    old, _ = two_versions()
    return a_subscription(old)


def announce(old: Plan, new: Plan, *, on: date = DAY, at: datetime = AT, reason: str = "机房电费上涨") -> PriceChange:
    user = a_user()
    return prices.announce(
        old, new, effective_on=on, reason_zh=reason, reason_en="", user=user, by=an_actor(user), at=at
    )


def announced(subscription: Subscription) -> prices.PriceNotice:
    new = superseded(subscription.plan)
    change = announce(subscription.plan, new)
    return prices.notices_of(change)[0]


def answer(verb, notice, at=AT + timedelta(days=1)) -> None:
    user = db.session.get_one(User, db.session.get_one(Subscription, notice.subscription_id).accepted_by_id)
    verb(notice, user=user, by=an_actor(user), at=at)


def month(subscription: Subscription, period: Period = NOVEMBER) -> int:
    db.session.expire_all()
    firm = db.session.get_one(Organization, subscription.organization_id)
    return billing.total_fen(billing.draw_up(firm, period, cutoff=period.end))


def test_the_new_price_counts_from_its_day_and_not_before(running):
    notice = announced(running)
    october = Period(local_midnight(date(2026, 10, 1)), THE_DAY)
    assert (month(running, october), month(running)) == (30_00, 60_00)
    assert prices.finish_due(THE_DAY - timedelta(seconds=1)) == 0
    assert prices.finish_due(THE_DAY + timedelta(hours=2)) == 1
    assert prices.finish_due(THE_DAY + timedelta(hours=2)) == 0
    db.session.refresh(running)
    assert running.plan_id == notice.price_change.to_plan_id
    assert (month(running, october), month(running)) == (30_00, 60_00)


def test_what_then_holds_is_a_contract_with_who_said_yes(running):
    notice = announced(running)
    answer(prices.accept, notice)
    prices.finish_due(THE_DAY)
    newest, first = subscriptions.contracts_of(running)
    assert (newest.kind, newest.valid_from, newest.accepted_by_id) == (ContractKind.PRICE, THE_DAY, running.accepted_by_id)
    assert newest.terms["plan"]["version"] == 2 and first.terms["plan"]["version"] == 1
    assert newest.intact and first.intact
    db.session.refresh(running)
    assert running.terms_hash == newest.terms_hash


def test_who_says_nothing_goes_on_and_the_contract_names_nobody(running):
    announced(running)
    prices.finish_due(THE_DAY)
    assert subscriptions.contracts_of(running)[0].accepted_by_id is None


def test_who_leaves_pays_nothing_from_the_day_on(running):
    notice = announced(running)
    for _ in range(2):
        answer(prices.leave, notice)
    assert (notice.answer, running.cancel_at) == (NoticeAnswer.LEAVING, THE_DAY)
    assert month(running) == 0
    subscriptions.end_due(THE_DAY)
    prices.finish_due(THE_DAY)
    assert len(subscriptions.contracts_of(running)) == 1
    assert month(running) == 0


def test_who_left_can_stay_after_all(running):
    notice = announced(running)
    answer(prices.leave, notice)
    answer(prices.accept, notice)
    assert (notice.answer, running.cancel_at) == (NoticeAnswer.ACCEPTED, None)
    assert month(running) == 60_00


def test_taken_back_nothing_changes_for_anybody(running):
    notice = announced(running)
    for _ in range(2):
        prices.withdraw(notice.price_change, by=an_actor(), at=AT + timedelta(days=2))
    assert month(running) == 30_00
    assert prices.finish_due(THE_DAY) == 0
    with pytest.raises(subscriptions.PriceChangeOver):
        answer(prices.leave, notice)


def test_on_its_day_it_is_too_late_for_everything(running):
    notice = announced(running)
    for verb in (prices.accept, prices.leave):
        with pytest.raises(subscriptions.PriceChangeOver):
            answer(verb, notice, at=THE_DAY)
    with pytest.raises(subscriptions.PriceChangeOver):
        prices.withdraw(notice.price_change, by=an_actor(), at=THE_DAY)


@pytest.mark.parametrize(("days", "notice", "right"), [(7, 7, False), (8, 7, True), (30, 30, False), (31, 30, True), (400, 7, False)])
def test_the_notice_is_whole_days_as_the_plan_says(session, days, notice, right):
    old, _ = two_versions(notice_days=notice)
    a_subscription(old)
    new = superseded(old)
    on = date(2026, 10, 11) + timedelta(days=days)
    if right:
        assert announce(old, new, on=on).effective_at == local_midnight(on)
    else:
        with pytest.raises(Invalid) as refusal:
            announce(old, new, on=on)
        assert "effective_on" in refusal.value.fields


def test_a_reason_is_due(running):
    new = superseded(running.plan)
    with pytest.raises(Invalid) as refusal:
        announce(running.plan, new, reason=" ")
    assert "reason_zh" in refusal.value.fields


def test_what_does_not_fit_is_refused_by_name(session):
    old, offering = two_versions()
    subscription = a_subscription(old)
    other = a_plan(offering, slug="other", monthly="1.00")
    with pytest.raises(subscriptions.StillOnSale):
        announce(old, other)
    new = superseded(old)
    elsewhere = a_plan(monthly="5.00")
    seats = a_plan(offering, slug="seats", monthly="5.00", quantity_unit_zh="席", quantity_unit_en="seats")
    for wrong in (elsewhere, old, seats):
        with pytest.raises(subscriptions.PriceChangeUnsuitable):
            announce(old, wrong)
    assert announce(old, new).status is PriceChangeStatus.ANNOUNCED
    with pytest.raises(subscriptions.PriceChangeAnnounced):
        announce(old, new)
    subscriptions.cancel(subscription, when="now", reason="", by=an_actor(), at=AT)
    empty = a_plan(offering, slug="empty", monthly="1.00", status=PlanStatus.RETIRED)
    with pytest.raises(subscriptions.NobodyToTell):
        announce(empty, new)


def test_a_new_price_takes_no_seats_away(session):
    seats = {"quantity_unit_zh": "席", "quantity_unit_en": "seat"}
    old = a_plan(slug="seats", monthly="9.00", **seats)
    subscription = a_subscription(old)
    subscriptions.change(subscription, quantity=8, when="now", by=an_actor(), at=AT)
    old.status = PlanStatus.RETIRED
    small, large = (
        a_plan(old.offering, slug=f"seats-{n}", monthly="10.00", quantity_maximum=most, **seats) for n, most in ((2, 7), (3, 8))
    )
    with pytest.raises(subscriptions.QuantityUnsuitable) as refusal:
        announce(old, small)
    assert refusal.value.code == "quantity_too_large"
    assert announce(old, large).status is PriceChangeStatus.ANNOUNCED


def test_who_is_about_to_leave_anyway_is_not_told(running):
    staying = a_subscription(running.plan)
    subscriptions.cancel(running, when="period_end", reason="", by=an_actor(), at=AT)
    change = announce(running.plan, superseded(running.plan), on=date(2026, 11, 5))
    assert [notice.subscription_id for notice in prices.notices_of(change)] == [staying.id]


def test_who_has_changed_the_plan_meanwhile_keeps_that_one(running):
    notice = announced(running)
    other = a_plan(running.plan.offering, slug="other", monthly="45.00")
    subscriptions.change(running, plan=other, when="now", by=an_actor(), at=AT + timedelta(days=3))
    assert month(running) == 45_00
    prices.finish_due(THE_DAY)
    assert len([one for one in subscriptions.contracts_of(running) if one.kind is ContractKind.PRICE]) == 0
    assert notice.price_change.status is PriceChangeStatus.APPLIED
    assert month(running) == 45_00


def test_two_announcements_at_once_are_one(database):
    with db.transaction():
        old, _ = two_versions()
        subscription = a_subscription(old)
        new = superseded(old)

    def act() -> int:
        return announce(db.session.get_one(Plan, old.id), db.session.get_one(Plan, new.id)).id

    answers = together(*[act] * 4)
    assert sorted(type(one).__name__ for one in answers) == ["PriceChangeAnnounced"] * 3 + ["int"]
    with db.transaction(readonly=True):
        assert len(db.session.scalars(select(prices.PriceNotice)).all()) == 1
    assert subscription.id


def test_every_firm_gets_a_letter_and_another_when_it_is_taken_back(database):
    with db.transaction():
        old, _ = two_versions()
        subscription = a_subscription(old)
        notice = announced(subscription)
        change_id, buyer = notice.price_change_id, subscription.accepted_by_id
    assert notifications.tell_of_prices(AT) == 1
    assert notifications.tell_of_prices(AT) == 0
    with db.transaction():
        prices.withdraw(db.session.get_one(PriceChange, change_id), by=an_actor(), at=AT)
    assert notifications.tell_of_prices(AT) == 1
    with db.transaction(readonly=True):
        letters = db.session.scalars(select(Email).where(Email.user_id == buyer, Email.key.like("price_%")).order_by(Email.id)).all()
    assert ["改价" in one.subject for one in letters] == [True, True]
    assert "2026年11月1日" in letters[0].body and "机房电费上涨" in letters[0].body
