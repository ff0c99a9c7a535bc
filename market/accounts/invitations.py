"""Invitations: a place in an organization, offered to an e-mail address for a week.

The word in the link is stored only as a hash, works once and only for the person with that address.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from market import audit, db
from market.accounts import actions, emails, members, names, passwords
from market.accounts.models import Invitation, Membership, Organization, Role, User
from market.accounts.queries import user_by_email
from market.accounts.signals import invitation_sent
from market.errors import Forbidden, Invalid, NotFound, Refused
from market.kit.refusal import Refusal

LIFE = timedelta(days=7)
#: How long one waits before the same letter may be sent once more, and how many may be open at once.
PAUSE, MOST_OPEN = timedelta(minutes=5), 50

#: What using an invitation needs to have loaded.
LOADED = (joinedload(Invitation.organization), joinedload(Invitation.invited_by))
_OPEN = (Invitation.accepted_at.is_(None), Invitation.withdrawn_at.is_(None))


class InvitationGone(Refused):
    """The invitation is there, and can no longer be taken."""

    status = 410


class InvitationUsed(InvitationGone):
    """It has been taken."""

    code, title = "invitation_used", "这份邀请已经用过"
    message = "每份邀请只能用一次。如果是您用的，直接登录就能看到“%(organization)s”。"


class InvitationWithdrawn(InvitationGone):
    """Whoever sent it has taken it back, or sent a newer one."""

    code, title = "invitation_withdrawn", "这份邀请已经撤回"
    message = "“%(organization)s”撤回了这份邀请，或者重新发过一份。请看看有没有更新的邀请信，或问问邀请您的人。"


class InvitationExpired(InvitationGone):
    """It was not taken within its week."""

    code, title = "invitation_expired", "这份邀请已经过期"
    message = "邀请的有效期是 7 天。请“%(organization)s”的人在成员页面再寄一次。"


class OtherAddress(Forbidden):
    """It was sent to somebody else."""

    code, title = "invitation_for_another", "这份邀请不是发给您现在的账号的"
    message = "邀请发给 %(invited)s，您现在用 %(own)s 登录。请退出后，用收到邀请的邮箱登录或注册。"


class SentJustNow(Refused):
    """Its letter was written a moment ago."""

    code = "invitation_sent_just_now"
    message = "上一封邀请信写好还不到 5 分钟，里面的链接可以用。过 5 分钟再寄。"


class TooManyOpen(Refused):
    """Nobody has that many colleagues at once; somebody with many addresses is sending mail to strangers."""

    code = "too_many_invitations"
    message = "还有 %(number)s 份邀请没有回应。请先撤回不再需要的，再发新的。"


def invite(
    organization: Organization, *, email: str, role: Role, inviter: User, by: audit.Actor, at: datetime
) -> Invitation:
    """Offer a place; the letter goes out with the word in its link. Raises Invalid, TooManyOpen and what members raise."""
    members.turn(organization)
    members.check_grant(organization, members.entitled(organization, by), role)
    email = emails.normal(email)
    if problem := emails.problem(email):
        raise Invalid(fields={"email": problem})
    _refuse_known(organization, email, at)
    invitation = Invitation(
        organization=organization, email=email, role=role, invited_by=inviter, created_at=at, token_hash="", expires_at=at
    )  # fmt: skip
    token = _renew(invitation, at)
    db.session.add(invitation)
    _record("invitation.sent", invitation, by=by, at=at, after={"role": role.value, "email": email})
    invitation_sent.send(invitation, token=token, at=at)
    return invitation


def resend(organization: Organization, id: int, *, by: audit.Actor, at: datetime) -> Invitation:
    """Send it once more, for another week; the link of the earlier letter stops working."""
    invitation = _open(organization, id, by)
    if at < sent_at(invitation) + PAUSE:
        raise SentJustNow
    token = _renew(invitation, at)
    _record("invitation.resent", invitation, by=by, at=at)
    invitation_sent.send(invitation, token=token, at=at)
    return invitation


def withdraw(organization: Organization, id: int, *, by: audit.Actor, at: datetime) -> Invitation:
    """Take it back; the link stops working."""
    invitation = _open(organization, id, by)
    invitation.withdrawn_at = at
    _record("invitation.withdrawn", invitation, by=by, at=at)
    return invitation


def sent_at(invitation: Invitation) -> datetime:
    """When its letter went out last."""
    return invitation.expires_at - LIFE


def open_invitations(organization: Organization) -> Sequence[Invitation]:
    """What nobody has taken or withdrawn, the latest first; those too old too, because they can be sent again."""
    query = select(Invitation).where(Invitation.organization_id == organization.id, *_OPEN)
    query = query.order_by(Invitation.id.desc()).options(joinedload(Invitation.invited_by))
    return db.session.scalars(query).all()


def invitation_of_token(token: str, *, at: datetime) -> Invitation:
    """The invitation behind a link. Raises NotFound for a forged one, InvitationGone for one that is over."""
    query = select(Invitation).where(Invitation.token_hash == _digest(token))
    found = db.session.scalar(query.options(*LOADED))
    if found is None:
        raise NotFound
    _check_open(found, at)
    return found


def accept(invitation: Invitation, user: User, *, at: datetime, address: str = "") -> Membership:
    """Take the place. The letter reached `user`, so her address is confirmed as well.

    Raises OtherAddress, InvitationGone; of two who accept at once the second finds it used.
    """
    organization = invitation.organization
    members.turn(organization)
    db.lock(invitation)
    _check_open(invitation, at)
    if user.email != invitation.email:
        raise OtherAddress(invited=audit.masked(invitation.email), own=user.email)
    invitation.accepted_at, invitation.accepted_by_id = at, user.id
    user.email_confirmed_at = user.email_confirmed_at or at
    membership = _join(invitation, user, at)
    actor = audit.Actor("user", user.id, user.name, organization.id, address)
    _record("invitation.accepted", invitation, by=actor, at=at, after={"role": membership.role.value})
    return membership


def accept_as_new(
    invitation: Invitation, *, name: str, password_hash: str, locale: str, at: datetime, address: str = ""
) -> Membership:
    """Take the place as somebody who had no account: the letter has proved the address."""
    members.turn(invitation.organization)
    db.lock(invitation)
    _check_open(invitation, at)
    user = actions.add_user(email=invitation.email, name=name, password_hash=password_hash, at=at, locale=locale)
    return accept(invitation, user, at=at, address=address)


def check_newcomer(email: str, name: str, password: str) -> None:
    """What somebody new typed, before the slow hash. Raises Invalid."""
    problems: dict[str, str | Refusal] = {}
    if wrong := names.problem(name):
        problems["name"] = wrong
    if problem := passwords.problem(password, email=email, name=name):
        problems["password"] = problem
    if problems:
        raise Invalid(fields=problems)


def _refuse_known(organization: Organization, email: str, at: datetime) -> None:
    """Say when somebody is a member or has an open invitation; one that is too old makes room."""
    user = user_by_email(email)
    here = Membership.organization_id == organization.id
    if user and db.session.scalar(select(Membership.id).where(here, Membership.user_id == user.id)):
        raise Invalid(fields={"email": "这个邮箱已经是这里的成员。要换角色，请在成员列表里修改。"})
    waiting = select(Invitation).where(Invitation.organization_id == organization.id, *_OPEN)
    earlier = db.session.scalar(waiting.where(Invitation.email == email))
    if earlier is not None and at < earlier.expires_at:
        raise Invalid(fields={"email": "已经邀请过这个邮箱，还没有回应。可以在邀请列表里再寄一次。"})
    if earlier is not None:
        earlier.withdrawn_at = at
        db.session.flush()
    number = db.session.scalar(select(func.count()).select_from(waiting.subquery())) or 0
    if number >= MOST_OPEN:
        raise TooManyOpen(number=number)


def _open(organization: Organization, id: int, by: audit.Actor) -> Invitation:
    members.turn(organization)
    own = members.entitled(organization, by)
    query = select(Invitation).where(Invitation.id == id, Invitation.organization_id == organization.id)
    found = db.session.scalar(query.options(*LOADED))
    if found is None:
        raise NotFound
    db.lock(found)
    if found.accepted_at or found.withdrawn_at:
        raise (InvitationUsed if found.accepted_at else InvitationWithdrawn)(organization=organization.name)
    members.check_grant(organization, own, found.role)
    return found


def _check_open(invitation: Invitation, at: datetime) -> None:
    name = invitation.organization.name
    if invitation.accepted_at:
        raise InvitationUsed(organization=name)
    if invitation.withdrawn_at:
        raise InvitationWithdrawn(organization=name)
    if at >= invitation.expires_at:
        raise InvitationExpired(organization=name)


def _join(invitation: Invitation, user: User, at: datetime) -> Membership:
    """Her membership; somebody who came in by another way meanwhile keeps the role she has."""
    here = Membership.organization_id == invitation.organization_id
    query = select(Membership).where(here, Membership.user_id == user.id).options(joinedload(Membership.organization))
    known = db.session.scalar(query)
    return known or actions.join(user, invitation.organization, invitation.role, at=at)


def _renew(invitation: Invitation, at: datetime) -> str:
    token = secrets.token_urlsafe(32)
    invitation.token_hash, invitation.expires_at = _digest(token), at + LIFE
    return token


def _record(
    action: str, invitation: Invitation, *, by: audit.Actor, at: datetime, after: dict[str, str] | None = None
) -> None:
    label = audit.masked(invitation.email)
    audit.record(action, invitation, by=by, at=at, label=label, organization_id=invitation.organization_id, after=after)


def _digest(token: str) -> str:
    """A random word of 256 bits, for which a fast hash is safe."""
    return hashlib.sha256(token.encode()).hexdigest()
