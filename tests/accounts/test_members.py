"""Members: roles given and taken, and a firm that never loses its last owner."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from market import accounts, audit, credentials, db
from market.accounts import Membership, Organization, OrganizationKind, Role, User
from market.accounts.members import LastSuper, LastTop, NoLonger, NotYours, OwnMembership, check_grant
from market.errors import Invalid, NotFound
from tests.builders.accounts import a_member, an_actor, an_administrator, an_organization, the_office
from tests.support.together import together

AT = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)


def place_of(user: User, organization: Organization) -> Membership | None:
    return next((m for m in accounts.members_of(organization) if m.user_id == user.id), None)


def number_of(user: User, organization: Organization) -> int:
    place = place_of(user, organization)
    assert place is not None
    return place.id


class Firm:
    """A firm with two owners and a viewer."""

    def __init__(self, kind: OrganizationKind = OrganizationKind.BUYER) -> None:
        self.organization = an_organization(kind=kind)
        top, low = accounts.top_of(kind), accounts.roles_of(kind)[-1 if kind is not OrganizationKind.PLATFORM else 0]
        self.owner, self.second, self.viewer = (a_member(self.organization, role) for role in (top, top, low))

    def by(self, user: User) -> audit.Actor:
        return an_actor(user, self.organization)

    def id(self, user: User) -> int:
        return number_of(user, self.organization)


@pytest.fixture
def firm(session: object) -> Firm:
    return Firm()


def test_another_role_counts_at_once_and_is_written_down(firm: Firm) -> None:
    accounts.change_role(firm.organization, firm.id(firm.viewer), Role.FINANCE, by=firm.by(firm.owner), at=AT)
    place = place_of(firm.viewer, firm.organization)
    assert place is not None and place.role is Role.FINANCE
    event = db.session.scalars(audit.events(organization_id=firm.organization.id)).first()
    assert event is not None
    assert (event.action, event.before, event.after) == ("member.role_changed", {"role": "viewer"}, {"role": "finance"})
    assert event.subject_label == firm.viewer.name


def test_the_same_role_again_changes_nothing(firm: Firm) -> None:
    accounts.change_role(firm.organization, firm.id(firm.viewer), Role.VIEWER, by=firm.by(firm.owner), at=AT)
    assert not db.session.scalars(audit.events(organization_id=firm.organization.id)).all()


def test_a_role_of_another_side_does_not_exist_here(firm: Firm) -> None:
    with pytest.raises(Invalid):
        accounts.change_role(firm.organization, firm.id(firm.viewer), Role.SUPER, by=firm.by(firm.owner), at=AT)


def test_only_who_may_edit_members_changes_them(firm: Firm) -> None:
    for actor in (firm.by(firm.viewer), an_actor(a_member(an_organization()), firm.organization), audit.system("x")):
        with pytest.raises(NoLonger):
            accounts.remove(firm.organization, firm.id(firm.second), reason="", by=actor, at=AT)


def test_nobody_changes_or_removes_herself(firm: Firm) -> None:
    by, id = firm.by(firm.owner), firm.id(firm.owner)
    with pytest.raises(OwnMembership):
        accounts.change_role(firm.organization, id, Role.VIEWER, by=by, at=AT)
    with pytest.raises(OwnMembership):
        accounts.remove(firm.organization, id, reason="", by=by, at=AT)


def test_a_strangers_member_does_not_exist(firm: Firm) -> None:
    other = Firm()
    with pytest.raises(NotFound):
        accounts.remove(firm.organization, other.id(other.viewer), reason="", by=firm.by(firm.owner), at=AT)


def test_who_is_removed_is_signed_out_everywhere(firm: Firm) -> None:
    _session, token = credentials.start_session(firm.viewer, at=AT)
    _other, kept = credentials.start_session(firm.second, at=AT)
    accounts.remove(firm.organization, firm.id(firm.viewer), reason="离职", by=firm.by(firm.owner), at=AT)
    assert place_of(firm.viewer, firm.organization) is None
    assert credentials.session_of_token(token, at=AT) is None
    assert credentials.session_of_token(kept, at=AT) is not None


@pytest.mark.parametrize("kind", list(OrganizationKind))
def test_the_last_who_may_do_everything_stays(session: object, kind: OrganizationKind) -> None:
    firm = Firm(kind)
    refusal = LastSuper if kind is OrganizationKind.PLATFORM else LastTop
    accounts.leave(firm.organization, firm.second, by=firm.by(firm.second), at=AT)
    with pytest.raises(refusal):
        accounts.leave(firm.organization, firm.owner, by=firm.by(firm.owner), at=AT)
    accounts.leave(firm.organization, firm.viewer, by=firm.by(firm.viewer), at=AT)
    assert [m.user_id for m in accounts.members_of(firm.organization)] == [firm.owner.id]


def test_an_owner_who_can_no_longer_sign_in_does_not_count(firm: Firm) -> None:
    firm.second.disabled_at = AT
    db.session.flush()
    with pytest.raises(LastTop):
        accounts.leave(firm.organization, firm.owner, by=firm.by(firm.owner), at=AT)


def test_leaving_twice_is_nothing_to_leave(firm: Firm) -> None:
    accounts.leave(firm.organization, firm.viewer, by=firm.by(firm.viewer), at=AT)
    with pytest.raises(NotFound):
        accounts.leave(firm.organization, firm.viewer, by=firm.by(firm.viewer), at=AT)


def test_nobody_grants_a_role_that_may_do_more_than_her_own(firm: Firm) -> None:
    for role in (Role.OWNER, Role.FINANCE):
        with pytest.raises(NotYours):
            check_grant(firm.organization, Role.PURCHASER, role)
    check_grant(firm.organization, Role.OWNER, Role.OWNER)


def test_of_two_owners_who_remove_each_other_at_once_one_stays(database: None) -> None:
    with db.transaction():
        firm = Firm()
        ids = {user.id: firm.id(user) for user in (firm.owner, firm.second)}

    def remove(by: User, whom: User) -> object:
        organization = db.session.get_one(Organization, firm.organization.id)
        return accounts.remove(organization, ids[whom.id], reason="", by=firm.by(by), at=AT)

    answers = together(lambda: remove(firm.owner, firm.second), lambda: remove(firm.second, firm.owner))
    assert sorted(type(answer).__name__ for answer in answers) == ["NoLonger", "User"]
    with db.transaction():
        assert [m.role for m in accounts.members_of(firm.organization)] == [Role.OWNER, Role.VIEWER]


def test_of_two_owners_who_leave_at_once_one_stays(database: None) -> None:
    with db.transaction():
        firm = Firm()

    def leave(user: User) -> object:
        organization = db.session.get_one(Organization, firm.organization.id)
        return accounts.leave(organization, user, by=firm.by(user), at=AT)

    answers = together(lambda: leave(firm.owner), lambda: leave(firm.second))
    assert sorted(type(answer).__name__ for answer in answers) == ["LastTop", "NoneType"]


def test_the_standing_of_members_says_when_they_were_here_and_whether_they_have_a_second_step(firm: Firm) -> None:
    credentials.start_session(firm.owner, at=AT)
    credentials.start_session(firm.owner, at=AT + timedelta(hours=1))
    standing = credentials.standings([firm.owner.id, firm.viewer.id])
    assert standing[firm.owner.id] == credentials.Standing(AT + timedelta(hours=1), False)
    assert standing[firm.viewer.id].last_seen_at is None


def test_an_administrator_counts_for_the_one_office(session: object) -> None:
    first = an_administrator()
    with pytest.raises(LastSuper):
        accounts.leave(the_office(), first, by=an_actor(first, the_office()), at=AT)
