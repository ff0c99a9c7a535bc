"""Colleagues and invitations for tests."""

from __future__ import annotations

from datetime import datetime

from market import accounts
from market.accounts.models import Invitation, Organization, Role, User
from tests.builders.accounts import a_member, an_actor
from tests.builders.billing import moment

WEDNESDAY = moment("2026-11-18 09:00")


def an_invitation(
    inviter: User, organization: Organization, *, email: str, role: Role | None = None, at: datetime = WEDNESDAY
) -> tuple[Invitation, str]:
    """An open invitation by this owner, and the word of its link, which only the letter has."""
    words: list[str] = []

    def hear(_invitation: Invitation, *, token: str, at: datetime) -> None:
        words.append(token)

    accounts.invitation_sent.connect(hear)
    try:
        invitation = accounts.invite(
            organization, email=email, role=role or accounts.roles_of(organization.kind)[-2], inviter=inviter,
            by=an_actor(inviter, organization), at=at,
        )  # fmt: skip
    finally:
        accounts.invitation_sent.disconnect(hear)
    return invitation, words[0]


def a_team(owner: User, face: str, mark: str) -> dict[str, dict[str, int | str]]:
    """A colleague and an open invitation; the arguments of the addresses about them."""
    organization = accounts.memberships_of(owner)[0].organization
    colleague = a_member(organization, accounts.roles_of(organization.kind)[-2])
    place = next(each for each in accounts.members_of(organization) if each.user_id == colleague.id)
    invitation, _token = an_invitation(owner, organization, email=f"{face}-{mark}@example.com")
    offered: dict[str, int | str] = {"id": invitation.id}
    return {f"{face}.team": {"id": place.id}, f"{face}.team.resend": offered, f"{face}.team.withdraw": offered}
