"""Reports of problems with an offering's page: by anybody, answered by an administrator."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Select
from sqlalchemy.orm import joinedload

from market import audit, db
from market.accounts import User
from market.catalog import Offering
from market.errors import Invalid
from market.quality import asked
from market.quality.models import ProblemReport, ReportKind
from market.quality.signals import problem_answered, problem_reported


def report(
    offering: Offering, *, kind: str, text: str, email: str, locale: str, user: User | None, by: audit.Actor, at: datetime
) -> tuple[ProblemReport, str]:
    """Somebody reports a problem; returns the report and the word with which its answer can be read. Raises Invalid."""
    words, address, problems = asked.read(text, email, "说说哪里不对，至少 10 个字。")
    if kind not in {each.value for each in ReportKind}:
        problems["kind"] = "选一个最接近的问题。"
    if problems:
        raise Invalid(fields=problems)
    word, digest = asked.link()
    made = ProblemReport(
        offering_id=offering.id, kind=ReportKind(kind), text=words, email=address, locale=locale,
        user_id=user.id if user else None, token_hash=digest, created_at=at,
    )  # fmt: skip
    db.session.add(made)
    db.session.flush()
    audit.record("report.made", made, by=by, at=at, label=offering.slug, after={"kind": made.kind.value})
    problem_reported.send(made, offering=offering, at=at)
    return made, word


def answer(report: ProblemReport, *, text: str, user: User, by: audit.Actor, at: datetime) -> None:
    """What came of it, for whoever reported it. Raises Invalid, AlreadyAnswered."""
    asked.close(report, text, "写明核实的结果和怎么处理了。", user=user, at=at)
    offering = db.session.get_one(Offering, report.offering_id)
    audit.record("report.answered", report, by=by, at=at, label=offering.slug, reason=report.answer)
    problem_answered.send(report, offering=offering, at=at)


def reports(*, every: bool = False) -> Select[ProblemReport]:
    """Reports that wait, the oldest first; `every` one, the newest first. To be paged."""
    return asked.listed(ProblemReport, every=every).options(*_loads())


def waiting_reports() -> int:
    """How many wait for an answer."""
    return asked.waiting(ProblemReport)


def report_by_id(id: int) -> ProblemReport:
    """One report, for administrators. Raises NotFound."""
    return asked.by_id(ProblemReport, id, *_loads())


def report_by_token(word: str) -> ProblemReport:
    """The report with this link. Raises NotFound."""
    return asked.by_word(ProblemReport, word, *_loads())


def _loads() -> tuple[Any, ...]:
    offering = joinedload(ProblemReport.offering)
    return (offering.joinedload(Offering.live_revision), offering.joinedload(Offering.provider))
