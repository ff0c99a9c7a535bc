"""Checking a firm against its business licence: application, decision, expiry, and when to check again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import select

from market import audit, db, documents
from market.accounts import queries, uscc
from market.accounts.models import (
    CHECK_LIFECYCLE,
    CheckStatus,
    Organization,
    OrganizationKind,
    User,
    Verification,
)
from market.accounts.signals import check_expired, check_expiring, verification_decided
from market.documents import Document
from market.errors import Invalid, Refused
from market.kit import working_days
from market.kit.period import anchored_day, local_day

#: Within how many working days an application is to be decided.
TARGET_DAYS = 3
#: How long before its last day a firm is reminded, and then again.
REMINDERS = (30, 7)


class AlreadyDecided(Refused):
    """Somebody else has decided, or the firm has sent in something newer."""

    code = "verification_already_decided"
    message = "这份申请已经有结果，或企业又交了新的材料。请回到列表看最新的。"


def submit(
    organization: Organization, *, filename: str, data: bytes, user: User, by: audit.Actor, at: datetime
) -> Verification:
    """Ask for a check with this licence, a picture or a PDF. What waits already is replaced, a check that holds ends.

    Raises Invalid with `fields`. The firm is locked before the file's row refers to it: two that are sent in at once
    would otherwise wait for each other.
    """
    db.lock(organization)
    if wrong := uscc.problem(organization.uscc or ""):
        raise Invalid(fields={"document": wrong})
    document = documents.store(organization.id, filename=filename, data=data, by=by, at=at)
    if organization.check_status is CheckStatus.VERIFIED:
        _expire(organization, "licence_replaced", by=by, at=at)
    if organization.check_status is not CheckStatus.CHECKING:
        _move(organization, CheckStatus.CHECKING)
    _replace(organization, at=at)
    db.session.flush()
    return _ask(organization, document.id, user.id, by=by, at=at)


def identity_changed(organization: Organization, *, by: audit.Actor, at: datetime) -> None:
    """The name or the code is another one: a check that holds ends, one that waits is about the new facts."""
    if organization.check_status is CheckStatus.VERIFIED:
        _expire(organization, "identity_changed", by=by, at=at)
    elif organization.check_status is CheckStatus.CHECKING and (old := _replace(organization, at=at)):
        _ask(organization, old.document_id, old.submitted_by_id, by=by, at=at)


def verify(verification: Verification, *, licence_until: date | None, user: User, by: audit.Actor, at: datetime) -> None:
    """The facts are those of the licence: valid until its last day, one year at most. None: the licence has no end."""
    organization, today = _taken(verification), local_day(at)
    if licence_until is not None and licence_until < today:
        raise Invalid(fields={"licence_until": "这一天已经过去。执照过期的请选“不通过”，写明原因。"})
    year = anchored_day(today, 1, "year")
    organization.verified_at, organization.verified_until = at, min(licence_until or year, year)
    verification.licence_until = licence_until
    _decide(verification, organization, CheckStatus.VERIFIED, "", user=user, by=by, at=at)


def refuse(verification: Verification, *, reason: str, user: User, by: audit.Actor, at: datetime) -> None:
    """Not verified; the firm reads the reason as it is written here, and may apply again."""
    organization = _taken(verification)
    if not reason.strip():
        raise Invalid(fields={"reason": "写明原因，企业会原样看到。"})
    _decide(verification, organization, CheckStatus.REFUSED, reason.strip(), user=user, by=by, at=at)


def expire_due(now: datetime) -> None:
    """End the checks whose last day is over, and remind the firms whose last day is near."""
    today = local_day(now)
    with db.transaction(readonly=True):
        query = select(Organization.id).where(Organization.check_status == CheckStatus.VERIFIED)
        due = db.session.scalars(query.where(Organization.verified_until <= today + timedelta(days=max(REMINDERS)))).all()
    for id in due:
        with db.transaction():
            _look_at(db.session.get_one(Organization, id), today, now)


def _look_at(organization: Organization, today: date, now: datetime) -> None:
    db.lock(organization)
    until = organization.verified_until
    if organization.check_status is not CheckStatus.VERIFIED or until is None:
        return
    if until < today:
        _expire(organization, "check_over", by=audit.system("worker", organization_id=organization.id), at=now)
        check_expired.send(organization, at=now)
        return
    near = [days for days in REMINDERS if until <= today + timedelta(days=days)]
    if near:
        check_expiring.send(organization, days=min(near), at=now)


def is_verified(organization: Organization, *, on: date) -> bool:
    """Whether the check holds on this day, even before the sweep has come round."""
    until = organization.verified_until
    return organization.check_status is CheckStatus.VERIFIED and until is not None and on <= until


def decide_by(submitted_at: datetime) -> date:
    """The last working day on which an application is decided in time."""
    return working_days.later(local_day(submitted_at), TARGET_DAYS)


@dataclass(frozen=True)
class Findings:
    """What a program can see about an application; an administrator looks at the rest."""

    #: Whether the code passes both of its check digits, and the city where it was given out.
    code_right: bool
    code_city: str
    #: Other firms of the same name, and other firms that sent in the very same file.
    same_name: list[Organization]
    same_file: list[Organization]
    #: Earlier applications of this firm that were refused.
    refused_before: int


def findings(verification: Verification) -> Findings:
    """Compare an application with everything else."""
    mine = verification.organization_id
    named = select(Organization).where(
        Organization.name == verification.name, Organization.kind == OrganizationKind.BUYER, Organization.id != mine
    )
    document = documents.document_by_id(verification.document_id)
    sent = select(Organization).join(Document, Document.organization_id == Organization.id)
    sent = sent.where(Document.sha256 == document.sha256, Organization.id != mine).distinct()
    past = queries.verifications_of(verification.organization_id)
    return Findings(
        code_right=uscc.problem(verification.uscc) is None,
        code_city=uscc.place(verification.uscc),
        same_name=list(db.session.scalars(named.order_by(Organization.id).limit(5))),
        same_file=list(db.session.scalars(sent.order_by(Organization.id).limit(5))),
        refused_before=sum(one.verified is False for one in past),
    )


def _ask(organization: Organization, document_id: int, user_id: int, *, by: audit.Actor, at: datetime) -> Verification:
    verification = Verification(
        organization=organization,
        name=organization.name,
        uscc=organization.uscc or "",
        document_id=document_id,
        submitted_by_id=user_id,
        submitted_at=at,
    )
    db.session.add(verification)
    audit.record(
        "verification.submitted", verification, by=by, at=at, organization_id=organization.id,
        after={"name": verification.name, "uscc": verification.uscc},
    )  # fmt: skip
    return verification


def _replace(organization: Organization, *, at: datetime) -> Verification | None:
    waiting = queries.waiting_verification_of(organization)
    if waiting is not None:
        waiting.replaced_at = at
        db.session.flush()
    return waiting


def _taken(verification: Verification) -> Organization:
    """The firm, locked, and the application as it stands now. Two who decide at once take turns."""
    db.lock(verification.organization)
    db.lock(verification)
    if not verification.waits:
        raise AlreadyDecided
    return verification.organization


def _decide(
    verification: Verification, organization: Organization, to: CheckStatus, reason: str,
    *, user: User, by: audit.Actor, at: datetime,
) -> None:  # fmt: skip
    _move(organization, to)
    verification.verified, verification.reason = to is CheckStatus.VERIFIED, reason
    verification.decided_at, verification.decided_by_id = at, user.id
    until = organization.verified_until if verification.verified else None
    audit.record(
        "verification.verified" if verification.verified else "verification.refused", verification, by=by, at=at,
        reason=reason, organization_id=organization.id, before={"status": CheckStatus.CHECKING.value},
        after={"status": to.value, "until": until.isoformat() if until else None},
    )  # fmt: skip
    verification_decided.send(verification, at=at)


def _expire(organization: Organization, reason: str, *, by: audit.Actor, at: datetime) -> None:
    _move(organization, CheckStatus.EXPIRED)
    audit.record(
        "organization.check_expired", organization, by=by, at=at, reason=reason, organization_id=organization.id,
        before={"status": CheckStatus.VERIFIED.value}, after={"status": CheckStatus.EXPIRED.value},
    )  # fmt: skip


def _move(organization: Organization, to: CheckStatus) -> None:
    CHECK_LIFECYCLE.check(organization.check_status, to)
    organization.check_status = to
