"""Checking a firm against its licence: asking, deciding, running out."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from market import accounts, audit, db, notifications
from market.accounts import AlreadyDecided, CheckStatus, Organization, User, Verification
from market.errors import Invalid
from market.kit.period import local_midnight
from market.notifications import Email
from tests.builders.accounts import EARLY, a_member, a_user, an_actor, an_organization
from tests.builders.documents import PDF, a_document, an_application
from tests.support.together import together

TODAY = date(2026, 9, 1)


@pytest.fixture
def firm(session: Session) -> Organization:
    return an_organization()


@pytest.fixture
def owner(firm: Organization) -> User:
    return a_member(firm)


def verify(application: Verification, until: date | None = None) -> None:
    office = a_user()
    accounts.verify(application, licence_until=until, user=office, by=an_actor(office), at=EARLY)


def refuse(application: Verification, reason: str) -> None:
    office = a_user()
    accounts.refuse_verification(application, reason=reason, user=office, by=an_actor(office), at=EARLY)


@pytest.mark.parametrize(
    ("licence_until", "counts_until"),
    [(None, date(2027, 9, 1)), (date(2026, 9, 1), date(2026, 9, 1)), (date(2027, 3, 31), date(2027, 3, 31)), (date(2040, 1, 1), date(2027, 9, 1))],
)
def test_it_counts_until_the_licences_last_day_one_year_at_most(
    firm: Organization, owner: User, licence_until: date | None, counts_until: date
) -> None:
    application = an_application(firm, user=owner)
    assert firm.check_status is CheckStatus.CHECKING
    verify(application, licence_until)
    assert (firm.check_status, firm.verified_until, application.licence_until) == (CheckStatus.VERIFIED, counts_until, licence_until)
    assert accounts.is_verified(firm, on=counts_until) and not accounts.is_verified(firm, on=counts_until + timedelta(days=1))


def test_a_licence_that_is_over_is_not_accepted(firm: Organization, owner: User) -> None:
    with pytest.raises(Invalid) as refusal:
        verify(an_application(firm, user=owner), date(2026, 8, 31))
    assert list(refusal.value.fields) == ["licence_until"]


def test_a_no_needs_a_reason_which_stays_word_for_word(firm: Organization, owner: User) -> None:
    application = an_application(firm, user=owner)
    with pytest.raises(Invalid):
        refuse(application, " \n ")
    refuse(application, "照片看不清。\n<b>请重拍</b>")
    assert (firm.check_status, application.reason) == (CheckStatus.REFUSED, "照片看不清。\n<b>请重拍</b>")
    an_application(firm, user=owner)
    assert firm.check_status is CheckStatus.CHECKING


def test_something_newer_takes_the_place_of_what_waits(firm: Organization, owner: User) -> None:
    first, second = (an_application(firm, user=owner) for _ in range(2))
    assert accounts.waiting_verification_of(firm) is second
    with pytest.raises(AlreadyDecided):
        verify(first)
    verify(second)
    with pytest.raises(AlreadyDecided):
        refuse(second, "x")


def test_a_new_licence_begins_the_check_anew(firm: Organization, owner: User) -> None:
    verify(an_application(firm, user=owner))
    an_application(firm, user=owner)
    assert firm.check_status is CheckStatus.CHECKING
    actions = [event.action for event in db.session.scalars(audit.events(organization_id=firm.id))]
    assert actions[:3] == ["verification.submitted", "organization.check_expired", "document.stored"]


def test_a_firm_whose_code_is_wrong_corrects_it_first(firm: Organization, owner: User) -> None:
    firm.uscc = "91350100M000100Y44"
    with pytest.raises(Invalid):
        an_application(firm, user=owner)


def test_of_two_decisions_at_once_one_counts(database: None) -> None:
    with db.transaction():
        firm = an_organization()
        id = an_application(firm, user=a_member(firm)).id
    answers = together(lambda: verify(accounts.verification_by_id(id)), lambda: refuse(accounts.verification_by_id(id), "x"))
    assert sorted(type(answer).__name__ for answer in answers) == ["AlreadyDecided", "NoneType"]


def test_of_two_licences_sent_at_once_one_waits(database: None) -> None:
    with db.transaction():
        firm = an_organization()
        user_id, id = a_member(firm).id, firm.id

    def send() -> Verification:
        return an_application(db.session.get_one(Organization, id), user=db.session.get_one(User, user_id))

    assert all(isinstance(answer, Verification) for answer in together(send, send))
    with db.transaction(readonly=True):
        query = select(func.count(Verification.id)).where(Verification.replaced_at.is_(None))
        assert db.session.scalar(query) == 1


def letters() -> list[tuple[str, str]]:
    with db.transaction(readonly=True):
        return [(one.key.partition(".")[0], one.subject) for one in db.session.scalars(select(Email).order_by(Email.id))]


def test_the_end_comes_by_itself_after_two_reminders(database: None) -> None:
    notifications.listen()
    with db.transaction():
        firm = an_organization()
        owner = a_member(firm)
        a_member(firm, user=a_user(locale="en"))
        verify(an_application(firm, user=owner), date(2026, 12, 31))
        id = firm.id
    for day in (date(2026, 11, 30), date(2026, 12, 1), date(2026, 12, 10), date(2026, 12, 24), date(2026, 12, 31), date(2027, 1, 1), date(2027, 1, 2)):
        accounts.expire_due(local_midnight(day) + timedelta(hours=9))
        with db.transaction(readonly=True):
            status = db.session.get_one(Organization, id).check_status
        assert status is (CheckStatus.VERIFIED if day <= date(2026, 12, 31) else CheckStatus.EXPIRED)
    told = letters()
    assert [event for event, _ in told[::2]] == ["verification_decided", "check_expiring", "check_expiring", "check_expired"]
    assert all(subject.isascii() or firm.name in subject for _, subject in told[1::2])


@pytest.mark.parametrize("locale", ["zh", "en"])
def test_owners_read_the_reason_as_it_was_written(database: None, locale: str) -> None:
    notifications.listen()
    with db.transaction():
        firm = an_organization()
        owner = a_member(firm, user=a_user(locale=locale))
        refuse(an_application(firm, user=owner), "照片看不清，请重拍 <四角>。")
    with db.transaction(readonly=True):
        letter = db.session.scalars(select(Email)).one()
        assert "照片看不清，请重拍 <四角>。" in letter.body and letter.recipient == owner.email


@pytest.mark.parametrize(
    ("submitted", "day"),
    [("2026-11-16", "2026-11-19"), ("2026-11-18", "2026-11-23"), ("2026-11-20", "2026-11-25"), ("2026-11-21", "2026-11-25"), ("2026-11-22", "2026-11-25")],
)
def test_three_working_days_leave_weekends_out(submitted: str, day: str) -> None:
    at = datetime.fromisoformat(f"{submitted}T02:00").replace(tzinfo=UTC)
    assert accounts.decide_by(at).isoformat() == day


def test_a_program_sees_twins_and_files_sent_twice(firm: Organization, owner: User) -> None:
    other = an_organization(name=firm.name)
    a_document(other, data=PDF)
    refuse(an_application(firm, user=owner, data=PDF), "x")
    found = accounts.findings(an_application(firm, user=owner, data=PDF))
    assert (found.code_right, found.code_city, found.same_name, found.same_file, found.refused_before) == (True, "440100", [other], [other], 1)
    alone = accounts.findings(an_application(an_organization(), user=owner))
    assert (alone.same_name, alone.same_file, alone.refused_before) == ([], [], 0)


def test_the_queue_begins_with_who_waits_longest(session: Session) -> None:
    firms = [an_organization() for _ in range(3)]
    for firm, day in zip(firms, (3, 1, 2), strict=True):
        an_application(firm, user=a_member(firm), at=EARLY + timedelta(days=day))
    queue = session.scalars(accounts.waiting_verifications()).all()
    assert [one.organization for one in queue] == [firms[1], firms[2], firms[0]]
