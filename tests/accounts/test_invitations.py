"""Invitations: for one address, for one week, for one use."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from market import accounts, audit, db
from market.accounts import Invitation, Organization, Role, User, invitations
from market.accounts.invitations import (
    LIFE,
    MOST_OPEN,
    PAUSE,
    InvitationExpired,
    InvitationUsed,
    InvitationWithdrawn,
    OtherAddress,
    SentJustNow,
    TooManyOpen,
)
from market.accounts.members import NoLonger
from market.errors import Invalid, NotFound
from tests.builders.accounts import a_member, a_user, an_actor, an_organization
from tests.support.together import together

AT = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
PASSWORD = "lotus paper lantern"


@pytest.fixture(autouse=True)
def words() -> Iterator[dict[str, str]]:
    """The words of the links, by address: what the letters say."""
    heard: dict[str, str] = {}

    def hear(invitation: Invitation, *, token: str, at: datetime) -> None:
        heard[invitation.email] = token

    accounts.invitation_sent.connect(hear)
    yield heard
    accounts.invitation_sent.disconnect(hear)


@pytest.fixture
def owner(session: object) -> User:
    return a_member(an_organization(name="示例五金"))


def firm_of(user: User) -> Organization:
    return accounts.memberships_of(user)[0].organization


def invited(owner: User, email: str = "new@example.com", role: Role = Role.FINANCE, at: datetime = AT) -> Invitation:
    firm = firm_of(owner)
    return accounts.invite(firm, email=email, role=role, inviter=owner, by=an_actor(owner, firm), at=at)


def test_a_known_person_joins_and_her_address_is_confirmed(owner: User, words: dict[str, str]) -> None:
    guest = a_user(email="new@example.com")
    invited(owner, " New@Example.COM ")
    found = accounts.invitation_of_token(words["new@example.com"], at=AT)
    membership = accounts.accept(found, guest, at=AT)
    assert (membership.role, membership.organization_id, guest.email_confirmed_at) == (Role.FINANCE, firm_of(owner).id, AT)
    actions = [event.action for event in db.session.scalars(audit.events(organization_id=firm_of(owner).id))]
    assert actions == ["invitation.accepted", "invitation.sent"]


def test_the_word_and_the_address_are_not_in_the_trail(owner: User, words: dict[str, str]) -> None:
    invited(owner)
    for event in db.session.scalars(audit.events()):
        assert "new@example.com" not in f"{event.subject_label} {event.after}"
        assert words["new@example.com"] not in f"{event.after}"
    assert words["new@example.com"] != db.session.scalars(select(Invitation.token_hash)).one()


def test_somebody_new_needs_a_name_and_a_password_only(owner: User, words: dict[str, str]) -> None:
    invited(owner)
    found = accounts.invitation_of_token(words["new@example.com"], at=AT)
    with pytest.raises(Invalid) as refused:
        accounts.check_newcomer(found.email, " ", "short")
    assert set(refused.value.fields) == {"name", "password"}
    membership = accounts.accept_as_new(found, name="李会计", password_hash="a hash", locale="en", at=AT)
    assert (membership.user.email, membership.user.locale) == ("new@example.com", "en")
    assert membership.user.password_hash == "a hash"


@pytest.mark.parametrize("token", ["", "x", "ａ" * 43, "a" * 5000])
def test_a_forged_word_opens_nothing(session: object, token: str) -> None:
    with pytest.raises(NotFound):
        accounts.invitation_of_token(token, at=AT)


def test_it_opens_nothing_after_its_week(owner: User, words: dict[str, str]) -> None:
    invited(owner)
    assert accounts.invitation_of_token(words["new@example.com"], at=AT + LIFE - timedelta(seconds=1))
    with pytest.raises(InvitationExpired):
        accounts.invitation_of_token(words["new@example.com"], at=AT + LIFE)


def test_it_works_once(owner: User, words: dict[str, str]) -> None:
    invitation = invited(owner)
    accounts.accept(invitation, a_user(email="new@example.com"), at=AT)
    for again in (
        lambda: accounts.invitation_of_token(words["new@example.com"], at=AT),
        lambda: accounts.accept(invitation, a_user(email="x@example.com"), at=AT),
        lambda: accounts.accept_as_new(invitation, name="x", password_hash="a hash", locale="zh", at=AT),
    ):
        with pytest.raises(InvitationUsed):
            again()


def test_it_is_for_one_address(owner: User) -> None:
    with pytest.raises(OtherAddress):
        accounts.accept(invited(owner), a_user(email="other@example.com"), at=AT)


def test_what_is_withdrawn_opens_nothing(owner: User, words: dict[str, str]) -> None:
    firm, invitation = firm_of(owner), invited(owner)
    accounts.withdraw(firm, invitation.id, by=an_actor(owner, firm), at=AT)
    with pytest.raises(InvitationWithdrawn):
        accounts.invitation_of_token(words["new@example.com"], at=AT)
    assert not accounts.open_invitations(firm)


def test_sending_it_again_replaces_the_link_and_the_week(owner: User, words: dict[str, str]) -> None:
    firm, invitation, first = firm_of(owner), invited(owner), words["new@example.com"]
    with pytest.raises(SentJustNow):
        accounts.resend(firm, invitation.id, by=an_actor(owner, firm), at=AT + PAUSE - timedelta(seconds=1))
    late = AT + timedelta(days=30)
    accounts.resend(firm, invitation.id, by=an_actor(owner, firm), at=late)
    with pytest.raises(NotFound):
        accounts.invitation_of_token(first, at=late)
    assert accounts.invitation_of_token(words["new@example.com"], at=late).expires_at == late + LIFE


def test_members_and_invited_people_are_not_invited_twice(owner: User) -> None:
    invited(owner)
    for email in (owner.email, owner.email.upper(), "new@example.com"):
        with pytest.raises(Invalid) as refused:
            invited(owner, email)
        assert set(refused.value.fields) == {"email"}


def test_what_nobody_took_in_time_makes_room_for_a_new_one(owner: User) -> None:
    old = invited(owner)
    new = invited(owner, at=AT + LIFE)
    assert [each.id for each in accounts.open_invitations(firm_of(owner))] == [new.id]
    assert old.withdrawn_at


@pytest.mark.parametrize("email", ["", "nobody", "a@b", "a b@example.com", "a@ex..com", "a@例子.com", "<a@example.com>", "a@example.com\nb@example.com", "x" * 300 + "@example.com"])
def test_what_is_no_address_is_refused(owner: User, email: str) -> None:
    with pytest.raises(Invalid) as refused:
        invited(owner, email)
    assert set(refused.value.fields) == {"email"}


def test_a_role_of_another_side_is_refused(owner: User) -> None:
    with pytest.raises(Invalid):
        invited(owner, role=Role.SUPER)


def test_only_who_may_edit_members_invites(owner: User) -> None:
    firm = firm_of(owner)
    viewer = a_member(firm, Role.VIEWER)
    with pytest.raises(NoLonger):
        accounts.invite(firm, email="new@example.com", role=Role.VIEWER, inviter=viewer, by=an_actor(viewer, firm), at=AT)


def test_a_strangers_invitation_does_not_exist(owner: User) -> None:
    stranger = a_member(an_organization())
    firm, id = firm_of(stranger), invited(owner).id
    for act in (accounts.resend, accounts.withdraw):
        with pytest.raises(NotFound):
            act(firm, id, by=an_actor(stranger, firm), at=AT)


def test_nobody_writes_to_the_whole_world(owner: User) -> None:
    for number in range(MOST_OPEN):
        invited(owner, f"guest{number}@example.com")
    with pytest.raises(TooManyOpen):
        invited(owner)


def test_who_came_in_by_another_way_keeps_her_role(owner: User) -> None:
    invitation = invited(owner)
    guest = a_member(firm_of(owner), Role.OWNER, user=a_user(email="new@example.com"))
    assert accounts.accept(invitation, guest, at=AT).role is Role.OWNER


def test_of_several_who_accept_at_once_one_membership_comes(database: None) -> None:
    with db.transaction():
        owner = a_member(an_organization())
        id = invited(owner).id
        guest = a_user(email="new@example.com").id

    def accept() -> object:
        return accounts.accept(db.session.get_one(Invitation, id, options=invitations.LOADED), db.session.get_one(User, guest), at=AT)

    answers = together(accept, accept, accept)
    assert sorted(type(answer).__name__ for answer in answers) == ["InvitationUsed", "InvitationUsed", "Membership"]
    with db.transaction():
        assert len(accounts.members_of(firm_of(owner))) == 2


def test_of_two_new_people_with_one_link_one_comes_in(database: None) -> None:
    with db.transaction():
        id = invited(a_member(an_organization())).id

    def accept() -> object:
        invitation = db.session.get_one(Invitation, id, options=invitations.LOADED)
        return accounts.accept_as_new(invitation, name="李会计", password_hash="a hash", locale="zh", at=AT)

    assert sorted(type(answer).__name__ for answer in together(accept, accept)) == ["InvitationUsed", "Membership"]


def test_of_two_who_invite_one_address_at_once_one_does(database: None) -> None:
    with db.transaction():
        owner = a_member(an_organization())

    def invite() -> object:
        return invited(db.session.get_one(User, owner.id))

    assert sorted(type(answer).__name__ for answer in together(invite, invite)) == ["Invalid", "Invitation"]
