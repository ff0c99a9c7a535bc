"""Erasing a person: what names her goes, what the law wants kept stays under her number.

Bills, contracts and the audit trail are kept for years (E-commerce Law, Art. 31: three at least; accounting law: longer).
They name the firm, and the person by number only; the trail's seal holds without the name (see `audit.forget`).
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Select, delete, select, update

from market import audit, billing, db
from market.accounts.models import (
    Invitation,
    Membership,
    Organization,
    OrganizationKind,
    Registration,
    Role,
    User,
)
from market.billing import Bill, BillStatus, credit_notes
from market.billing.credit_notes import RefundRequest
from market.catalog.models import OfferingRevision, ReviewComment
from market.credentials.models import Authenticator, LinkRequest, Passkey, RecoveryCode, Session, Token
from market.errors import Refused
from market.privacy.models import Export, ExportStatus
from market.privacy.signals import person_erased
from market.quality.models import ProblemReport, Requirement
from market.subscriptions.models import Subscription, SubscriptionStatus

#: The roles that can let others in; an organization must not be left without one.
HEADS = (Role.OWNER, Role.SUPER)
#: Bills on which nothing is to be paid any more.
_OVER = (BillStatus.PAID, BillStatus.WRITTEN_OFF, BillStatus.VOID)


class LastOwner(Refused):
    """An organization would be left with members and nobody who can let others in."""

    code = "last_owner"
    message = "您是“%(organization)s”唯一的所有者。先请另一位成员担任所有者，再注销。"


class StillInUse(Refused):
    """Her firm still buys or owes something, and nobody else could see to it."""

    code = "organization_still_in_use"
    message = "“%(organization)s”还有使用中的订阅或没付清的账单，而您是唯一的成员。先停用订阅、付清账单，再注销。"


class BillToCome(StillInUse):
    """All has ended, but what was used is not on an issued bill yet, and somebody has to get it."""

    code = "last_bill_to_come"
    message = "“%(organization)s”最后一张账单还没出，而您是唯一的成员。账单在账期结束后几天内出，付清以后再注销。"


class MoneyLeft(StillInUse):
    """Her firm has money to get, which nobody could ask for any more."""

    code = "organization_has_balance"
    message = "“%(organization)s”还有余额或没退完的款，而您是唯一的成员。先申请退款，钱到账以后再注销。"


class OnlyMember(Refused):
    """A provider or the office would be left with nobody at all."""

    code = "only_member"
    message = "您是“%(organization)s”唯一的成员。先邀请另一位所有者，对方接受以后再注销。"


def obstacle(user: User) -> Refused | None:
    """Why she cannot go yet, as the refusal `erase` would raise; None if she may."""
    heads = select(Membership.organization_id).where(Membership.user_id == user.id, Membership.role.in_(HEADS))
    others = select(Membership.organization_id).where(Membership.user_id != user.id)
    alone = select(Organization).where(
        Organization.id.in_(heads), Organization.id.not_in(others.where(Membership.role.in_(HEADS)))
    )
    for organization in db.session.scalars(alone.order_by(Organization.id)):
        if db.session.scalar(others.where(Membership.organization_id == organization.id).limit(1)) is not None:
            return LastOwner(organization=organization.name)
        if organization.kind is not OrganizationKind.BUYER:
            return OnlyMember(organization=organization.name)
        if (kept := _kept_by(organization)) is not None:
            return kept(organization=organization.name)
    return None


def _kept_by(organization: Organization) -> type[StillInUse] | None:
    """What is not over yet: a firm is left when all has ended, is billed and paid, and no money lies here."""
    mine = Subscription.organization_id == organization.id
    if _any(select(Subscription.id).where(mine, Subscription.status != SubscriptionStatus.ENDED)):
        return StillInUse
    reach = billing.closed_until([organization.id]).get(organization.id)
    later = Subscription.ended_at > reach.until if reach and reach.until else Subscription.started_at.is_not(None)
    if _any(select(Subscription.id).where(mine, Subscription.started_at.is_not(None), later)):
        return BillToCome
    if _any(select(Bill.id).where(Bill.organization_id == organization.id, Bill.status.not_in(_OVER))):
        return StillInUse
    refund = RefundRequest.organization_id == organization.id, RefundRequest.status.in_(credit_notes.OPEN_REFUNDS)
    return MoneyLeft if credit_notes.balance(organization) or _any(select(RefundRequest.id).where(*refund)) else None


def _any(query: Select[int]) -> bool:
    return db.session.scalar(query.limit(1)) is not None


def erase(user: User, *, by: audit.Actor, at: datetime) -> None:
    """Remove what names `user`, for good. Raises what `obstacle` tells. Erasing twice changes nothing."""
    for organization_id in sorted(_organizations_of(user)):
        db.serialize(f"members {organization_id}")
    db.lock(user)
    if user.erased_at is not None:
        return
    if (refusal := obstacle(user)) is not None:
        raise refusal
    _unsign(user)
    _withdraw_archives(user, at)
    for table in (Membership, Authenticator, Passkey, RecoveryCode, Token, Session):
        db.session.execute(delete(table).where(table.user_id == user.id))
    db.session.execute(delete(LinkRequest).where((LinkRequest.email == user.email) | (LinkRequest.user_id == user.id)))
    db.session.execute(delete(Registration).where(Registration.email == user.email))
    for kind in (ProblemReport, Requirement):
        db.session.execute(update(kind).where((kind.user_id == user.id) | (kind.email == user.email)).values(email=""))
    person_erased.send(user, at=at)
    user.email, user.name, user.phone = f"erased-{user.id}@invalid", audit.FORGOTTEN, ""
    user.password_hash, user.email_confirmed_at = "", None
    user.disabled_at = user.erased_at = at
    db.session.flush()
    audit.forget(user, by=by, at=at)


def _organizations_of(user: User) -> list[int]:
    return list(db.session.scalars(select(Membership.organization_id).where(Membership.user_id == user.id)))


def _unsign(user: User) -> None:
    """Her name under drafts and remarks, by her number: people of the same name keep theirs."""
    written = update(OfferingRevision).where(OfferingRevision.changed_by_id == user.id)
    db.session.execute(written.values(changed_by=audit.FORGOTTEN))
    db.session.execute(update(ReviewComment).where(ReviewComment.author_id == user.id).values(author=audit.FORGOTTEN))


def _withdraw_archives(user: User, at: datetime) -> None:
    """Her own archives are thrown away by the next sweep; invitations sent to her forget the address."""
    hers = (Export.user_id == user.id, Export.organization_id.is_(None), Export.status == ExportStatus.READY)
    db.session.execute(update(Export).where(*hers).values(expires_at=at))
    forgotten = f"erased-{user.id}@invalid"
    db.session.execute(update(Invitation).where(Invitation.email == user.email).values(email=forgotten))
