"""Private plans: only the firms they were agreed on with see and buy them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy.orm import selectinload

from market import audit, catalog, db, search
from market.accounts.models import OrganizationKind
from market.catalog.models import Offering, Plan, PlanStatus
from market.errors import Invalid, NotFound
from tests.builders.accounts import an_organization
from tests.builders.catalog import a_plan, a_private_plan, an_offering
from tests.conftest import PRESENT

AT = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
BY = audit.system("test")


@pytest.fixture
def base(session) -> Plan:
    return a_plan(an_offering(slug="backup", plans=False), monthly="99.00", per_unit="0.50", meter="storage", included="200")


def in_public(base: Plan) -> list[str]:
    db.session.expire_all()
    return [plan.slug for plan in catalog.offering_by_slug("backup").live_plans]


def test_the_firms_it_is_for_see_it_first_and_nobody_else_does(base):
    firm, stranger = an_organization(), an_organization()
    plan = a_private_plan(base, [firm], monthly="79.00")
    offering = catalog.offering_by_slug("backup")
    assert [each.slug for each in catalog.plans_for(offering, firm)] == [plan.slug, "basic"]
    assert [each.slug for each in catalog.plans_for(offering, stranger)] == ["basic"]
    assert [each.slug for each in catalog.plans_for(offering, None)] == ["basic"]
    assert catalog.may_buy(plan, firm) and not catalog.may_buy(plan, stranger)


def test_it_is_a_version_of_its_own_on_the_same_offering(base):
    plan = a_private_plan(base, [an_organization()], monthly="79.00")
    assert (plan.offering_id, plan.private, plan.status) == (base.offering_id, True, PlanStatus.PUBLISHED)
    assert plan.slug.startswith("basic-") and plan.slug != base.slug
    assert {charge.slug: charge.terms["model"] for charge in plan.charges} == {"fee-month": "flat", "storage-per-unit": "per_unit"}


def test_no_question_about_what_is_on_sale_finds_it(base):
    plan = a_private_plan(base, [an_organization()], monthly="1.00", trial_days=30)
    offering = db.session.get_one(Offering, base.offering_id)
    assert in_public(base) == ["basic"]
    assert [each.slug for each in catalog.plans_of(offering)] == ["basic"]
    assert [each.slug for each in catalog.on_sale_after(offering)] == ["basic"]
    with pytest.raises(NotFound):
        catalog.live_plan(offering, plan.slug)
    listing = search.shelf(PRESENT.date()).listings[offering.id]
    assert "trial=1" not in listing.properties
    assert listing.month_fen == search.usual_month_fen(base)


def test_the_last_public_plan_stays_although_there_is_a_private_one(base):
    a_private_plan(base, [an_organization()])
    with pytest.raises(catalog.LastPlan):
        catalog.drop_plan(base, by=BY, at=AT)


def test_publishing_a_new_price_leaves_what_was_agreed_alone(base):
    plan = a_private_plan(base, [an_organization()])
    assert [change.after.slug for change in catalog.plan_changes(db.session.get_one(Offering, base.offering_id))] == ["basic"]
    assert plan.status is PlanStatus.PUBLISHED


def test_the_same_key_is_one_plan(base):
    firm = an_organization()
    assert a_private_plan(base, [firm], key="once") is a_private_plan(base, [firm], key="once")


def test_firms_come_and_go(base):
    first, second = an_organization(), an_organization()
    plan = a_private_plan(base, [first])
    for _ in range(2):
        catalog.admit(plan, second, by=BY, at=AT)
    for _ in range(2):
        catalog.exclude(plan, first, by=BY, at=AT)
    assert [one.organization_id for one in catalog.audience(plan)] == [second.id]
    actions = [event.action for event in reversed(audit.history(plan))]
    assert actions == ["plan.published", "plan.firm_admitted", "plan.firm_admitted", "plan.firm_excluded"]


def test_called_in_nobody_can_order_it_any_more(base):
    firm = an_organization()
    plan = a_private_plan(base, [firm])
    for _ in range(2):
        catalog.call_in(plan, by=BY, at=AT)
    assert plan.status is PlanStatus.RETIRED
    assert not catalog.private_plans([plan.offering], firm)


def test_only_firms_that_buy_can_be_chosen_and_at_least_one(base):
    with pytest.raises(Invalid, match="需要改"):
        a_private_plan(base, [])
    with pytest.raises(Invalid):
        a_private_plan(base, [an_organization(kind=OrganizationKind.PROVIDER)])


def test_a_public_plan_has_no_list(base):
    with pytest.raises(catalog.NotPrivate):
        catalog.admit(base, an_organization(), by=BY, at=AT)
    with pytest.raises(catalog.NotPrivate):
        catalog.call_in(base, by=BY, at=AT)


def test_the_vendors_list_has_them_all(base):
    offering = db.session.get_one(Offering, base.offering_id, options=[selectinload(Offering.plans)])
    made = [a_private_plan(base, [an_organization()]) for _ in range(2)]
    assert [plan.id for plan in catalog.agreed_plans(offering)] == [plan.id for plan in reversed(made)]
    with pytest.raises(NotFound):
        catalog.agreed_plan(offering, base.id)
