"""Made-up listings: any number, always the same, plausible and priced."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.orm import joinedload, selectinload

from market import db, rating
from market.accounts import Organization, OrganizationKind, uscc
from market.catalog import facts, generator
from market.catalog.models import Charge, Offering, OfferingRevision, OfferingStatus, Plan
from market.catalog.signals import offering_changed

AT = datetime(2026, 6, 1, tzinfo=UTC)


def made_up() -> list[tuple[str, str, dict]]:
    query = (
        select(Offering.slug, Offering.category_slug, OfferingRevision.facts)
        .join(OfferingRevision, OfferingRevision.offering_id == Offering.id)
        .where(Offering.slug.like("made-%"))
    )
    with db.transaction(readonly=True):
        return [tuple(row) for row in db.session.execute(query.order_by(Offering.id))]


def test_it_makes_as_many_as_asked_in_batches(loaded):
    assert list(generator.generate(listings=120, organizations=70, seed=1, at=AT, batch=50)) == [50, 50, 20, 50, 20]
    assert len(made_up()) == 120
    with db.transaction(readonly=True):
        buyers = select(func.count()).select_from(Organization).where(Organization.kind == OrganizationKind.BUYER)
        assert db.session.scalar(buyers) == 70


def test_repeating_it_makes_nothing_new_and_a_larger_number_adds_the_rest(loaded):
    first = sum(generator.generate(listings=30, organizations=10, seed=1, at=AT))
    again = sum(generator.generate(listings=30, organizations=10, seed=1, at=AT))
    more = sum(generator.generate(listings=60, organizations=10, seed=1, at=AT))
    assert (first, again, more) == (40, 0, 30)


def test_a_row_does_not_depend_on_the_size_of_the_run(loaded):
    list(generator.generate(listings=30, organizations=0, seed=1, at=AT))
    short = made_up()
    list(generator.generate(listings=90, organizations=0, seed=1, at=AT, batch=25))
    assert made_up()[:30] == short
    list(generator.generate(listings=30, organizations=0, seed=2, at=AT))
    assert [row[1:] for row in made_up()[90:]] != [row[1:] for row in short]


def test_made_up_listings_are_complete_live_and_priced(loaded):
    list(generator.generate(listings=50, organizations=0, seed=1, at=AT))
    for _, _, content in made_up():
        assert facts.missing(facts.parse(content)) == []
    query = select(Offering).where(Offering.slug.like("made-%")).options(
        selectinload(Offering.plans).selectinload(Plan.charges).joinedload(Charge.meter), joinedload(Offering.provider)
    )
    with db.transaction(readonly=True):
        for offering in db.session.scalars(query):
            assert offering.status is OfferingStatus.LIVE
            assert "示例" in offering.provider.name_zh
            assert 1 <= len(offering.plans) <= 3
            for plan in offering.plans:
                assert sum(rating.rate(rating.parse(each.terms), Decimal(each.typical)).fen for each in plan.charges) > 0
                assert all((each.meter is None) == (each.terms["model"] == "flat") for each in plan.charges)
    assert {category for _, category, _ in made_up()} == {"storage", "development", "promotion", "payment"}


def test_every_made_up_listing_is_announced(loaded):
    heard: list[str] = []

    def hear(offering: Offering, **_: object) -> None:
        heard.append(offering.slug)

    with offering_changed.connected_to(hear):
        list(generator.generate(listings=30, organizations=0, seed=1, at=AT))
    assert len(heard) == 30


def test_without_categories_it_is_refused_in_words(database):
    with pytest.raises(generator.CatalogEmpty):
        list(generator.generate(listings=1, organizations=0, seed=1, at=AT))


@given(st.integers(0, 99_999_999), st.sampled_from(["440100", "440300", "445300"]))
def test_made_up_codes_pass_both_checks(number, city):
    assert uscc.problem(generator.fake_code(number, city)) is None
