"""Two people at the same moment: the database decides, and the second one is told."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial

from market import audit, catalog, db
from market.catalog import Offering, OfferingRevision, OfferingStatus, Plan, RevisionStatus
from market.errors import MarketError
from market.providers import Provider
from tests.builders.accounts import an_actor, an_administrator
from tests.builders.catalog import a_plan, an_offering
from tests.support.together import together

AT = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
BY = audit.system("test")


def test_one_of_two_who_start_a_revision_gets_it(database):
    with db.transaction():
        id = an_offering().id

    def start():
        return catalog.start_revision(db.session.get_one(Offering, id), by=BY, at=AT).number

    answers = together(start, start, start)
    assert [answer for answer in answers if not isinstance(answer, Exception)] == [2]
    assert {type(answer) for answer in answers if isinstance(answer, Exception)} == {catalog.RevisionPending}


def test_one_of_two_new_offerings_gets_the_address(database):
    with db.transaction():
        provider = an_offering().provider_id

    def add():
        owner = db.session.get_one(Provider, provider)
        catalog.add_offering(owner, slug="same", category_slug="storage", facts={}, provisioning="manual", by=BY, at=AT)

    answers = together(add, add)
    assert sorted(type(answer).__name__ for answer in answers) == ["NoneType", "SlugTaken"]


def test_a_review_is_decided_once(database):
    with db.transaction():
        user = an_administrator()
        by = an_actor(user)
        revision = an_offering(status=OfferingStatus.UNLISTED).revisions[0]
        catalog.submit(revision, by=BY, at=AT)
        catalog.claim(revision, reviewer=user, by=by, at=AT)
        id = revision.id

    def approve():
        catalog.approve(db.session.get_one(OfferingRevision, id), by=by, at=AT)

    def send_back():
        catalog.send_back(db.session.get_one(OfferingRevision, id), reason="补充英文", by=by, at=AT)

    answers = together(approve, send_back)
    assert sum(answer is None for answer in answers) == 1
    assert sum(isinstance(answer, MarketError) for answer in answers) == 1
    with db.transaction(readonly=True):
        status = db.session.get_one(OfferingRevision, id).status
    assert status is (RevisionStatus.PUBLISHED if answers[0] is None else RevisionStatus.RETURNED)


def save(id: int, price: str):
    charge = {"terms": {"model": "flat", "interval": "month", "amount": price}}
    return catalog.save_plan(
        db.session.get_one(Offering, id), slug="basic", name_zh="基础版", name_en="Basic", summary_zh="", summary_en="",
        trial_days=0, position=1, charges=[charge], by=BY, at=AT,
    )  # fmt: skip


def test_two_who_save_one_plan_take_turns(database):
    with db.transaction():
        id = an_offering(status=OfferingStatus.UNLISTED, plans=False).id
        save(id, "10.00")
    answers = together(*(partial(save, id, f"{price}.00") for price in (20, 30, 40)))
    assert not [answer for answer in answers if isinstance(answer, Exception)], answers
    with db.transaction(readonly=True):
        (plan,) = catalog.plans_of(db.session.get_one(Offering, id))
        assert [charge.terms["amount"] for charge in plan.charges] in (["20.00"], ["30.00"], ["40.00"])


def test_what_has_been_submitted_is_not_changed_by_a_plan_saved_at_the_same_moment(database):
    with db.transaction():
        revision = an_offering(status=OfferingStatus.UNLISTED).revisions[0]
        id, offering = revision.id, revision.offering_id

    def submit():
        catalog.submit(db.session.get_one(OfferingRevision, id), by=BY, at=AT)
        return datetime.now(UTC)

    def save_late():
        save(offering, "20.00")
        return datetime.now(UTC)

    submitted, saved = together(submit, save_late)
    assert isinstance(submitted, datetime), submitted
    assert isinstance(saved, catalog.NotEditable) or saved < submitted


def test_one_of_the_last_two_plans_stays(database):
    with db.transaction():
        offering = an_offering(plans=False)
        ids = [a_plan(offering, slug=slug, monthly="10.00").id for slug in ("basic", "large")]

    def drop(id: int) -> None:
        catalog.drop_plan(db.session.get_one(Plan, id), by=BY, at=AT)

    answers = together(*(partial(drop, id) for id in ids))
    assert {type(answer) for answer in answers} == {type(None), catalog.LastPlan}
