"""Reviews and reports for tests.

    a_review(a_subscription(plan), stars=4)             by somebody of the firm, when it may
    a_report(an_offering())                             a report and the word of its link
    a_requirement()                                     what somebody needs, and the word of its link
"""

from __future__ import annotations

from datetime import datetime, timedelta

from market import db, quality
from market.accounts.models import Organization, User
from market.catalog.models import Offering
from market.quality import ProblemReport, Requirement, Review, Use
from market.subscriptions import Subscription
from tests.builders.accounts import a_member, an_actor

TEXT = "备份每天都跑，上个月误删了报价单，十分钟就找回来了。"


def a_use(subscription: Subscription, *, at: datetime) -> Use:
    """What the firm has used."""
    firm = db.session.get_one(Organization, subscription.organization_id)
    return next(use for use in quality.uses_of(firm, at=at) if use.subscription.id == subscription.id)


def a_review(
    subscription: Subscription, *, stars: int = 4, text: str = TEXT, named: bool = False, user: User | None = None, at: datetime | None = None
) -> Review:
    """A review, forty days after the subscription began if nothing else is said."""
    assert subscription.started_at is not None
    at = at or subscription.started_at + timedelta(days=40)
    firm = db.session.get_one(Organization, subscription.organization_id)
    user = user or a_member(firm)
    use = a_use(subscription, at=at)
    return quality.write(use, firm, stars=stars, text=text, named=named, user=user, by=an_actor(user, firm), at=at)


def a_report(
    offering: Offering, *, kind: str = "price", text: str = "页面写每月 99 元，客服说要 129 元。", email: str = "", at: datetime
) -> tuple[ProblemReport, str]:
    """A report by a visitor, and the word of its link."""
    return quality.report(offering, kind=kind, text=text, email=email, locale="zh", user=None, by=an_actor(), at=at)


def a_requirement(
    *, text: str = "门店三台收银机的流水想每天自动存一份。", category: str = "", email: str = "", at: datetime
) -> tuple[Requirement, str]:
    """What a visitor needs, and the word of its link."""
    return quality.post_requirement(text=text, category=category, email=email, locale="zh", user=None, by=an_actor(), at=at)
