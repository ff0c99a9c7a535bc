"""Questions: what is said of an offering, who may say something, what waits for a reply."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from typing import Any

from sqlalchemy import Select, bindparam, func, select
from sqlalchemy.orm import joinedload, selectinload

from market import db
from market.accounts import Organization
from market.catalog import Offering, Plan
from market.errors import NotFound
from market.providers import Provider
from market.quality.models import Review, ReviewReply, ReviewWording
from market.subscriptions import Subscription


@dataclass(frozen=True)
class Summary:
    """How many reviews there are, by stars."""

    by_stars: Mapping[int, int]

    @property
    def count(self) -> int:
        """How many firms have said something."""
        return sum(self.by_stars.values())

    @property
    def mean(self) -> Decimal:
        """Their average with one decimal; 0 without any."""
        if not self.count:
            return Decimal(0)
        total = sum(stars * number for stars, number in self.by_stars.items())
        return (Decimal(total) / self.count).quantize(Decimal("0.1"), ROUND_HALF_UP)


NOTHING_SAID = Summary({})


@dataclass(frozen=True)
class Use:
    """A firm's longest subscription to an offering, and what it says of that offering so far."""

    offering: Offering
    subscription: Subscription
    days: int
    review: Review | None


#: Put together once: every list of services asks.
_SAID = (
    select(Review.offering_id, Review.stars, func.count())
    .where(Review.offering_id.in_(bindparam("ids", expanding=True)))
    .group_by(Review.offering_id, Review.stars)
)


def summaries(offering_ids: Collection[int]) -> dict[int, Summary]:
    """What is said of each of these offerings, in one question; those of which nothing is said are missing."""
    found: dict[int, dict[int, int]] = {}
    for offering_id, stars, number in db.session.execute(_SAID, {"ids": list(offering_ids)}):
        found.setdefault(offering_id, {})[stars] = number
    return {offering_id: Summary(by_stars) for offering_id, by_stars in found.items()}


def summary(offering: Offering) -> Summary:
    """What is said of one offering."""
    return summaries([offering.id]).get(offering.id, NOTHING_SAID)


def together(parts: Iterable[Summary]) -> Summary:
    """What is said of several offerings as of one."""
    stars: Counter[int] = Counter()
    for part in parts:
        stars.update(part.by_stars)
    return Summary(dict(stars))


def answered(provider: Provider) -> int:
    """How many reviews of its offerings the provider has replied to."""
    query = select(func.count(ReviewReply.review_id.distinct())).join(ReviewReply.review).join(Review.offering)
    return db.session.scalar(query.where(Offering.provider_id == provider.id)) or 0


def reviews_of(offering: Offering) -> Select[Review]:
    """What is said of an offering, the newest first, with all its page shows; to be paged."""
    query = select(Review).where(Review.offering_id == offering.id).options(*_words())
    return query.order_by(Review.written_at.desc(), Review.id.desc())


def reviews_of_provider(provider: Provider) -> Select[Review]:
    """What is said of a provider's offerings, the newest first; to be paged."""
    query = select(Review).join(Review.offering).where(Offering.provider_id == provider.id)
    return query.options(*_words(), *_offering()).order_by(Review.written_at.desc(), Review.id.desc())


def all_reviews() -> Select[Review]:
    """Every review, the newest first, for administrators; to be paged."""
    return select(Review).options(*_words(), *_offering()).order_by(Review.written_at.desc(), Review.id.desc())


def review_by_id(id: int) -> Review:
    """Any review, for administrators. Raises NotFound."""
    return _found(select(Review).where(Review.id == id))


def review_of_provider(provider: Provider, id: int) -> Review:
    """A review of one of the provider's offerings. Raises NotFound for a stranger's."""
    return _found(select(Review).join(Review.offering).where(Review.id == id, Offering.provider_id == provider.id))


def review_of_firm(organization: Organization, offering: Offering) -> Review | None:
    """What a firm says of an offering."""
    query = select(Review).where(Review.organization_id == organization.id, Review.offering_id == offering.id)
    return db.session.scalar(query.options(*_words()))


def unanswered(provider: Provider) -> int:
    """How many reviews of its offerings the provider has said nothing to."""
    return db.session.scalar(_unanswered(), {"provider": provider.id}) or 0


@cache
def _unanswered() -> Select[int]:
    """Put together once: it is asked with every page of a provider."""
    query = select(func.count()).select_from(Review).join(Review.offering)
    return query.where(Offering.provider_id == bindparam("provider"), Review.id.not_in(select(ReviewReply.review_id)))


def uses_of(organization: Organization, *, at: datetime) -> list[Use]:
    """The offerings a firm uses or has used, the longest use of each, those longest in use first."""
    longest: dict[int, tuple[int, Subscription]] = {}
    for subscription in _started(organization):
        days = days_of(subscription, at=at)
        known = longest.get(subscription.plan.offering_id)
        if known is None or days > known[0]:
            longest[subscription.plan.offering_id] = (days, subscription)
    written = select(Review).where(Review.organization_id == organization.id).options(*_words())
    reviews = {review.offering_id: review for review in db.session.scalars(written)}
    uses = [Use(s.plan.offering, s, days, reviews.get(id)) for id, (days, s) in longest.items()]
    return sorted(uses, key=lambda use: (-use.days, use.offering.id))


def use_of(organization: Organization, offering_id: int, *, at: datetime) -> Use:
    """A firm's use of one offering. Raises NotFound where it has never used it."""
    for use in uses_of(organization, at=at):
        if use.offering.id == offering_id:
            return use
    raise NotFound


def days_of(subscription: Subscription, *, at: datetime) -> int:
    """How many whole days it has been in use."""
    if subscription.started_at is None:
        return 0
    used = min(subscription.ended_at or at, at) - subscription.started_at
    return max(used, timedelta(0)).days


def _started(organization: Organization) -> Sequence[Subscription]:
    offering = joinedload(Subscription.plan).joinedload(Plan.offering)
    query = select(Subscription).where(
        Subscription.organization_id == organization.id, Subscription.started_at.is_not(None)
    )
    loads = (offering.joinedload(Offering.live_revision), offering.joinedload(Offering.provider), offering.joinedload(Offering.category))
    return db.session.scalars(query.options(*loads).order_by(Subscription.id)).all()


def _found(query: Select[Review]) -> Review:
    review = db.session.scalar(query.options(*_words(), *_offering()))
    if review is None:
        raise NotFound
    return review


def _words() -> tuple[Any, ...]:
    plan = selectinload(Review.wordings).joinedload(ReviewWording.subscription).joinedload(Subscription.plan)
    return (joinedload(Review.organization), plan, selectinload(Review.replies))


def _offering() -> tuple[Any, ...]:
    offering = joinedload(Review.offering)
    return (offering.joinedload(Offering.live_revision), offering.joinedload(Offering.provider))
