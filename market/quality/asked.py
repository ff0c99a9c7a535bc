"""What reports and requirements have in common: words and an address, a link to read the answer by, one answer."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any, TypeVar, cast

from sqlalchemy import CursorResult, Select, func, select, update

from market import db
from market.accounts import User, emails
from market.errors import Invalid, NotFound, Refused
from market.kit.refusal import Refusal
from market.quality.models import REPORT_LIFECYCLE, ProblemReport, ReportStatus, Requirement
from market.quality.words import cleaned

LEAST_REPORT, LONGEST_REPORT = 10, 1000
#: An address for the answer is forgotten so long after it.
CONTACT_KEPT = timedelta(days=90)

Asked = TypeVar("Asked", ProblemReport, Requirement)


class AlreadyAnswered(Refused):
    """Another administrator was faster."""

    code = "report_already_answered"
    message = "另一位管理员已经答复了这一条。"


def read(text: str, email: str, short: str) -> tuple[str, str, dict[str, str | Refusal]]:
    """The words and the address as they are kept, and what is wrong with them; `short` is said of too few words."""
    words, address, problems = cleaned(text), emails.normal(email), dict[str, str | Refusal]()
    if len(words) < LEAST_REPORT:
        problems["text"] = short
    elif len(words) > LONGEST_REPORT:
        problems["text"] = "最多写 1,000 个字。"
    if address and (wrong := emails.problem(address)):
        problems["email"] = wrong
    return words, address, problems


def link() -> tuple[str, str]:
    """A new word for a link, and what is kept of it."""
    word = secrets.token_urlsafe(24)
    return word, _digest(word)


def close(one: ProblemReport | Requirement, text: str, missing: str, *, user: User, at: datetime) -> None:
    """Write the answer, once. Raises Invalid, AlreadyAnswered."""
    db.lock(one)
    if one.status is ReportStatus.ANSWERED:
        raise AlreadyAnswered
    words = cleaned(text)
    if not words:
        raise Invalid(fields={"text": missing})
    if len(words) > LONGEST_REPORT:
        raise Invalid(fields={"text": "最多写 1,000 个字。"})
    REPORT_LIFECYCLE.move(one, ReportStatus.ANSWERED)
    one.answer, one.answered_by_id, one.answered_at = words, user.id, at


def listed(model: type[Asked], *, every: bool) -> Select[Asked]:
    """Those that wait, the oldest first; `every` one, the newest first."""
    if every:
        return select(model).order_by(model.id.desc())
    return select(model).where(model.status == ReportStatus.OPEN).order_by(model.id)


def waiting(model: type[Asked]) -> int:
    """How many wait for an answer."""
    return db.session.scalar(select(func.count()).select_from(model).where(model.status == ReportStatus.OPEN)) or 0


def by_id(model: type[Asked], id: int, *loads: Any) -> Asked:
    """One of them, for administrators. Raises NotFound."""
    return _found(select(model).where(model.id == id).options(*loads))


def by_word(model: type[Asked], word: str, *loads: Any) -> Asked:
    """The one with this link. Raises NotFound."""
    return _found(select(model).where(model.token_hash == _digest(word)).options(*loads))


def forget_contacts(at: datetime) -> int:
    """Empty the addresses of what was answered long ago; returns how many."""
    count = 0
    with db.transaction():
        for model in (ProblemReport, Requirement):
            due = update(model).where(model.email != "", model.answered_at <= at - CONTACT_KEPT)
            count += cast("CursorResult[Any]", db.session.execute(due.values(email=""))).rowcount
    return count


def _found(query: Select[Asked]) -> Asked:
    one = db.session.scalar(query)
    if one is None:
        raise NotFound
    return one


def _digest(word: str) -> str:
    return hashlib.sha256(word.encode()).hexdigest()
