"""Adding, editing and taking down offerings."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from market import audit, catalog, db, providers
from market.audit import AuditEvent
from market.catalog import OfferingStatus, RevisionStatus
from market.errors import Invalid
from market.kit.lifecycle import IllegalMove
from tests.builders.accounts import an_actor
from tests.builders.catalog import a_category, a_provider, an_offering, complete_facts

AT = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
BY = audit.system("test")


def added(provider=None, **changes):
    a_category("backup", parent="storage")
    values = {"slug": "cloud-backup", "category_slug": "storage", "facts": {"name_zh": "云备份"}, "provisioning": "manual"}
    return catalog.add_offering(provider or a_provider(), **(values | changes), by=BY, at=AT)


def heard(signal):
    """What a signal says from now on; the list must be kept as long as it should listen."""
    calls = []

    def listen(sender, **_):
        calls.append(sender)

    signal.connect(listen, weak=False)
    calls_of[id(calls)] = (signal, listen)
    return calls


calls_of: dict = {}


@pytest.fixture(autouse=True)
def _quiet():
    yield
    for signal, listen in calls_of.values():
        signal.disconnect(listen)
    calls_of.clear()


def test_a_new_offering_is_an_unlisted_draft(session):
    revision = added()
    assert revision.status is RevisionStatus.DRAFT
    assert revision.offering.status is OfferingStatus.UNLISTED
    assert revision.facts["name_zh"] == "云备份"
    assert revision.facts["benefits_zh"] == []


def test_an_address_belongs_to_one_offering(session):
    added()
    with pytest.raises(catalog.SlugTaken):
        added()


@pytest.mark.parametrize("slug", ["", "Cloud", "云", "a--b", "-a", "a" * 61, "a_b"])
def test_an_address_is_small_letters_digits_and_hyphens(session, slug):
    with pytest.raises(Invalid) as refusal:
        added(slug=slug)
    assert "slug" in refusal.value.fields


@pytest.mark.parametrize("category", ["nothing", "backup"])
def test_an_offering_belongs_to_a_top_category(session, category):
    with pytest.raises(Invalid) as refusal:
        added(category_slug=category)
    assert "category_slug" in refusal.value.fields


def test_a_subcategory_of_another_kind_is_refused(session):
    a_category("website", parent="development")
    with pytest.raises(catalog.FactsInvalid) as refusal:
        added(facts={"subcategory": "website"})
    assert "subcategory" in refusal.value.fields


def test_a_draft_takes_some_facts_and_keeps_the_others(session):
    revision = added()
    catalog.edit(revision, {"tagline_zh": "每天一份"}, by=BY, at=AT)
    assert (revision.facts["name_zh"], revision.facts["tagline_zh"]) == ("云备份", "每天一份")


def test_an_edit_is_on_record_with_before_and_after(session):
    revision = added()
    catalog.edit(revision, {"name_zh": "每日备份"}, by=BY, at=AT)
    entry = audit.history(revision)[0]
    assert (entry.action, entry.before, entry.after) == (
        "revision.edited", {"name_zh": "云备份"}, {"name_zh": "每日备份"}
    )  # fmt: skip
    assert entry.organization_id == revision.offering.provider.organization_id


def test_unreadable_facts_are_refused_and_nothing_changes(session):
    revision = added()
    with pytest.raises(catalog.FactsInvalid):
        catalog.edit(revision, {"availability": "very"}, by=BY, at=AT)
    assert revision.facts["availability"] == ""


@pytest.mark.parametrize(
    "status",
    [status for status in RevisionStatus if status not in (RevisionStatus.DRAFT, RevisionStatus.RETURNED)],
)
def test_only_draft_and_returned_revisions_can_be_edited(session, status):
    revision = an_offering(status=OfferingStatus.UNLISTED).revisions[0]
    revision.status = status
    with pytest.raises(catalog.NotEditable):
        catalog.edit(revision, {"name_zh": "新名"}, by=BY, at=AT)


def test_a_live_offering_stays_live_while_its_next_revision_is_written(session):
    offering = an_offering()
    revision = catalog.start_revision(offering, by=BY, at=AT)
    catalog.edit(revision, {"name_zh": "新名"}, by=BY, at=AT)
    assert revision.number == 2
    assert catalog.live_revision(offering).facts["name_zh"] == complete_facts()["name_zh"]


def test_there_is_one_pending_revision_at_a_time(session):
    offering = an_offering()
    catalog.start_revision(offering, by=BY, at=AT)
    with pytest.raises(catalog.RevisionPending):
        catalog.start_revision(offering, by=BY, at=AT)


def test_a_retired_offering_gets_no_new_revision(session):
    with pytest.raises(catalog.Retired):
        catalog.start_revision(an_offering(status=OfferingStatus.RETIRED), by=BY, at=AT)


@pytest.mark.parametrize(
    ("verb", "status", "after"),
    [
        (catalog.suspend, OfferingStatus.LIVE, OfferingStatus.SUSPENDED),
        (catalog.retire, OfferingStatus.LIVE, OfferingStatus.RETIRED),
        (catalog.retire, OfferingStatus.SUSPENDED, OfferingStatus.RETIRED),
    ],
)
def test_taking_down_is_announced_and_on_record_with_its_reason(session, verb, status, after):
    offering = an_offering(status=status)
    said = heard(catalog.offering_changed)
    verb(offering, reason="  证书到期  ", by=BY, at=AT)
    assert offering.status is after
    assert said == [offering]
    assert audit.history(offering)[0].reason == "证书到期"


def test_a_suspended_offering_comes_back(session):
    offering = an_offering(status=OfferingStatus.SUSPENDED)
    catalog.reinstate(offering, by=BY, at=AT)
    assert offering.status is OfferingStatus.LIVE


def test_an_unlisted_offering_cannot_be_reinstated_past_the_review(session):
    offering = an_offering(status=OfferingStatus.UNLISTED)
    with pytest.raises(IllegalMove):
        catalog.reinstate(offering, by=BY, at=AT)
    assert offering.status is OfferingStatus.UNLISTED


def test_taking_down_needs_a_reason(session):
    with pytest.raises(catalog.ReasonMissing):
        catalog.suspend(an_offering(), reason="  ", by=BY, at=AT)


def test_a_suspended_provider_changes_all_that_buyers_see_of_it(session):
    provider = a_provider()
    listed, draft = an_offering(provider), an_offering(provider, status=OfferingStatus.UNLISTED)
    said = heard(catalog.offering_changed)
    providers.suspend(provider, reason="营业执照注销", by=BY, at=AT)
    assert said == [listed]
    assert draft not in said
    assert catalog.live_offerings() == []


def test_every_change_is_on_record(session):
    provider = a_provider()
    actor = an_actor(organization=provider.organization)
    revision = catalog.add_offering(
        provider, slug="x", category_slug=a_category().slug, facts={}, provisioning="manual", by=actor, at=AT
    )
    catalog.set_provisioning(revision.offering, "webhook", by=actor, at=AT)
    actions = set(db.session.scalars(select(AuditEvent.action)))
    assert actions == {"offering.added", "revision.started", "offering.provisioning_changed"}
