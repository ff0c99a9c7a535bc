"""Letters about reviews, reports and requirements: a review to reply to, a reply, what to look into, its answer."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from market import accounts, catalog, db, quality
from market.accounts import OrganizationKind, User
from market.catalog import Offering
from market.notifications import addressees, letters
from market.notifications.actions import enqueue
from market.providers import Provider
from market.quality import ProblemReport, Requirement, Review, ReviewReply, ReviewWording


def listen() -> None:
    """From now on people are told."""
    quality.review_written.connect(_written)
    quality.review_answered.connect(_answered)
    quality.problem_reported.connect(_reported)
    quality.problem_answered.connect(_report_answered)
    quality.requirement_posted.connect(_posted)
    quality.requirement_answered.connect(_requirement_answered)


def _written(review: Review, *, wording: ReviewWording, offering: Offering, at: datetime, **_: Any) -> None:
    provider = db.session.get_one(Provider, offering.provider_id)
    people = addressees.members(provider.organization_id, OrganizationKind.PROVIDER, "reviews.answer")
    key = f"review_written.{review.id}.{wording.number}"
    addressees.send(key, "review_written", people, at, review=review, wording=wording, facts=_facts(offering))


def _answered(review: Review, *, reply: ReviewReply, offering: Offering, at: datetime, **_: Any) -> None:
    people = addressees.members(review.organization_id, OrganizationKind.BUYER, "reviews.write")
    key = f"review_answered.{review.id}.{reply.number}"
    addressees.send(key, "review_answered", people, at, reply=reply, offering=offering, facts=_facts(offering))


def _reported(report: ProblemReport, *, offering: Offering, at: datetime, **_: Any) -> None:
    addressees.send(f"problem_reported.{report.id}", "problem_reported", _deciders(), at, report=report, facts=_facts(offering))


def _report_answered(report: ProblemReport, *, offering: Offering, at: datetime, **_: Any) -> None:
    """To the address that was left, whether it belongs to somebody here or not."""
    _reply("problem_answered", report, at, report=report, facts=_facts(offering), offering=offering)


def _posted(requirement: Requirement, *, at: datetime, **_: Any) -> None:
    due_on = quality.due_on(requirement).isoformat()
    addressees.send(
        f"requirement_posted.{requirement.id}", "requirement_posted", _deciders(), at, requirement=requirement, due_on=due_on
    )


def _requirement_answered(requirement: Requirement, *, at: datetime, **_: Any) -> None:
    found = catalog.offerings_by_slugs(requirement.suggested)
    named = [(slug, catalog.shown_revision(found[slug]).facts) for slug in requirement.suggested]
    _reply("requirement_answered", requirement, at, requirement=requirement, named=named)


def _deciders() -> list[User]:
    offices = db.session.scalars(accounts.organizations(OrganizationKind.PLATFORM)).all()
    return [user for office in offices for user in addressees.members(office.id, OrganizationKind.PLATFORM, "feedback.decide")]


def _reply(event: str, asked: ProblemReport | Requirement, at: datetime, **facts: Any) -> None:
    if not asked.email:
        return
    language = asked.locale if asked.locale in letters.LANGUAGES else "zh"
    subject, body = letters.write(event, language, **facts)
    enqueue(f"{event}.{asked.id}", accounts.user_by_email(asked.email), subject, body, at=at, recipient=asked.email)


def _facts(offering: Offering) -> dict[str, Any]:
    return catalog.live_revision(offering).facts
