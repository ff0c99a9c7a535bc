"""Contracts: what was agreed to stays readable, word for word, whatever the provider does afterwards."""

from __future__ import annotations

from datetime import timedelta

import pytest

from market import catalog, db, subscriptions
from market.accounts.models import Organization, Role
from market.catalog.models import OfferingStatus
from market.errors import NotFound
from market.subscriptions import ContractKind, Subscription
from tests.builders.accounts import a_member, an_actor, an_organization
from tests.builders.catalog import a_plan, a_provider, an_offering
from tests.builders.subscriptions import ORDERED, a_subscription, a_waiting_order


def seats(**columns):
    known = {"quantity_unit_zh": "席", "quantity_unit_en": "seats", "quantity_minimum": 5, "quantity_step": 5, "quantity_maximum": 50}
    return a_plan(monthly="20.00", **(known | columns))


def order(plan, quantity, *, key="one", firm=None, user=None, **more):
    firm = firm or an_organization()
    user = user or a_member(firm)
    made = subscriptions.order(
        firm, plan, request_key=key, estimate={}, quantity=quantity, user=user, by=an_actor(user, firm), at=ORDERED, **more
    )
    return subscriptions.order_of(firm, made.id)


def test_an_order_leaves_a_contract_with_everything_that_was_agreed(session):
    made = order(seats(), 15)
    (contract,) = subscriptions.contracts_of(made.subscription)
    assert (contract.kind, contract.number, contract.quantity) == (ContractKind.ORDER, 1, 15)
    assert (contract.plan_id, contract.revision_id, contract.terms_hash) == (made.plan_id, made.revision_id, made.terms_hash)
    assert (contract.accepted_by_id, contract.accepted_at) == (made.ordered_by_id, ORDERED)
    assert contract.intact
    assert contract.terms["plan"]["quantity"] == {"unit_zh": "席", "unit_en": "seats", "minimum": 5, "maximum": 50, "step": 5}
    assert contract.terms["rules"] == {"grace_days": 3, "payment_days": 15, "notice_days": 7}


def test_it_stays_as_it_was_whatever_changes(session):
    made = order(seats(), 5)
    placed, contract = made.subscription_id, subscriptions.contracts_of(made.subscription)[0]
    before, buyer = dict(contract.terms), dict(contract.buyer)
    offering = db.session.get_one(catalog.Offering, made.plan.offering_id)
    offering.status = OfferingStatus.RETIRED
    db.session.get_one(Organization, made.organization_id).name = "改了名的厂"
    made.revision.facts = made.revision.facts | {"export_days": 1, "name_zh": "别的名字"}
    db.session.flush()
    db.session.expire_all()
    again = subscriptions.contracts_of(db.session.get_one(Subscription, placed))[0]
    assert (again.terms, again.buyer) == (before, buyer)
    assert again.intact


def test_words_that_were_tampered_with_do_not_match_their_fingerprint(session):
    contract = subscriptions.contracts_of(order(seats(), 5).subscription)[0]
    contract.terms = contract.terms | {"name_zh": "改过"}
    assert not contract.intact


def test_an_approved_order_was_accepted_by_its_buyer_when_she_ordered(session):
    waiting = a_waiting_order()
    owner = a_member(db.session.get_one(Organization, waiting.organization_id), Role.OWNER)
    subscriptions.approve(waiting, user=owner, by=an_actor(owner), at=ORDERED + timedelta(days=1))
    (contract,) = subscriptions.contracts_of(waiting.subscription)
    assert (contract.accepted_by_id, contract.accepted_at) == (waiting.ordered_by_id, ORDERED)


def test_only_the_two_parties_can_read_it(session):
    subscription = a_subscription()
    (contract,) = subscriptions.contracts_of(subscription)
    firm = db.session.get_one(Organization, subscription.organization_id)
    assert subscriptions.contract_of(firm, contract.id) is contract
    assert subscriptions.contract_with(subscription.plan.offering.provider, contract.id) is contract
    with pytest.raises(NotFound):
        subscriptions.contract_of(an_organization(), contract.id)
    with pytest.raises(NotFound):
        subscriptions.contract_with(a_provider(), contract.id)


# --- quantity ----------------------------------------------------------------------------


@pytest.mark.parametrize("number", [0, 4, 7, 51, 55, 1_000_000_000, -5])
def test_a_number_in_which_it_is_not_sold_is_refused(session, number):
    with pytest.raises(subscriptions.QuantityUnsuitable):
        order(seats(), number)


def test_what_is_not_sold_by_number_is_had_once(session):
    assert order(a_plan(an_offering(plans=False), monthly="9.00"), 1).quantity == 1
    with pytest.raises(subscriptions.QuantityUnsuitable):
        order(a_plan(an_offering(plans=False), monthly="9.00"), 2)


def test_the_same_key_for_another_number_is_refused_and_for_the_same_is_one_order(session):
    plan, firm = seats(), an_organization()
    user = a_member(firm)
    first = order(plan, 10, firm=firm, user=user)
    assert order(plan, 10, firm=firm, user=user) is first
    with pytest.raises(subscriptions.RequestKeyReused):
        order(plan, 15, firm=firm, user=user)
    assert first.subscription.quantity == 10


def test_the_month_is_that_of_all_units(session):
    assert order(seats(), 15).month_fen == 300_00
