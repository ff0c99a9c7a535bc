"""Letters about reviews and reports: a review to reply to, a reply, a report to look into, its answer."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from market import accounts, catalog, db, quality
from market.accounts import OrganizationKind
from market.catalog import Offering
from market.notifications import addressees, letters
from market.notifications.actions import enqueue
from market.providers import Provider
from market.quality import ProblemReport, Review, ReviewReply, ReviewWording


def listen() -> None:
    """From now on people are told."""
    quality.review_written.connect(_written)
    quality.review_answered.connect(_answered)
    quality.problem_reported.connect(_reported)
    quality.problem_answered.connect(_report_answered)


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
    offices = db.session.scalars(accounts.organizations(OrganizationKind.PLATFORM)).all()
    people = [user for office in offices for user in addressees.members(office.id, OrganizationKind.PLATFORM, "feedback.decide")]
    addressees.send(f"problem_reported.{report.id}", "problem_reported", people, at, report=report, facts=_facts(offering))


def _report_answered(report: ProblemReport, *, offering: Offering, at: datetime, **_: Any) -> None:
    """To the address that was left, whether it belongs to somebody here or not."""
    if not report.email:
        return
    language = report.locale if report.locale in letters.LANGUAGES else "zh"
    subject, body = letters.write("problem_answered", language, report=report, facts=_facts(offering), offering=offering)
    known = accounts.user_by_email(report.email)
    enqueue(f"problem_answered.{report.id}", known, subject, body, at=at, recipient=report.email)


def _facts(offering: Offering) -> dict[str, Any]:
    return catalog.live_revision(offering).facts
