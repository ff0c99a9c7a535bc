"""What buyers see of the catalogue, and what a provider owns."""

from __future__ import annotations

import pytest

from market import catalog
from market.catalog import OfferingStatus
from market.errors import NotFound
from market.providers import ProviderStatus
from tests.builders.catalog import a_category, a_plan, a_provider, an_offering


def test_only_live_offerings_of_approved_providers_can_be_bought(session):
    live = an_offering()
    for status in (OfferingStatus.UNLISTED, OfferingStatus.SUSPENDED, OfferingStatus.RETIRED):
        an_offering(status=status)
    an_offering(a_provider(status=ProviderStatus.SUSPENDED))
    assert catalog.live_offerings() == [live]
    assert list(catalog.live_offering_ids()) == [live.id]
    assert [offering.id for offering, _ in catalog.live_facts([live.id])] == [live.id]


def test_the_list_costs_the_same_for_one_and_for_many(session, queries):
    for number in range(5):
        plan = a_plan(monthly=str(number + 1), per_unit="0.1")
        a_plan(plan.offering, slug="more", package=("100", "5.00"))
    session.expunge_all()
    with queries(at_most=3):
        for offering in catalog.live_offerings():
            assert offering.live_revision.facts["name_zh"]
            assert [charge.meter for plan in offering.live_plans for charge in plan.charges]
            assert offering.provider.name_zh
            assert offering.category.name_zh


def test_a_page_stays_after_an_offering_is_taken_down(session):
    offering = an_offering(status=OfferingStatus.SUSPENDED)
    session.expunge_all()
    found = catalog.offering_by_slug(offering.slug)
    assert not catalog.can_be_bought(found)


def test_what_was_never_listed_has_no_page(session):
    with pytest.raises(NotFound):
        catalog.offering_by_slug(an_offering(status=OfferingStatus.UNLISTED).slug)


def test_a_retired_plan_version_is_not_on_sale(session):
    plan = a_plan(monthly="9", status=catalog.PlanStatus.RETIRED)
    with pytest.raises(NotFound):
        catalog.live_plan(plan.offering, plan.slug)


def test_a_strangers_offering_is_not_found(session):
    offering = an_offering()
    assert catalog.offering_of(offering.provider, offering.id) is offering
    with pytest.raises(NotFound):
        catalog.offering_of(a_provider(), offering.id)


def test_categories_come_as_a_tree_with_counts(session):
    a_category("drive", parent="storage")
    an_offering()
    an_offering(status=OfferingStatus.SUSPENDED)
    (branch,) = catalog.categories()
    assert (branch.category.slug, branch.count) == ("storage", 1)
    assert {child.slug for child in branch.children} == {"backup", "drive"}
