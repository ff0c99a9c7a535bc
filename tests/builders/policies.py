"""Versions of the rules and the privacy policy."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from market import policies
from market.kit.period import local_day
from market.policies import PolicyVersion, Subject
from tests.builders.accounts import an_actor, an_administrator
from tests.conftest import PRESENT


def words(number: int = 1, **changes: str) -> dict[str, str]:
    """Both texts of a version, and what is different in it."""
    return {
        "text_zh": f"第 {number} 版的说明。\n\n## 谁可以买\n- 企业\n- 个体工商户",
        "text_en": f"About version {number}.\n\n## Who may buy\n- enterprises\n- sole traders",
        "changes_zh": f"第 {number} 版改了说明。",
        "changes_en": f"Version {number} says it differently.",
    } | changes


def a_policy(
    subject: Subject = Subject.RULES, *, at: datetime = PRESENT, effective_on: date | None = None, **changes: str
) -> PolicyVersion:
    """The next version: the first one holds from its day, a change from the first day it may."""
    before = policies.newest(subject)
    office = an_administrator()
    number = before.number if before else 0
    earliest = policies.first_day(at, before) if before else local_day(at)
    return policies.announce(
        subject, words(number + 1, **changes), effective_on=effective_on or earliest, after=number, user=office,
        by=an_actor(office), at=at,
    )  # fmt: skip


def both_policies(*, at: datetime = PRESENT - timedelta(days=100)) -> None:
    """The first versions, in force."""
    for subject in Subject:
        a_policy(subject, at=at)
