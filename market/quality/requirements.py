"""What firms need and have not found here: written by anybody, answered by an administrator."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import Select
from sqlalchemy.orm import joinedload

from market import audit, catalog, db
from market.accounts import User
from market.errors import Invalid
from market.kit import working_days
from market.kit.period import local_day
from market.quality import asked
from market.quality.models import Requirement
from market.quality.signals import requirement_answered, requirement_posted

#: An answer is promised within so many working days.
REPLY_DAYS = 2
MOST_SUGGESTED = 5


def post_requirement(
    *, text: str, category: str, email: str, locale: str, user: User | None, by: audit.Actor, at: datetime
) -> tuple[Requirement, str]:
    """Somebody says what is missing; returns that and the word with which the answer can be read. Raises Invalid.

    Without a category it may be of any kind.
    """
    words, address, problems = asked.read(text, email, "说说要做什么，至少 10 个字。")
    known = catalog.category_names().get(category)
    if category and (known is None or known.parent_slug is not None):
        problems["category"] = "从列出的类别里选，说不清就选“说不清”。"
    if problems:
        raise Invalid(fields=problems)
    word, digest = asked.link()
    made = Requirement(
        category_slug=category or None, text=words, email=address, locale=locale, suggested=[],
        user_id=user.id if user else None, token_hash=digest, created_at=at,
    )  # fmt: skip
    db.session.add(made)
    db.session.flush()
    audit.record("requirement.posted", made, by=by, at=at, after={"category": category})
    requirement_posted.send(made, at=at)
    return made, word


def answer_requirement(
    requirement: Requirement, *, text: str, suggested: Sequence[str], user: User, by: audit.Actor, at: datetime
) -> None:
    """What there is, or that there is nothing; `suggested` are addresses of services on sale. Raises Invalid, AlreadyAnswered."""
    slugs = list(dict.fromkeys(suggested))
    if len(slugs) > MOST_SUGGESTED:
        raise Invalid(fields={"suggested": "最多写 5 项服务。"})
    on_sale = catalog.offerings_by_slugs(slugs)
    if any(slug not in on_sale or not catalog.can_be_bought(on_sale[slug]) for slug in slugs):
        raise Invalid(fields={"suggested": "有的服务找不到，或现在不能订阅。每行写一项服务页面的网址。"})
    asked.close(requirement, text, "写明有没有合适的服务、为什么。", user=user, at=at)
    requirement.suggested = slugs
    audit.record("requirement.answered", requirement, by=by, at=at, reason=requirement.answer, after={"suggested": slugs})
    requirement_answered.send(requirement, at=at)


def due_on(requirement: Requirement) -> date:
    """The day by which an answer is promised."""
    return working_days.later(local_day(requirement.created_at), REPLY_DAYS)


def requirements(*, every: bool = False) -> Select[Requirement]:
    """Those that wait, the oldest first; `every` one, the newest first. To be paged."""
    return asked.listed(Requirement, every=every).options(joinedload(Requirement.category))


def waiting_requirements() -> int:
    """How many wait for an answer."""
    return asked.waiting(Requirement)


def requirement_by_id(id: int) -> Requirement:
    """One requirement, for administrators. Raises NotFound."""
    return asked.by_id(Requirement, id, joinedload(Requirement.category))


def requirement_by_token(word: str) -> Requirement:
    """The requirement with this link. Raises NotFound."""
    return asked.by_word(Requirement, word, joinedload(Requirement.category))
