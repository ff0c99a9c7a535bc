"""From a provider's desk to the storefront: submitted, read by an administrator, published or sent back.

Whoever decides has claimed the review first and does not belong to the provider. What a revision
says cannot change while it is read, so what was approved is what goes live.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import joinedload, selectinload

from market import audit, db
from market.accounts import Membership, User
from market.catalog import facts
from market.catalog.actions import given, offering_of_revision, record
from market.catalog.comparison import FactChange, PlanChange, compare_facts, compare_plans
from market.catalog.facts import Missing
from market.catalog.models import (
    OFFERING_LIFECYCLE,
    REVISION_LIFECYCLE,
    UNDER_REVIEW,
    Offering,
    OfferingRevision,
    OfferingStatus,
    Plan,
    PlanStatus,
    ReviewComment,
    RevisionStatus,
)
from market.catalog.plans import incomplete_plans, plans_of, publish, retire
from market.catalog.signals import offering_changed, revision_decided, revision_submitted
from market.errors import Forbidden, Invalid, NotFound, Refused
from market.providers import Provider, ProviderStatus

LONGEST_TEXT = 2000
#: What providers are promised: a decision within this time.
REVIEW_TARGET = timedelta(days=3)


class Incomplete(Refused):
    """Something a buyer needs to know is still empty; `missing` lists it."""

    code = "revision_incomplete"
    message = "还有 %(count)s 项必填内容没有完成，补齐后才能提交审核。"

    def __init__(self, missing: Sequence[Missing]) -> None:
        super().__init__(count=len(missing))
        self.missing = list(missing)


class OwnOffering(Forbidden):
    """Nobody decides about the provider she belongs to."""

    code = "reviewer_belongs_to_provider"
    message = "您是这家服务商的成员，不能审核它的服务。请交给另一位审核员。"


class NotClaimed(Refused):
    """Somebody else has this review, or nobody has claimed it yet."""

    code = "review_not_claimed"
    message = "这份审核不在您手上。请先领取，再处理。"


class ProviderNotApproved(Refused):
    """A provider that was not taken in, or is suspended, cannot go live."""

    code = "provider_not_approved"
    message = "服务商现在不能上架服务：还没有通过入驻，或已被暂停。"


# --- verbs -------------------------------------------------------------------------------


def submit(revision: OfferingRevision, *, by: audit.Actor, at: datetime) -> None:
    """Hand a draft or returned revision in. Raises Incomplete with everything that is missing."""
    db.lock(revision)
    db.lock(offering_of_revision(revision))  # its plans do not change from here on
    if not REVISION_LIFECYCLE.allows(revision.status, RevisionStatus.SUBMITTED):
        REVISION_LIFECYCLE.check(revision.status, RevisionStatus.SUBMITTED)
    if gaps := missing(revision):
        raise Incomplete(gaps)
    _move(revision, RevisionStatus.SUBMITTED, "revision.submitted", by=by, at=at)
    revision.submitted_at, revision.reviewer_id, revision.decided_at = at, None, None
    db.session.flush()
    revision_submitted.send(revision, at=at)


def claim(revision: OfferingRevision, *, reviewer: User | None, by: audit.Actor, at: datetime) -> None:
    """Take a submitted revision to read, or take it over from a colleague. None only for the system.

    Raises OwnOffering for a member of the provider.
    """
    db.lock(revision)
    _check_independent(reviewer.id if reviewer else None, revision)
    if revision.status is RevisionStatus.IN_REVIEW:
        if reviewer is not None and revision.reviewer_id != reviewer.id:
            before, revision.reviewer_id = revision.reviewer_id, reviewer.id
            _record("revision.taken_over", revision, by=by, at=at,
                    before={"reviewer": before}, after={"reviewer": reviewer.id})  # fmt: skip
        return
    revision.reviewer_id = reviewer.id if reviewer else None
    _move(revision, RevisionStatus.IN_REVIEW, "revision.claimed", by=by, at=at)


def comment(revision: OfferingRevision, *, field: str, text: str, by: audit.Actor, at: datetime) -> ReviewComment:
    """Say something about one field (`tagline_zh`, `plans.basic`) while reading. Raises NotClaimed, Invalid."""
    _check_mine(revision, by)
    text = text.strip()
    if not text or len(text) > LONGEST_TEXT:
        raise Invalid(fields={"text": "写下这一项要改什么，最多 2000 个字。"})
    if not _is_field(revision, field):
        raise Invalid(fields={"field": "没有这一项。"})
    written = ReviewComment(revision=revision, field=field, text=text, author=by.label, author_id=by.user_id, at=at)
    db.session.add(written)
    _record("revision.commented", revision, by=by, at=at, reason=text, after={"field": field})
    return written


def send_back(revision: OfferingRevision, *, reason: str, by: audit.Actor, at: datetime) -> None:
    """Return a revision for changes; the provider reads the reason word for word."""
    _decide(revision, RevisionStatus.RETURNED, "revision.returned", reason=reason, by=by, at=at)


def refuse(revision: OfferingRevision, *, reason: str, by: audit.Actor, at: datetime) -> None:
    """Refuse a revision for good; a new one can be started."""
    _decide(revision, RevisionStatus.REFUSED, "revision.refused", reason=reason, by=by, at=at)


def approve(revision: OfferingRevision, *, by: audit.Actor, at: datetime) -> None:
    """Approve and publish in one step: words, draft plans and the listing go live together.

    Raises NotClaimed, OwnOffering, Incomplete, ProviderNotApproved.
    """
    _check_mine(revision, by)
    offering = offering_of_revision(revision)
    db.lock(offering)
    if gaps := missing(revision):
        raise Incomplete(gaps)
    if db.session.get_one(Provider, offering.provider_id).status is not ProviderStatus.APPROVED:
        raise ProviderNotApproved
    _move(revision, RevisionStatus.APPROVED, "revision.approved", by=by, at=at)
    revision.decided_at, revision.decision_reason = at, ""
    _publish_words(revision, offering, by=by, at=at)
    _publish_plans(offering, by=by, at=at)
    if offering.status is OfferingStatus.UNLISTED:
        _list(offering, by=by, at=at)
    db.session.expire(offering, ["live_revision", "live_plans"])
    offering_changed.send(offering, at=at)
    revision_decided.send(revision, at=at)


def _publish_words(revision: OfferingRevision, offering: Offering, *, by: audit.Actor, at: datetime) -> None:
    # The old one steps down first: only one published revision fits into the unique index.
    old = published_revision(offering)
    if old is not None:
        _move(old, RevisionStatus.SUPERSEDED, "revision.superseded", by=by, at=at)
        db.session.flush()
    _move(revision, RevisionStatus.PUBLISHED, "revision.published", by=by, at=at)
    revision.published_at = at
    db.session.flush()


def _publish_plans(offering: Offering, *, by: audit.Actor, at: datetime) -> None:
    plans = plans_of(offering)
    drafts = [plan for plan in plans if plan.status is PlanStatus.DRAFT]
    renewed = {plan.slug for plan in drafts}
    for plan in plans:
        if plan.status is PlanStatus.PUBLISHED and plan.slug in renewed:
            retire(plan, by=by, at=at)
    for plan in drafts:
        publish(plan, by=by, at=at)


def _list(offering: Offering, *, by: audit.Actor, at: datetime) -> None:
    OFFERING_LIFECYCLE.move(offering, OfferingStatus.LIVE)
    offering.listed_at = at
    record("offering.listed", offering, offering, by=by, at=at, after={"status": offering.status})


def _decide(
    revision: OfferingRevision, to: RevisionStatus, action: str, *, reason: str, by: audit.Actor, at: datetime
) -> None:
    reason = given(reason)
    if len(reason) > LONGEST_TEXT:
        raise Invalid(fields={"reason": "原因最多 2000 个字。"})
    _check_mine(revision, by)
    _move(revision, to, action, by=by, at=at, reason=reason)
    revision.decided_at, revision.decision_reason = at, reason
    db.session.flush()
    revision_decided.send(revision, at=at)


def _check_mine(revision: OfferingRevision, by: audit.Actor) -> None:
    db.lock(revision)
    if revision.status is not RevisionStatus.IN_REVIEW:
        raise NotClaimed
    if by.kind == "user" and revision.reviewer_id != by.id:
        raise NotClaimed
    _check_independent(by.id if by.kind == "user" else None, revision)


def _check_independent(user_id: int | None, revision: OfferingRevision) -> None:
    if user_id is None:
        return
    provider = db.session.get_one(Provider, offering_of_revision(revision).provider_id)
    ties = select(func.count()).where(
        Membership.user_id == user_id, Membership.organization_id == provider.organization_id
    )
    if db.session.scalar(ties):
        raise OwnOffering


def _is_field(revision: OfferingRevision, field: str) -> bool:
    if field in facts.OF_FIELD or field == "plans":
        return True
    slug = field.removeprefix("plans.")
    plans = select(func.count()).where(Plan.offering_id == revision.offering_id, Plan.slug == slug)
    return field.startswith("plans.") and bool(db.session.scalar(plans))


def _move(
    revision: OfferingRevision, to: RevisionStatus, action: str, *, by: audit.Actor, at: datetime, reason: str = ""
) -> None:
    before = revision.status
    REVISION_LIFECYCLE.move(revision, to)
    _record(action, revision, by=by, at=at, reason=reason, before={"status": before}, after={"status": to})


def _record(action: str, revision: OfferingRevision, **details: Any) -> None:
    record(action, revision, offering_of_revision(revision), **details)


# --- questions ---------------------------------------------------------------------------


def review_queue() -> Select[OfferingRevision]:
    """What waits for a decision, oldest first, with offering, provider, category and reviewer; to be paged."""
    return (
        select(OfferingRevision)
        .where(OfferingRevision.status.in_(UNDER_REVIEW))
        .order_by(OfferingRevision.submitted_at, OfferingRevision.id)
        .options(*_loads())
    )


def revision_for_review(id: int) -> OfferingRevision:
    """Any revision that has been submitted once, with all a reviewer reads. Raises NotFound."""
    query = select(OfferingRevision).where(OfferingRevision.id == id, OfferingRevision.submitted_at.is_not(None))
    revision = db.session.scalar(query.options(*_loads(), selectinload(OfferingRevision.comments)))
    if revision is None:
        raise NotFound
    return revision


def next_to_review(after: OfferingRevision) -> OfferingRevision | None:
    """The oldest revision that waits, other than this one."""
    query = review_queue().where(OfferingRevision.id != after.id, OfferingRevision.reviewer_id.is_(None))
    return db.session.scalar(query.limit(1))


def published_revision(offering: Offering) -> OfferingRevision | None:
    """What buyers read now."""
    query = select(OfferingRevision).where(
        OfferingRevision.offering_id == offering.id, OfferingRevision.status == RevisionStatus.PUBLISHED
    )
    return db.session.scalar(query)


def missing(revision: OfferingRevision) -> list[Missing]:
    """Everything that keeps a revision from being submitted: empty facts first, then plans."""
    gaps = facts.missing(facts.parse(revision.facts))
    return gaps + incomplete_plans(offering_of_revision(revision))


def changes(revision: OfferingRevision) -> list[FactChange]:
    """What a revision says differently from the live one; for a first revision, everything it says."""
    live = published_revision(offering_of_revision(revision))
    return compare_facts(live.facts if live and live.id != revision.id else {}, revision.facts)


def plan_changes(offering: Offering) -> list[PlanChange]:
    """What publishing the drafts would do to the plans on sale, unchanged plans included."""
    return compare_plans(plans_of(offering))


def _loads() -> tuple[Any, ...]:
    return (
        joinedload(OfferingRevision.offering).joinedload(Offering.provider),
        joinedload(OfferingRevision.offering).joinedload(Offering.category),
        joinedload(OfferingRevision.reviewer),
    )
