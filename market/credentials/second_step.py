"""The second step: what a person can take it with, who must, and that an administrator keeps one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select

from market import audit, db
from market.accounts.models import Membership, Organization, OrganizationKind, User
from market.credentials import signals
from market.credentials.models import Authenticator, Passkey, RecoveryCode, Session
from market.errors import Refused


class LastSecondStep(Refused):
    """An administrator would be left with a password alone."""

    code = "last_second_step"
    message = "管理员必须开着两步验证，这是您的最后一种方式。请先添加另一种，再来移除它。"


@dataclass(frozen=True)
class Means:
    """What a person can take the second step with."""

    authenticator: Authenticator | None
    passkeys: Sequence[Passkey]
    #: How many recovery codes have not been used.
    recovery_codes: int

    @property
    def any(self) -> bool:
        """Whether she has a second step at all; recovery codes alone are none."""
        return self.authenticator is not None or bool(self.passkeys)


def means_of(user: User) -> Means:
    """What this person can take the second step with."""
    authenticator = select(Authenticator).where(Authenticator.user_id == user.id, Authenticator.in_force)
    passkeys = select(Passkey).where(Passkey.user_id == user.id).order_by(Passkey.id)
    unused = RecoveryCode.user_id == user.id, RecoveryCode.used_at.is_(None)
    return Means(
        db.session.scalar(authenticator),
        db.session.scalars(passkeys).all(),
        db.session.scalar(select(func.count(RecoveryCode.id)).where(*unused)) or 0,
    )


def second_step_due(user: User) -> bool:
    """Whether signing in takes a second step: she has an authenticator or a passkey."""
    return means_of(user).any


def second_step_required(user: User) -> bool:
    """Whether she may not be without one: she belongs to the office that runs the marketplace."""
    office = Organization.kind == OrganizationKind.PLATFORM
    query = select(Membership.id).join(Membership.organization).where(Membership.user_id == user.id, office)
    return db.session.scalar(query.limit(1)) is not None


def take_second_step(session: Session, *, by: audit.Actor, at: datetime) -> None:
    """Whoever holds this session has shown just now that it is she: with a second step that she has, or has just set up."""
    session.second_step_at = session.proved_at = at
    audit.record("user.second_step_taken", session.user, by=by, at=at)


def take_away(user: User, means: Authenticator | Passkey) -> None:
    """Delete one of her means. Raises LastSecondStep for an administrator's last; without any, the codes go too."""
    db.lock(user)  # of two removals at once the second sees what the first left
    held = means_of(user)
    others = len(held.passkeys) + (held.authenticator is not None) - 1
    if not others and second_step_required(user):
        raise LastSecondStep
    db.session.delete(means)
    if not others:
        db.session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user.id))
    db.session.flush()


def forget_second_steps(user: User, *, by: audit.Actor, at: datetime, reason: str) -> Means:
    """Take away all of them, for somebody who has lost everything and proved who she is in another way."""
    held = means_of(user)
    for table in (Authenticator, Passkey, RecoveryCode):
        db.session.execute(delete(table).where(table.user_id == user.id))
    before = {"authenticator": held.authenticator is not None, "passkeys": [key.name for key in held.passkeys]}
    audit.record("second_step.forgotten", user, by=by, at=at, reason=reason, before=before)
    signals.second_step_changed.send(user, change="removed", means="everything", at=at)
    return held
