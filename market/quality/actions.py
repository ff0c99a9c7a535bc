"""Verbs: a firm writes what it thinks, the provider replies, an administrator hides what breaks the law."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select

from market import audit, db
from market.accounts import Membership, Organization, User
from market.catalog import Offering
from market.errors import Forbidden, Invalid, Refused
from market.kit.period import local_day
from market.providers import Provider
from market.quality.models import Review, ReviewReply, ReviewWording
from market.quality.queries import Use, review_by_id
from market.quality.signals import review_answered, review_written
from market.quality.words import cleaned

#: How long an offering must have been in use before its firm says something of it.
LEAST_DAYS = 30
LEAST_TEXT, LONGEST_TEXT, LONGEST_REASON = 10, 1000, 300


class TooEarly(Refused):
    """No subscription of the firm's to this offering has lasted thirty days."""

    code = "review_too_early"
    message = "用满 %(days)d 天才能评价，您用了 %(used)d 天。%(on)s 起可以写。"


class NeverLongEnough(Refused):
    """The firm stopped using it before thirty days."""

    code = "review_never_long_enough"
    message = "用满 %(days)d 天才能评价，您停用时用了 %(used)d 天。"


class OwnOffering(Forbidden):
    """Nobody praises what she sells herself."""

    code = "review_of_own_offering"
    message = "您是这家服务商的成员，不能评价自己的服务。"


def write(
    use: Use, organization: Organization, *, stars: int | None, text: str, named: bool, user: User, by: audit.Actor, at: datetime
) -> Review:
    """What a firm thinks of an offering it uses: the first wording, or a new one beside those before it.

    The same words and stars again change nothing. Raises Invalid, TooEarly, NeverLongEnough, OwnOffering.
    """
    _check_use(use, at)
    _check_apart(user, use.offering)
    db.serialize(f"review {organization.id} {use.offering.id}")
    words = _words(stars, text)
    known = select(Review).where(Review.organization_id == organization.id, Review.offering_id == use.offering.id)
    review = db.session.scalar(known)
    before = _newest_wording(review) if review else None
    if review is None:
        review = Review(
            offering_id=use.offering.id, organization_id=organization.id, stars=words["stars"], named=named,
            created_at=at, written_at=at,
        )  # fmt: skip
        db.session.add(review)
        db.session.flush()
    elif before and (before.text, before.stars, review.named) == (words["text"], words["stars"], named):
        return review
    wording = ReviewWording(
        review_id=review.id, number=before.number + 1 if before else 1, written_by_id=user.id, written_at=at,
        subscription_id=use.subscription.id, used_days=use.days, **words,
    )  # fmt: skip
    db.session.add(wording)
    review.stars, review.named, review.written_at = wording.stars, named, at
    _record("review.edited" if before else "review.written", review, use.offering, organization.id, by=by, at=at,
            before={"stars": before.stars, "text": before.text} if before else None,
            after={**words, "used_days": use.days})  # fmt: skip
    db.session.flush()
    review_written.send(review, wording=wording, offering=use.offering, at=at)
    return review


def reply(review: Review, *, text: str, user: User, by: audit.Actor, at: datetime) -> ReviewReply:
    """The provider's answer under a review, or a new one in its place; the same again changes nothing. Raises Invalid."""
    db.lock(review)
    words = _said(text, "写下您的回复，所有人都会看到。")
    offering = db.session.get_one(Offering, review.offering_id)
    query = select(ReviewReply).where(ReviewReply.review_id == review.id).order_by(ReviewReply.number.desc()).limit(1)
    before, wording = db.session.scalar(query), _newest_wording(review)
    if before and (before.text, before.answers_number) == (words, wording.number):
        return before
    given = ReviewReply(
        review_id=review.id, number=before.number + 1 if before else 1, text=words, answers_number=wording.number,
        written_by_id=user.id, written_at=at,
    )  # fmt: skip
    db.session.add(given)
    provider = db.session.get_one(Provider, offering.provider_id)
    _record("review.replied", review, offering, provider.organization_id, by=by, at=at,
            before={"text": before.text} if before else None, after={"text": words})  # fmt: skip
    db.session.flush()
    review_answered.send(review, reply=given, offering=offering, at=at)
    return given


def hide(said: ReviewWording | ReviewReply, *, reason: str, user: User, by: audit.Actor, at: datetime) -> None:
    """Nobody reads these words any more, only that they were hidden and why; the stars stay and count. Raises Invalid."""
    review = review_by_id(said.review_id)
    db.lock(said)
    given = _reason(reason)
    if said.hidden_at is not None:
        return
    said.hidden_at, said.hidden_by_id, said.hidden_reason = at, user.id, given
    _record("review.hidden", review, review.offering, review.organization_id, by=by, at=at, reason=given, after=_which(said))


def show_again(said: ReviewWording | ReviewReply, *, reason: str, by: audit.Actor, at: datetime) -> None:
    """The hiding was a mistake: the words are read again. Raises Invalid."""
    review = review_by_id(said.review_id)
    db.lock(said)
    given = _reason(reason)
    if said.hidden_at is None:
        return
    said.hidden_at, said.hidden_by_id, said.hidden_reason = None, None, ""
    _record("review.shown_again", review, review.offering, review.organization_id, by=by, at=at, reason=given, after=_which(said))


def _check_use(use: Use, at: datetime) -> None:
    if use.days >= LEAST_DAYS:
        return
    if use.subscription.ended_at is not None and use.subscription.ended_at <= at:
        raise NeverLongEnough(days=LEAST_DAYS, used=use.days)
    assert use.subscription.started_at is not None
    first: date = local_day(use.subscription.started_at + timedelta(days=LEAST_DAYS))
    raise TooEarly(days=LEAST_DAYS, used=use.days, on=first.isoformat())


def _check_apart(user: User, offering: Offering) -> None:
    provider = db.session.get_one(Provider, offering.provider_id)
    member = select(Membership.id).where(Membership.user_id == user.id, Membership.organization_id == provider.organization_id)
    if db.session.scalar(member) is not None:
        raise OwnOffering


def _words(stars: int | None, text: str) -> dict[str, Any]:
    problems = {}
    if stars is None or not 1 <= stars <= 5:
        problems["stars"] = "选 1 到 5 颗星。"
    try:
        text = _said(text, "写几句用下来的情况。")
    except Invalid as refusal:
        problems |= {name: str(message) for name, message in refusal.fields.items()}
    if problems:
        raise Invalid(fields=problems)
    return {"stars": stars, "text": text}


def _said(text: str, missing: str) -> str:
    words = cleaned(text)
    if not words:
        raise Invalid(fields={"text": missing})
    if len(words) < LEAST_TEXT:
        raise Invalid(fields={"text": "至少写 10 个字，别人才看得明白。"})
    if len(words) > LONGEST_TEXT:
        raise Invalid(fields={"text": "最多写 1,000 个字。"})
    return words


def _reason(reason: str) -> str:
    given = cleaned(reason)
    if not given:
        raise Invalid(fields={"reason": "写明违反了哪条法律、为什么，所有人都会看到。"})
    if len(given) > LONGEST_REASON:
        raise Invalid(fields={"reason": "理由最多 300 个字。"})
    return given


def _newest_wording(review: Review) -> ReviewWording:
    query = select(ReviewWording).where(ReviewWording.review_id == review.id).order_by(ReviewWording.number.desc()).limit(1)
    return db.session.scalars(query).one()


def _which(said: ReviewWording | ReviewReply) -> dict[str, Any]:
    return {"what": "wording" if isinstance(said, ReviewWording) else "reply", "number": said.number}


def _record(action: str, review: Review, offering: Offering, organization_id: int, **details: Any) -> None:
    audit.record(action, review, organization_id=organization_id, label=offering.slug, **details)
