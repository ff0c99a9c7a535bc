"""Reports of problems with an offering's page: by anybody, answered by an administrator."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, Select, func, select, update
from sqlalchemy.orm import joinedload

from market import audit, db
from market.accounts import User, emails
from market.catalog import Offering
from market.errors import Invalid, NotFound, Refused
from market.kit.refusal import Refusal
from market.quality.models import REPORT_LIFECYCLE, ProblemReport, ReportKind, ReportStatus
from market.quality.signals import problem_answered, problem_reported
from market.quality.words import cleaned

LEAST_REPORT, LONGEST_REPORT = 10, 1000
#: An address for the answer is forgotten so long after it.
CONTACT_KEPT = timedelta(days=90)


class AlreadyAnswered(Refused):
    """Another administrator was faster."""

    code = "report_already_answered"
    message = "另一位管理员已经答复了这条反馈。"


def report(
    offering: Offering, *, kind: str, text: str, email: str, locale: str, user: User | None, by: audit.Actor, at: datetime
) -> tuple[ProblemReport, str]:
    """Somebody reports a problem; returns the report and the word with which its answer can be read. Raises Invalid."""
    words, address, problems = cleaned(text), emails.normal(email), dict[str, str | Refusal]()
    if kind not in {each.value for each in ReportKind}:
        problems["kind"] = "选一个最接近的问题。"
    if len(words) < LEAST_REPORT:
        problems["text"] = "说说哪里不对，至少 10 个字。"
    elif len(words) > LONGEST_REPORT:
        problems["text"] = "最多写 1,000 个字。"
    if address and (wrong := emails.problem(address)):
        problems["email"] = wrong
    if problems:
        raise Invalid(fields=problems)
    word = secrets.token_urlsafe(24)
    made = ProblemReport(
        offering_id=offering.id, kind=ReportKind(kind), text=words, email=address, locale=locale,
        user_id=user.id if user else None, token_hash=_digest(word), created_at=at,
    )  # fmt: skip
    db.session.add(made)
    db.session.flush()
    audit.record("report.made", made, by=by, at=at, label=offering.slug, after={"kind": made.kind.value})
    problem_reported.send(made, offering=offering, at=at)
    return made, word


def answer(report: ProblemReport, *, text: str, user: User, by: audit.Actor, at: datetime) -> None:
    """What came of it, for whoever reported it. Raises Invalid, AlreadyAnswered."""
    db.lock(report)
    if report.status is ReportStatus.ANSWERED:
        raise AlreadyAnswered
    words = cleaned(text)
    if not words:
        raise Invalid(fields={"text": "写明核实的结果和怎么处理了。"})
    if len(words) > LONGEST_REPORT:
        raise Invalid(fields={"text": "最多写 1,000 个字。"})
    REPORT_LIFECYCLE.move(report, ReportStatus.ANSWERED)
    report.answer, report.answered_by_id, report.answered_at = words, user.id, at
    offering = db.session.get_one(Offering, report.offering_id)
    audit.record("report.answered", report, by=by, at=at, label=offering.slug, reason=words)
    problem_answered.send(report, offering=offering, at=at)


def reports(*, every: bool = False) -> Select[ProblemReport]:
    """Reports that wait, the oldest first; `every` one, the newest first. To be paged."""
    query = select(ProblemReport).options(*_loads())
    if every:
        return query.order_by(ProblemReport.id.desc())
    return query.where(ProblemReport.status == ReportStatus.OPEN).order_by(ProblemReport.id)


def waiting_reports() -> int:
    """How many wait for an answer."""
    query = select(func.count()).select_from(ProblemReport).where(ProblemReport.status == ReportStatus.OPEN)
    return db.session.scalar(query) or 0


def report_by_id(id: int) -> ProblemReport:
    """One report, for administrators. Raises NotFound."""
    return _found(select(ProblemReport).where(ProblemReport.id == id))


def report_by_token(word: str) -> ProblemReport:
    """The report with this link. Raises NotFound."""
    return _found(select(ProblemReport).where(ProblemReport.token_hash == _digest(word)))


def forget_contacts(at: datetime) -> int:
    """Empty the addresses of what was answered long ago; returns how many."""
    due = update(ProblemReport).where(ProblemReport.email != "", ProblemReport.answered_at <= at - CONTACT_KEPT)
    with db.transaction():
        return cast("CursorResult[Any]", db.session.execute(due.values(email=""))).rowcount


def _found(query: Select[ProblemReport]) -> ProblemReport:
    report = db.session.scalar(query.options(*_loads()))
    if report is None:
        raise NotFound
    return report


def _loads() -> tuple[Any, ...]:
    offering = joinedload(ProblemReport.offering)
    return (offering.joinedload(Offering.live_revision), offering.joinedload(Offering.provider))


def _digest(word: str) -> str:
    return hashlib.sha256(word.encode()).hexdigest()
