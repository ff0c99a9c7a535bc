"""Members: changing a role, removing somebody, leaving. An organization is never left without its top role.

Whoever changes members of one organization takes turns (`turn`), and what she may do is looked up after waiting:
of two owners who remove each other at once, the first succeeds and the second is no longer a member.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from market import audit, db
from market.accounts.models import Membership, Organization, Role, User
from market.accounts.permissions import grantable, may, roles_of, top_of
from market.accounts.signals import member_removed
from market.errors import Forbidden, Invalid, NotFound, Refused

EDIT = "members.edit"


class LastTop(Refused):
    """The organization would be left without anybody who may do everything."""

    code = "last_owner"
    message = "“%(organization)s”至少要有一位老板（所有者）。请先让另一位成员担任；没有别的成员，就先邀请一位。"


class LastSuper(LastTop):
    """The office would be left without anybody who may do everything."""

    message = "平台至少要有一位超级管理员。请先让另一位管理员担任；没有别的管理员，就先邀请一位。"


class OwnMembership(Refused):
    """Nobody gives herself another role or removes herself; leaving is something else."""

    code = "own_membership"
    message = "不能修改或移除自己。角色请另一位有权限的成员来改；要离开，请用“退出”。"


class NotYours(Forbidden):
    """The role may do more than the one who wants to give it or take it away."""

    code = "role_above_own"
    message = "这个角色的权限比您的多，您不能分配，也不能移除它的成员。"


class NoLonger(Forbidden):
    """Between the page and the button she lost the right to change members."""

    code = "no_longer_entitled"
    message = "您已经不能管理这里的成员，刚才的操作没有生效。"


def turn(organization: Organization) -> None:
    """Wait for whoever is changing the members of this organization, until the transaction ends."""
    db.serialize(f"members {organization.id}")


def membership_of(organization: Organization, id: int) -> Membership:
    """A member of this organization, with the person. Raises NotFound for a stranger's."""
    query = select(Membership).where(Membership.id == id, Membership.organization_id == organization.id)
    found = db.session.scalar(query.options(joinedload(Membership.user)))
    if found is None:
        raise NotFound
    return found


def entitled(organization: Organization, actor: audit.Actor) -> Role:
    """The role under which `actor` changes members now. Raises NoLonger; call it after waiting for the turn."""
    query = select(Membership.role).where(
        Membership.organization_id == organization.id, Membership.user_id == actor.id
    )
    role = db.session.scalar(query) if actor.kind == "user" else None
    if role is None or not may(organization.kind, role, EDIT):
        raise NoLonger
    return role


def check_grant(organization: Organization, own: Role, wanted: Role) -> None:
    """Raises Invalid for a role that does not exist here, NotYours for one that may do more than `own`."""
    if wanted not in roles_of(organization.kind):
        raise Invalid(fields={"role": "选择列表里的角色。"})
    if wanted not in grantable(organization.kind, own):
        raise NotYours(field="role")


def change_role(
    organization: Organization, id: int, role: Role, *, by: audit.Actor, at: datetime
) -> Membership:
    """Give a member another role; it counts from her next click on. The same role again changes nothing."""
    membership, own = _others(organization, id, by)
    check_grant(organization, own, role)
    if role is membership.role:
        return membership
    before = membership.role
    _keep_a_top(organization, membership)
    membership.role = role
    audit.record(
        "member.role_changed", membership.user, by=by, at=at, organization_id=organization.id,
        before={"role": before.value}, after={"role": role.value},
    )  # fmt: skip
    return membership


def remove(organization: Organization, id: int, *, reason: str, by: audit.Actor, at: datetime) -> User:
    """Take a member out. Her sessions end, and her next click no longer gets in."""
    membership, _own = _others(organization, id, by)
    _keep_a_top(organization, membership)
    user = membership.user
    _end(organization, membership, "member.removed", by=by, at=at, reason=reason)
    member_removed.send(user, organization=organization, at=at)
    return user


def leave(organization: Organization, user: User, *, by: audit.Actor, at: datetime) -> None:
    """Go by oneself. The last of the top role cannot. Raises NotFound for somebody who has gone."""
    turn(organization)
    query = select(Membership).where(
        Membership.organization_id == organization.id, Membership.user_id == user.id
    )
    membership = db.session.scalar(query.options(joinedload(Membership.user)))
    if membership is None:
        raise NotFound
    db.lock(membership)
    _keep_a_top(organization, membership)
    _end(organization, membership, "member.left", by=by, at=at)


def _others(organization: Organization, id: int, by: audit.Actor) -> tuple[Membership, Role]:
    """Somebody else's membership, as it is now that it is our turn, and the role under which one may change it."""
    turn(organization)
    own = entitled(organization, by)
    membership = membership_of(organization, id)
    db.lock(membership)
    if membership.user_id == by.id:
        raise OwnMembership
    if membership.role not in grantable(organization.kind, own):
        raise NotYours
    return membership, own


def missed(organization: Organization, membership: Membership) -> LastTop | None:
    """Why this member can neither go nor become less, as the refusal that would be raised; None if she may."""
    top = top_of(organization.kind)
    query = select(func.count()).select_from(Membership).join(User, User.id == Membership.user_id)
    others = query.where(
        Membership.organization_id == organization.id, Membership.role == top, Membership.id != membership.id,
        User.disabled_at.is_(None),
    )  # fmt: skip
    if membership.role is top and not db.session.scalar(others):
        return (LastSuper if top is Role.SUPER else LastTop)(organization=organization.name)
    return None


def _keep_a_top(organization: Organization, membership: Membership) -> None:
    if refusal := missed(organization, membership):
        raise refusal


def _end(
    organization: Organization, membership: Membership, action: str, *, by: audit.Actor, at: datetime, reason: str = ""
) -> None:
    audit.record(
        action, membership.user, by=by, at=at, reason=reason, organization_id=organization.id,
        before={"role": membership.role.value},
    )  # fmt: skip
    db.session.delete(membership)
    db.session.flush()
