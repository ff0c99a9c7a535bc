"""The shelf follows the catalogue, whatever changes it, and never needs to be told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import update

from market import catalog, db, providers, search
from market.catalog import OfferingStatus
from market.config import Settings
from market.search import stored
from market.search.models import CatalogChange
from market.search.shelf import forget
from tests.builders.accounts import EARLY, an_actor
from tests.builders.catalog import a_charge, a_plan, an_offering, complete_facts
from tests.conftest import PRESENT

ON = PRESENT.date()

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture(autouse=True)
def _listening() -> None:
    search.listen()


def shelved() -> list[str]:
    with db.transaction(readonly=True):
        return [one.slug for one in search.shelf(ON).listings.values()]


def the(slug: str) -> search.Listing:
    with db.transaction(readonly=True):
        return next(one for one in search.shelf(ON).listings.values() if one.slug == slug)


def test_it_holds_what_is_on_sale_newest_first() -> None:
    with db.transaction():
        for slug in ("first", "second"):
            an_offering(slug=slug)
        an_offering(slug="draft", status=OfferingStatus.UNLISTED)
        an_offering(slug="gone", status=OfferingStatus.RETIRED)
    assert shelved() == ["second", "first"]


def test_an_offering_that_is_suspended_and_reinstated_goes_and_comes_back() -> None:
    with db.transaction():
        id = an_offering(slug="backup").id
    assert shelved() == ["backup"]
    with db.transaction():
        catalog.suspend(db.session.get_one(catalog.Offering, id), reason="核对中", by=an_actor(), at=EARLY)
    assert shelved() == []
    with db.transaction():
        catalog.reinstate(db.session.get_one(catalog.Offering, id), by=an_actor(), at=EARLY)
    assert shelved() == ["backup"]


def test_nothing_of_a_suspended_provider_is_on_the_shelf() -> None:
    with db.transaction():
        provider_id = an_offering(slug="backup").provider_id
        an_offering(slug="other")
    assert shelved() == ["other", "backup"]
    with db.transaction():
        provider = db.session.get_one(providers.Provider, provider_id)
        providers.suspend(provider, reason="许可证过期", by=an_actor(), at=EARLY)
    assert shelved() == ["other"]


def test_an_offering_added_later_is_found_too() -> None:
    with db.transaction():
        an_offering(slug="first")
    assert shelved() == ["first"]
    with db.transaction():
        an_offering(slug="second")
    assert shelved() == ["second", "first"]


def test_it_knows_what_lists_are_filtered_by() -> None:
    with db.transaction():
        offering = an_offering(slug="backup", plans=False, facts=complete_facts(data_location=["440100", "cn"]))
        a_plan(offering, monthly="99.00", per_unit="0.50", trial_days=30)
        a_plan(offering, slug="yearly", yearly="990.00", once="200.00")
    listing = the("backup")
    assert {"trial=1", "local=cn", "cert=djbh3", "uptime=99.9", "support=daily", "sector=*"} <= set(listing.properties)
    assert {f"billing={each}" for each in ("month", "year", "once", "usage")} <= set(listing.properties)
    assert "local=1" not in listing.properties and "support=always" not in listing.properties


def test_a_certificate_counts_until_its_last_day_is_over() -> None:
    with db.transaction():
        held = [{"type": "djbh3", "number": "示例-1", "valid_until": ON.isoformat()}, {"type": "iso9001", "number": "示例-2"}]
        an_offering(slug="backup", facts=complete_facts(certificates=held, fapiao=["ordinary"]))
        an_offering(slug="other")
    for day, held_then in ((ON, 2), (ON + timedelta(days=1), 1), (ON, 2)):
        with db.transaction(readonly=True):
            shelf = search.shelf(day)
            assert shelf.count("cert", shelf.all)["djbh3"] == held_then, day
            assert shelf.count("fapiao", shelf.all) == {"special": 1, "ordinary": 1}


def test_the_usual_month_is_that_of_the_plan_with_the_lowest_fixed_fee() -> None:
    with db.transaction():
        offering = an_offering(slug="backup", plans=False)
        a_plan(offering, slug="large", monthly="200.00")
        small = a_plan(offering, slug="small", yearly="1200.00")
        a_charge(small, {"model": "per_unit", "unit_price": "0.50", "included": "10"}, meter="storage", typical="30")
    assert the("backup").month_fen == 100_00 + 10_00


def test_a_plan_that_is_paid_once_never_is_where_prices_start() -> None:
    with db.transaction():
        offering = an_offering(plans=False)
        once = a_plan(offering, slug="once", once="1.00")
        monthly = a_plan(offering, slug="monthly", monthly="99.00")
        assert search.starting_plan([once, monthly]) is monthly


def test_it_is_not_made_again_while_nothing_changes(queries) -> None:
    with db.transaction():
        for _number in range(5):
            an_offering()
    shelved()
    with queries(at_most=1):
        assert len(shelved()) == 5


def _stored() -> None:
    """Leave the shelf on the disk, with another name than the catalogue has, and forget it."""
    with db.transaction(readonly=True):
        known = search.shelf(ON)
        mark = known.mark
        listings = [replace(one, name_zh="在盘上") for one in known.slots if one]
        stored.store((mark.change, mark.offering, mark.revision, mark.plan), ON, listings)
    forget()


def test_a_process_that_begins_takes_the_shelf_from_the_disk_and_looks_up_what_has_changed_since() -> None:
    with db.transaction():
        an_offering(slug="first")
        id = an_offering(slug="second").id
        catalog.offering_changed.send(db.session.get_one(catalog.Offering, id), at=EARLY)
    name = the("second").name_zh
    _stored()
    with db.transaction():
        catalog.offering_changed.send(db.session.get_one(catalog.Offering, id), at=EARLY)
    assert the("first").name_zh == "在盘上"
    assert the("second").name_zh == name


@pytest.mark.parametrize(
    "damage", [lambda file: file[:-1], lambda _file: b"", lambda file: file.replace(b"first", b"\xff\xff\xff\xff\xff")]
)
def test_a_shelf_that_cannot_be_read_is_made_anew(damage: Callable[[bytes], bytes], settings: Settings) -> None:
    with db.transaction():
        an_offering(slug="first")
    name = the("first").name_zh
    _stored()
    file = settings.index_dir / "shelf"
    file.write_bytes(damage(file.read_bytes()))
    assert the("first").name_zh == name


def test_the_shelf_of_another_database_is_not_taken() -> None:
    with db.transaction():
        catalog.offering_changed.send(an_offering(slug="first"), at=EARLY)
    name = the("first").name_zh
    _stored()
    with db.transaction():  # as if a copy of this database had gone another way
        db.session.execute(update(CatalogChange).values(at=EARLY + timedelta(seconds=1)))
    assert the("first").name_zh == name
