"""From a provider's desk to the storefront."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from market import audit, catalog, db
from market.catalog import OfferingStatus, PlanStatus, RevisionStatus
from market.catalog.models import OFFERING_LIFECYCLE, PLAN_LIFECYCLE, REVISION_LIFECYCLE
from market.errors import Invalid, NotFound
from market.kit.lifecycle import IllegalMove
from market.providers import ProviderStatus
from tests.builders.accounts import a_member, an_actor, an_administrator, the_office
from tests.builders.catalog import a_charge, a_plan, a_provider, an_offering, complete_facts

AT = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
BY = audit.system("test")


class Desk:
    """A reviewer with her actor."""

    def __init__(self):
        self.user = an_administrator()
        self.by = an_actor(self.user, the_office())

    def claim(self, revision):
        catalog.claim(revision, reviewer=self.user, by=self.by, at=AT)
        return revision


def submitted(**options):
    revision = an_offering(status=OfferingStatus.UNLISTED, **options).revisions[0]
    catalog.submit(revision, by=BY, at=AT)
    return revision


def test_a_complete_draft_is_submitted_and_announced(session):
    said = []
    with catalog.revision_submitted.connected_to(lambda sender, **_: said.append(sender)):
        revision = submitted()
    assert (revision.status, revision.submitted_at) == (RevisionStatus.SUBMITTED, AT)
    assert said == [revision]


def test_an_incomplete_draft_is_refused_with_everything_that_is_missing(session):
    offering = an_offering(status=OfferingStatus.UNLISTED, facts=complete_facts(name_en="", export_days=None), plans=False)
    with pytest.raises(catalog.Incomplete) as refusal:
        catalog.submit(offering.revisions[0], by=BY, at=AT)
    assert [gap.field for gap in refusal.value.missing] == ["name_en", "export_days", "plans"]
    assert offering.revisions[0].status is RevisionStatus.DRAFT


def test_a_plan_without_charges_or_with_unpriceable_ones_is_missing_something(session):
    offering = an_offering(status=OfferingStatus.UNLISTED, plans=False)
    a_plan(offering, slug="empty", status=PlanStatus.DRAFT)
    odd = a_plan(offering, slug="odd", status=PlanStatus.DRAFT, position=1)
    a_charge(odd, {"model": "per_unit", "unit_price": "abc"}, meter="api_calls")
    assert [gap.field for gap in catalog.missing(offering.revisions[0])] == ["plans.empty", "plans.odd"]


def test_a_submitted_revision_cannot_be_submitted_again(session):
    with pytest.raises(IllegalMove):
        catalog.submit(submitted(), by=BY, at=AT)


def test_whoever_belongs_to_the_provider_does_not_review_it(session):
    revision, desk = submitted(), Desk()
    a_member(revision.offering.provider.organization, user=desk.user)
    with pytest.raises(catalog.OwnOffering):
        desk.claim(revision)


def test_a_decision_needs_the_claim(session):
    revision, mine, other = submitted(), Desk(), Desk()
    with pytest.raises(catalog.NotClaimed):
        catalog.approve(revision, by=mine.by, at=AT)
    mine.claim(revision)
    with pytest.raises(catalog.NotClaimed):
        catalog.send_back(revision, reason="价格没写清", by=other.by, at=AT)


def test_a_colleague_takes_a_review_over(session):
    revision, mine, other = submitted(), Desk(), Desk()
    mine.claim(revision)
    other.claim(revision)
    assert revision.reviewer_id == other.user.id
    assert audit.history(revision)[0].action == "revision.taken_over"


def test_approval_publishes_words_plans_and_listing_at_once(session):
    revision, desk, said = submitted(), Desk(), []
    desk.claim(revision)
    with catalog.offering_changed.connected_to(lambda sender, **_: said.append(sender)):
        catalog.approve(revision, by=desk.by, at=AT)
    offering = revision.offering
    assert (revision.status, revision.published_at) == (RevisionStatus.PUBLISHED, AT)
    assert (offering.status, offering.listed_at) == (OfferingStatus.LIVE, AT)
    assert [plan.status for plan in catalog.plans_of(offering)] == [PlanStatus.PUBLISHED]
    assert said == [offering]
    assert catalog.live_offerings() == [offering]
    assert offering.live_revision is revision


def test_the_old_revision_and_old_plan_versions_step_down(session):
    old_plan = a_plan(monthly="99")
    offering, desk = old_plan.offering, Desk()
    untouched = a_plan(offering, slug="big", monthly="999")
    old = offering.revisions[0]
    revision = catalog.start_revision(offering, by=BY, at=AT)
    draft = a_plan(offering, monthly="89", version_number=2, status=PlanStatus.DRAFT)
    catalog.submit(revision, by=BY, at=AT)
    desk.claim(revision)
    catalog.approve(revision, by=desk.by, at=AT)
    assert (old.status, revision.status) == (RevisionStatus.SUPERSEDED, RevisionStatus.PUBLISHED)
    assert (old_plan.status, draft.status, untouched.status) == (
        PlanStatus.RETIRED, PlanStatus.PUBLISHED, PlanStatus.PUBLISHED
    )  # fmt: skip
    assert old_plan.charges[0].terms["amount"] == "99"


def test_a_suspended_offering_stays_suspended_when_its_words_are_renewed(session):
    offering, desk = an_offering(status=OfferingStatus.SUSPENDED), Desk()
    revision = catalog.start_revision(offering, by=BY, at=AT)
    catalog.submit(revision, by=BY, at=AT)
    desk.claim(revision)
    catalog.approve(revision, by=desk.by, at=AT)
    assert offering.status is OfferingStatus.SUSPENDED


@pytest.mark.parametrize("status", [ProviderStatus.APPLIED, ProviderStatus.SUSPENDED])
def test_nothing_goes_live_for_a_provider_that_may_not_sell(session, status):
    revision, desk = submitted(provider=a_provider(status=status)), Desk()
    desk.claim(revision)
    with pytest.raises(catalog.ProviderNotApproved):
        catalog.approve(revision, by=desk.by, at=AT)


@pytest.mark.parametrize(
    ("verb", "status"), [(catalog.send_back, RevisionStatus.RETURNED), (catalog.refuse, RevisionStatus.REFUSED)]
)
def test_the_provider_reads_the_reason_word_for_word(session, verb, status):
    revision, desk, said = submitted(), Desk(), []
    desk.claim(revision)
    with catalog.revision_decided.connected_to(lambda sender, **_: said.append(sender.status)):
        verb(revision, reason="等保证书编号和附件不一致。", by=desk.by, at=AT)
    assert (revision.status, revision.decision_reason) == (status, "等保证书编号和附件不一致。")
    assert audit.history(revision)[0].reason == "等保证书编号和附件不一致。"
    assert said == [status]


@pytest.mark.parametrize("verb", [catalog.send_back, catalog.refuse])
def test_sending_back_and_refusing_need_a_reason(session, verb):
    revision, desk = submitted(), Desk()
    desk.claim(revision)
    with pytest.raises(catalog.ReasonMissing):
        verb(revision, reason=" \n", by=desk.by, at=AT)
    assert revision.status is RevisionStatus.IN_REVIEW


def test_a_returned_revision_is_mended_and_comes_again(session):
    revision, desk = submitted(), Desk()
    desk.claim(revision)
    catalog.send_back(revision, reason="补充英文", by=desk.by, at=AT)
    catalog.edit(revision, {"tagline_en": "A copy every single day"}, by=BY, at=AT)
    catalog.submit(revision, by=BY, at=AT)
    assert (revision.status, revision.reviewer_id) == (RevisionStatus.SUBMITTED, None)


def test_a_comment_belongs_to_a_field_or_a_plan(session):
    revision, desk = submitted(), Desk()
    desk.claim(revision)
    for field in ("tagline_zh", "plans.basic"):
        catalog.comment(revision, field=field, text="请写明时间", by=desk.by, at=AT)
    assert [comment.field for comment in catalog.revision_for_review(revision.id).comments] == ["tagline_zh", "plans.basic"]
    for field, text in (("nothing", "x"), ("plans.none", "x"), ("tagline_zh", "  ")):
        with pytest.raises(Invalid):
            catalog.comment(revision, field=field, text=text, by=desk.by, at=AT)


def test_changes_show_old_and_new_of_what_differs(session):
    offering = an_offering()
    revision = catalog.start_revision(offering, by=BY, at=AT)
    catalog.edit(revision, {"name_zh": "新名"}, by=BY, at=AT)
    assert [(change.field, change.before, change.after) for change in catalog.changes(revision)] == [
        ("name_zh", "示例云备份", "新名")
    ]


def test_a_first_revision_is_all_new(session):
    changes = catalog.changes(submitted())
    assert {change.field for change in changes} >= {"name_zh", "data_location", "exit_fee"}
    assert all(not change.before for change in changes)


def test_price_changes_are_told_from_unchanged_plans(session):
    plan = a_plan(monthly="99", per_unit="0.01")
    offering = plan.offering
    a_plan(offering, slug="big", monthly="999", position=1)
    a_plan(offering, slug="new", monthly="9", position=2, status=PlanStatus.DRAFT)
    a_plan(offering, monthly="89", version_number=2, status=PlanStatus.DRAFT)
    found = {change.after.slug: change for change in catalog.plan_changes(offering)}
    assert {slug: change.kind for slug, change in found.items()} == {"basic": "changed", "big": "unchanged", "new": "new"}
    assert found["basic"].price_changed
    assert [(c.before and c.before.slug, c.after and c.after.slug) for c in found["basic"].charges] == [
        ("fee-month", "fee-month"), ("api-calls-per-unit", None)
    ]  # fmt: skip


def test_the_queue_is_oldest_first_and_loads_what_it_shows(session, queries):
    for _ in range(3):
        submitted()
    session.expire_all()
    session.expunge_all()
    with queries(at_most=1):
        queue = db.session.scalars(catalog.review_queue()).all()
        assert [revision.offering.provider.name_zh for revision in queue]
    assert [revision.id for revision in queue] == sorted(revision.id for revision in queue)


def test_a_draft_is_not_an_administrators_business_yet(session):
    with pytest.raises(NotFound):
        catalog.revision_for_review(an_offering(status=OfferingStatus.UNLISTED).revisions[0].id)


@pytest.mark.parametrize(
    ("lifecycle", "thing"),
    [(REVISION_LIFECYCLE, RevisionStatus), (OFFERING_LIFECYCLE, OfferingStatus), (PLAN_LIFECYCLE, PlanStatus)],
)
def test_no_state_is_without_its_line_in_the_lifecycle(lifecycle, thing):
    assert set(lifecycle.states) == set(thing)
