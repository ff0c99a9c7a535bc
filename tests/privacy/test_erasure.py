"""Erasing a person: no table names her any more, and what the law wants kept is still there."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from market import (
    accounts,
    audit,
    billing,
    credentials,
    db,
    notifications,
    privacy,
    quality,
    schema,
    subscriptions,
)
from market.accounts.models import OrganizationKind, Role, User
from market.audit import AuditEvent
from market.billing import credit_notes
from market.billing.credit_notes import Amount
from market.catalog.models import ReviewComment
from market.privacy import BillToCome, LastOwner, MoneyLeft, OnlyMember, StillInUse
from tests.builders.accounts import a_member, a_user, an_actor, an_administrator, an_organization
from tests.builders.billing import NOVEMBER, OCTOBER, closed, moment
from tests.builders.catalog import a_plan, an_offering
from tests.builders.credit_notes import a_note
from tests.builders.metering import report
from tests.builders.quality import a_report, a_requirement
from tests.builders.subscriptions import a_subscription
from tests.builders.worlds import a_world
from tests.conftest import PRESENT
from tests.support.together import together

NAME, EMAIL, PHONE = "欧阳示例", "ouyang@example.com", "13800138000"


def somebody() -> User:
    user = a_user(email=EMAIL, name=NAME)
    user.phone = PHONE
    return user


def everything_stored() -> str:
    """All rows of all tables, as text."""
    rows = (row for table in schema.metadata.sorted_tables for row in db.session.execute(select(table)))
    return "\n".join(str(tuple(row)) for row in rows)


def test_nothing_stored_names_her_any_more(database: None) -> None:
    notifications.listen()
    with db.transaction():
        world = a_world()
        firm = accounts.memberships_of(accounts.user_by_email(world.buyer.email))[0].organization  # type: ignore[arg-type]
        user = a_member(firm, Role.FINANCE, user=somebody())
        by = an_actor(user, firm)
        credentials.start_session(user, at=PRESENT, agent="Firefox", address="203.0.113.9")
        privacy.request_export(user, None, by=by, at=PRESENT)
        notifications.enqueue("welcome", user, "您好", f"{NAME}，您好", at=PRESENT)
        audit.record("organization.changed", firm, by=by, at=PRESENT, after={"phone": audit.masked(PHONE)})
        a_report(an_offering(), email=EMAIL, at=PRESENT)
        wanted, _word = a_requirement(email=EMAIL, at=PRESENT)
        office = an_administrator()
        quality.answer_requirement(wanted, text="没有合适的。", suggested=[], user=office, by=an_actor(office), at=PRESENT)
    with db.transaction():
        user = db.session.scalars(select(User).where(User.email == EMAIL)).one()
        assert NAME in everything_stored()
        privacy.erase(user, by=an_actor(user), at=PRESENT)
    with db.transaction(readonly=True):
        left = everything_stored()
        assert not [word for word in (NAME, EMAIL, PHONE, "203.0.113.9") if word in left]
        kept = db.session.scalars(select(AuditEvent).where(AuditEvent.actor_id == user.id)).all()
        assert [event.action for event in kept][:1] and all(NAME not in event.actor_label for event in kept)


def test_who_is_erased_cannot_come_back_in(database: None) -> None:
    with db.transaction():
        user = somebody()
        _begun, token = credentials.start_session(user, at=PRESENT)
        privacy.erase(user, by=an_actor(user), at=PRESENT)
    with db.transaction():
        assert credentials.session_of_token(token, at=PRESENT) is None
        assert accounts.user_by_email(EMAIL) is None
        a_user(email=EMAIL)  # the address is free again


def test_namesakes_keep_their_name_under_what_they_wrote(database: None) -> None:
    with db.transaction():
        user, namesake = somebody(), a_user(name=NAME)
        revision, at = an_offering().revisions[0], PRESENT
        revision.changed_by, revision.changed_by_id = NAME, namesake.id
        for author in (user, namesake):
            db.session.add(ReviewComment(revision=revision, field="name_zh", text="?", author=NAME, author_id=author.id, at=at))
        db.session.flush()
        privacy.erase(user, by=an_actor(user), at=at)
        assert [c.author for c in db.session.scalars(select(ReviewComment).order_by(ReviewComment.id))] == [audit.FORGOTTEN, NAME]
        db.session.refresh(revision)
        assert revision.changed_by == NAME


def test_erasing_twice_changes_nothing(database: None) -> None:
    with db.transaction():
        user = somebody()
        privacy.erase(user, by=an_actor(user), at=PRESENT)
        privacy.erase(user, by=an_actor(user), at=PRESENT)
        assert user.erased_at == PRESENT


def test_the_only_owner_of_a_firm_with_members_stays(database: None) -> None:
    with db.transaction():
        firm = an_organization(owner=somebody())
        a_member(firm, Role.VIEWER)
        user = accounts.user_by_email(EMAIL)
        assert user is not None
        with pytest.raises(LastOwner):
            privacy.erase(user, by=an_actor(user), at=PRESENT)
        a_member(firm, Role.OWNER)
        privacy.erase(user, by=an_actor(user), at=PRESENT)


def test_a_firm_of_one_must_have_ended_and_paid_everything(database: None) -> None:
    with db.transaction():
        alone, content = a_user(), somebody()
        a_subscription(organization=an_organization(owner=alone), user=alone)
        with pytest.raises(StillInUse):
            privacy.erase(alone, by=an_actor(alone), at=PRESENT)
        an_organization(owner=content)
        assert privacy.obstacle(content) is None


def why_not(user: User) -> type[object]:
    return type(privacy.obstacle(user))


@pytest.mark.parametrize(("trial_days", "due"), [(0, 2000 + 70), (30, 0)])
def test_a_firm_that_leaves_in_mid_month_gets_its_last_bill_before_its_last_person_goes(
    database: None, trial_days: int, due: int
) -> None:
    with db.transaction():
        alone = somebody()
        firm = an_organization(owner=alone)
        plan = a_plan(monthly="31.00", per_unit="0.01", trial_days=trial_days)
        subscription = a_subscription(plan, organization=firm, user=alone)
        assert why_not(alone) is StillInUse
        report(subscription, plan.charges[1].meter, 70, at=moment("2026-10-12 12:00"))
        subscriptions.cancel(subscription, when="now", reason="", by=an_actor(alone), at=moment("2026-10-20 09:00"))
        assert why_not(alone) is BillToCome
    closed(OCTOBER)
    with db.transaction():
        bill = billing.bill_for(firm, OCTOBER)
        assert bill is not None and bill.gross_fen == due and billing.verify(bill) == []
        assert why_not(alone) is (StillInUse if due else type(None))
        if due:
            billing.receive(bill, due, by=an_actor(), at=moment("2026-11-10 12:00"))
            assert why_not(alone) is type(None)
            a_note(bill, Amount(70))
            assert why_not(alone) is MoneyLeft
            credit_notes.ask(firm, 70, request_key="all", by=an_actor(alone), at=moment("2026-11-11 12:00"))
            assert why_not(alone) is MoneyLeft
    closed(NOVEMBER)
    with db.transaction(readonly=True):
        assert billing.bill_for(firm, NOVEMBER) is None


def test_the_only_person_of_a_provider_lets_another_owner_in_first(database: None) -> None:
    with db.transaction():
        alone = somebody()
        an_organization(owner=alone, kind=OrganizationKind.PROVIDER)
        assert isinstance(privacy.obstacle(alone), OnlyMember)


def test_of_two_owners_who_leave_at_once_one_stays(database: None) -> None:
    with db.transaction():
        firm = an_organization(owner=somebody())
        other = a_member(firm)
        a_member(firm, Role.VIEWER)
        ids = [accounts.user_by_email(EMAIL).id, other.id]  # type: ignore[union-attr]

    def go(id: int) -> object:
        user = db.session.get_one(User, id)
        privacy.erase(user, by=an_actor(user), at=PRESENT)
        return None

    answers = together(*(lambda id=id: go(id) for id in ids))
    assert sorted(type(answer).__name__ for answer in answers) == ["LastOwner", "NoneType"]
