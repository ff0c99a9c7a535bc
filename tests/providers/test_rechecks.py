"""Looking at providers again every six months."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select

from market import audit, db, notifications, providers
from market.accounts import OrganizationKind, Role
from market.errors import Invalid, Refused
from market.notifications import Email
from market.providers import ProviderStatus
from tests.builders.accounts import a_member, a_user, an_organization
from tests.builders.catalog import a_licence, a_provider

AT = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
BY = audit.system("test")
TODAY = date(2026, 11, 20)


def test_taking_in_sets_the_day_of_the_next_look(session):
    provider = a_provider(status=ProviderStatus.APPLIED)
    providers.approve(provider, by=BY, at=datetime(2026, 8, 31, 2, 0, tzinfo=UTC))
    assert provider.recheck_due_on == date(2027, 2, 28)


def again(provider, until, note="对照了原件", seen=None, at=AT):
    seen = provider.version if seen is None else seen
    providers.recheck(provider, note=note, until=until, seen=seen, by=BY, at=at)


def test_looking_again_dates_the_licences_and_sets_the_next_day(session):
    provider = a_provider(recheck_due_on=TODAY)
    first, second = a_licence(provider, valid_until=TODAY, checked_at=None), a_licence(provider, valid_until=None)
    session.refresh(provider, ["licences"])
    again(provider, {first.id: date(2028, 1, 1), second.id: None})
    assert (provider.verified_at, provider.recheck_due_on) == (AT, date(2027, 5, 20))
    assert (first.valid_until, first.checked_at, second.valid_until, second.checked_at) == (date(2028, 1, 1), AT, None, AT)
    event = audit.history(provider)[0]
    assert (event.action, event.reason, event.after[first.number]) == ("provider.rechecked", "对照了原件", "2028-01-01")


@pytest.mark.parametrize(
    ("note", "until", "field"),
    [(" ", [None], "note"), ("长" * 1001, [None], "note"), ("x", [], "until-1"), ("x", [TODAY - timedelta(days=1)], "until-1")],
)
def test_a_look_that_is_not_complete_is_refused(session, note, until, field):
    provider = a_provider()
    licence = a_licence(provider)
    session.refresh(provider, ["licences"])
    with pytest.raises(Invalid) as refusal:
        again(provider, dict(zip([licence.id], until, strict=False)), note)
    assert [name.replace(str(licence.id), "1") for name in refusal.value.fields] == [field]


def test_only_who_is_in_business_is_looked_at_and_only_as_seen(session):
    with pytest.raises(providers.NotInBusiness):
        again(a_provider(status=ProviderStatus.APPLIED), {})
    with pytest.raises(Refused):
        again(a_provider(), {}, seen=99)


def test_overdue_ones_come_first_and_the_rest_when_it_is_near(session):
    due = {day: a_provider(recheck_due_on=TODAY + timedelta(days=day)) for day in (29, 30, -1, 0)}
    assert list(providers.due_rechecks(TODAY)) == [due[-1], due[0], due[29]]
    assert providers.count_rechecks(TODAY) == (1, 2)


def test_a_provider_hears_of_it_a_month_before_and_when_it_is_due(database):
    notifications.listen()
    with db.transaction():
        organization = an_organization(kind=OrganizationKind.PROVIDER)
        a_provider(organization=organization, recheck_due_on=TODAY)
        a_member(organization), a_member(organization, Role.FINANCE), a_member(organization, Role.PRODUCT, user=a_user(locale="en"))
    for day in (-31, -30, -29, -1, 0, 1, 40):
        providers.remind_due(AT + timedelta(days=day))
    with db.transaction(readonly=True):
        subjects = [letter.subject for letter in db.session.scalars(select(Email).order_by(Email.id))]
    beginnings = [subject.replace("：", ":").partition(":")[0] for subject in subjects]
    assert beginnings == ["请准备复核", "Coming up", "今天起要复核", "Due now"]
