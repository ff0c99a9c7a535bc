"""Letters about a change of the rules or the privacy policy: to every owner, a batch at a time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select

from market import db, policies
from market.accounts import Membership, Organization, OrganizationKind, Role, User
from market.notifications import letters
from market.notifications.actions import enqueue
from market.policies import PolicyVersion

BATCH = 200


def tell_of_policies(now: datetime) -> int:
    """Write the next batch about the oldest announcement that is not told to everybody; returns how many letters.

    How far it has come is committed with the letters, so being killed loses and repeats nothing.
    """
    with db.transaction(readonly=True):
        if policies.untold() is None:
            return 0
    with db.transaction():
        db.serialize("policy letters")
        version = policies.untold()
        if version is None:
            return 0
        owners = _owners_after(version.told_up_to_id)
        for user in owners:
            _write(version, user, now)
        done = len(owners) < BATCH
        policies.told(version, up_to=owners[-1].id if owners else version.told_up_to_id, at=now if done else None)
        return len(owners)


def _owners_after(id: int) -> Sequence[User]:
    """The next owners of firms that buy or sell; whoever owns several gets one letter."""
    owned = (
        select(Membership.user_id)
        .join(Organization, Organization.id == Membership.organization_id)
        .where(Membership.role == Role.OWNER, Organization.kind.in_((OrganizationKind.BUYER, OrganizationKind.PROVIDER)))
    )
    query = select(User).where(User.id > id, User.id.in_(owned), User.disabled_at.is_(None), User.erased_at.is_(None))
    return db.session.scalars(query.order_by(User.id).limit(BATCH)).all()


def _write(version: PolicyVersion, user: User, now: datetime) -> None:
    language = user.locale if user.locale in letters.LANGUAGES else "zh"
    subject, body = letters.write(
        "policy_announced", language, name=user.name, version=version, about=version.subject.value,
        changes=version.changes_en if language == "en" else version.changes_zh,
    )  # fmt: skip
    enqueue(f"policy_announced.{version.id}.{user.id}", user, subject, body, at=now)
