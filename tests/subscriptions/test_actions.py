"""Subscribing and leaving."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from market import audit, db, subscriptions
from market.accounts.models import Organization, User
from market.catalog.models import OfferingStatus, Plan, PlanStatus
from market.errors import Invalid, MarketError, NotFound
from market.kit import period
from market.providers.models import ProviderStatus
from market.subscriptions import (
    ProvisioningRequest,
    RequestKind,
    RequestStatus,
    Subscription,
    SubscriptionStatus,
)
from tests.builders.accounts import a_member, an_actor, an_organization
from tests.builders.catalog import a_plan, a_provider, an_offering
from tests.builders.subscriptions import ORDERED, a_subscription, the_request

OCT_20 = datetime(2026, 10, 20, 8, 0, tzinfo=UTC)


def order(plan: Plan, organization: Organization, user: User, key: str = "one", **more) -> Subscription:
    return subscriptions.subscribe(
        organization, plan, request_key=key, estimate=more.pop("estimate", {}), user=user,
        by=an_actor(user, organization), at=ORDERED, **more,
    )  # fmt: skip


@pytest.fixture
def buyer(session: Session) -> tuple[Organization, User]:
    organization = an_organization()
    return organization, a_member(organization)


def test_subscribing_asks_the_provider_in_the_same_transaction(buyer):
    plan = a_plan(per_unit="0.01")
    subscription = order(plan, *buyer, estimate={"api-calls-per-unit": "1000", "other": "x"})
    assert subscription.status is SubscriptionStatus.PROVISIONING
    assert subscription.estimate == {"api-calls-per-unit": "1000"}
    assert subscription.terms_hash == subscriptions.terms_hash(subscriptions.terms(plan, subscription.revision))
    request = the_request(subscription)
    assert (request.kind, request.status) == (RequestKind.PROVISION, RequestStatus.PENDING)
    assert [event.action for event in subscriptions.timeline(subscription)] == ["subscription.ordered"]


def test_the_same_key_is_the_same_order(buyer):
    plan = a_plan(per_unit="0.01")
    assert order(plan, *buyer) is order(plan, *buyer)
    assert db.session.scalar(select(func.count(ProvisioningRequest.id))) == 1


def test_a_key_cannot_name_an_order_of_another_plan(buyer):
    order(a_plan(per_unit="0.01"), *buyer)
    with pytest.raises(subscriptions.RequestKeyReused):
        order(a_plan(per_unit="0.02"), *buyer)


def test_a_key_belongs_to_its_organization(buyer):
    plan, other = a_plan(per_unit="0.01"), an_organization()
    assert order(plan, *buyer).id != order(plan, other, a_member(other)).id


@pytest.mark.parametrize(
    ("break_it", "refusal"),
    [
        (lambda plan: setattr(plan, "status", PlanStatus.RETIRED), subscriptions.NotForSale),
        (lambda plan: setattr(plan, "status", PlanStatus.DRAFT), subscriptions.NotForSale),
        (lambda plan: setattr(plan.offering, "status", OfferingStatus.SUSPENDED), subscriptions.OfferingNotLive),
        (lambda plan: setattr(plan.offering, "status", OfferingStatus.RETIRED), subscriptions.OfferingNotLive),
        (lambda plan: setattr(plan.offering.provider, "status", ProviderStatus.SUSPENDED), subscriptions.ProviderNotApproved),
    ],
)
def test_what_is_not_for_sale_is_refused_in_words(buyer, break_it, refusal):
    plan = a_plan(per_unit="0.01")
    break_it(plan)
    db.session.flush()
    with pytest.raises(refusal):
        order(plan, *buyer)
    assert db.session.scalar(select(func.count(Subscription.id))) == 0


def test_terms_that_changed_since_the_page_was_shown_are_refused(buyer):
    plan = a_plan(per_unit="0.01")
    with pytest.raises(subscriptions.TermsChanged):
        order(plan, *buyer, accepted_hash="0" * 64)


@pytest.mark.parametrize("guess", ["many", "-1", "0.1234567", "1e15"])
def test_a_guess_must_be_a_quantity(buyer, guess):
    with pytest.raises(Invalid) as refusal:
        order(a_plan(per_unit="0.01"), *buyer, estimate={"api-calls-per-unit": guess})
    assert set(refusal.value.fields) == {"api-calls-per-unit"}


@pytest.mark.parametrize("key", ["", "x" * 201])
def test_a_key_has_a_sane_length(buyer, key):
    with pytest.raises(Invalid):
        order(a_plan(per_unit="0.01"), *buyer, key=key)


def test_fifty_at_once_make_one_subscription(database):
    with db.transaction():
        organization = an_organization()
        user, plan = a_member(organization), a_plan(per_unit="0.01")
    start, made, failures = Barrier(50), [], []

    def click() -> None:
        start.wait()
        try:
            with db.transaction():
                made.append(order(plan, organization, user, key="click").id)
        except Exception as error:
            failures.append(error)

    threads = [Thread(target=click) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with db.transaction(readonly=True):
        assert not failures
        assert len(set(made)) == 1
        assert len(made) == 50
        assert db.session.scalar(select(func.count(Subscription.id))) == 1
        assert db.session.scalar(select(func.count(ProvisioningRequest.id))) == 1


def test_canceling_now_ends_it_and_asks_the_provider_to_stop(session):
    subscription = a_subscription()
    subscriptions.cancel(subscription, when="now", reason="换了服务商", by=an_actor(), at=OCT_20)
    assert (subscription.status, subscription.ended_at) == (SubscriptionStatus.ENDED, OCT_20)
    assert the_request(subscription, RequestKind.DEPROVISION).status is RequestStatus.PENDING
    assert subscriptions.timeline(subscription)[0].reason == "换了服务商"


def test_canceling_at_the_period_end_keeps_it_running_until_then(database):
    with db.transaction():
        subscription = a_subscription()
        subscriptions.cancel(subscription, when="period_end", reason="", by=an_actor(), at=OCT_20)
        subscriptions.cancel(subscription, when="period_end", reason="", by=an_actor(), at=OCT_20)
        assert subscription.status is SubscriptionStatus.ACTIVE
        end = subscription.cancel_at
        assert [event.action for event in subscriptions.timeline(subscription)].count("subscription.cancel_planned") == 1
    assert end == period.month("2026-10").end
    assert subscriptions.end_due(end - timedelta(seconds=1)) == 0
    assert subscriptions.end_due(end + timedelta(hours=9)) == 1
    assert subscriptions.end_due(end + timedelta(hours=9)) == 0
    with db.transaction(readonly=True):
        ended = db.session.get_one(Subscription, subscription.id)
        assert (ended.status, ended.ended_at) == (SubscriptionStatus.ENDED, end)
        assert the_request(ended, RequestKind.DEPROVISION).created_at == end + timedelta(hours=9)


def test_a_paid_year_ends_with_the_year(session):
    subscription = a_subscription(a_plan(yearly="1200.00"))
    subscriptions.cancel(subscription, when="period_end", reason="", by=an_actor(), at=OCT_20)
    assert subscription.cancel_at == datetime(2027, 9, 30, 16, 0, tzinfo=UTC)


def test_a_planned_end_can_be_taken_back(session):
    subscription = a_subscription()
    subscriptions.cancel(subscription, when="period_end", reason="", by=an_actor(), at=OCT_20)
    subscriptions.keep(subscription, by=an_actor(), at=OCT_20)
    assert subscription.cancel_at is None
    with pytest.raises(subscriptions.NotCanceled):
        subscriptions.keep(subscription, by=an_actor(), at=OCT_20)


def test_what_has_ended_cannot_be_canceled(session):
    subscription = a_subscription()
    subscriptions.cancel(subscription, when="now", reason="", by=an_actor(), at=OCT_20)
    with pytest.raises(subscriptions.AlreadyEnded):
        subscriptions.cancel(subscription, when="now", reason="", by=an_actor(), at=OCT_20)


def test_what_is_not_set_up_yet_is_called_off_without_charge(session):
    subscription = a_subscription(started_at=None)
    subscriptions.cancel(subscription, when="period_end", reason="", by=an_actor(), at=OCT_20)
    assert subscription.status is SubscriptionStatus.ENDED
    assert subscriptions.segments(subscription, period.month("2026-10")) == []
    assert the_request(subscription).status is RequestStatus.CANCELED
    assert RequestKind.DEPROVISION not in subscriptions.requests_about(subscription)
    with pytest.raises(subscriptions.RequestClosed):
        subscriptions.complete(the_request(subscription), access={}, by=an_actor(), at=OCT_20)


def test_a_trial_ends_by_itself(database):
    with db.transaction():
        subscription = a_subscription(a_plan(monthly="99.00", trial_days=14))
        assert subscription.status is SubscriptionStatus.TRIALING
        end = subscription.trial_ends_at
        assert end == datetime(2026, 10, 15, 16, 0, tzinfo=UTC)  # the 15th is the last day, in Guangdong
    assert subscriptions.end_due(end) == 1
    with db.transaction(readonly=True):
        ended = db.session.get_one(Subscription, subscription.id)
        assert (ended.status, ended.ended_at) == (SubscriptionStatus.ENDED, end)
        assert subscriptions.paid_span(ended) is None


def test_a_converted_trial_costs_money_from_the_day_after(database):
    with db.transaction():
        subscription = a_subscription(a_plan(monthly="99.00", trial_days=14))
        subscriptions.convert(subscription, by=an_actor(), at=ORDERED + timedelta(days=1))
        end = subscription.trial_ends_at
    assert subscriptions.end_due(end) == 1
    with db.transaction():
        organization = db.session.get_one(Organization, subscription.organization_id)
        active = subscriptions.subscription_of(organization, subscription.id)
        assert active.status is SubscriptionStatus.ACTIVE
        assert [segment.period.first_day.day for segment in subscriptions.segments(active, period.month("2026-10"))] == [16]
        with pytest.raises(subscriptions.NotTrialing):
            subscriptions.convert(active, by=an_actor(), at=end)


def test_strangers_find_nothing(session):
    subscription = a_subscription()
    with pytest.raises(NotFound):
        subscriptions.subscription_of(an_organization(), subscription.id)
    with pytest.raises(NotFound):
        subscriptions.of_provider(a_provider(), subscription.id)
    with pytest.raises(NotFound):
        subscriptions.request_by_public_id(a_provider(), the_request(subscription).public_id)
    assert subscriptions.by_public_ids(a_provider(), [subscription.public_id]) == {}


def test_every_change_is_in_the_trail_of_the_buyer(session):
    subscription = a_subscription()
    subscriptions.cancel(subscription, when="now", reason="", by=an_actor(), at=OCT_20)
    events = session.scalars(audit.events(organization_id=subscription.organization_id)).all()
    assert [event.action for event in events] == ["subscription.ended", "subscription.activated", "subscription.ordered"]


def test_a_provider_may_not_buy(session):
    provider = a_provider()
    with pytest.raises(MarketError):
        order(a_plan(an_offering(plans=False), per_unit="0.01"), provider.organization, a_member(provider.organization))
