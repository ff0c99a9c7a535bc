"""Verbs: announcing a version, agreeing to one, having told people of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import select

from market import audit, db
from market.accounts import User
from market.errors import Invalid, Refused
from market.kit.period import local_day, local_midnight
from market.kit.refusal import Refusal
from market.policies import text
from market.policies.models import Consent, PolicyVersion, Subject
from market.policies.queries import in_force, newest, versions

#: From the announcement of a change to the first day on which it may hold (E-commerce Law, Art. 34).
NOTICE = timedelta(days=7)
_FURTHEST = timedelta(days=366)
LONGEST_TEXT = 60_000
LONGEST_CHANGES = 600


class AnnouncedMeanwhile(Refused):
    """Somebody else announced a version since the page was opened."""

    code = "policy_announced_meanwhile"
    message = "在您填写的时候，另一位管理员公布了第 %(number)d 版。您写的内容还在下面，请对照新版再公布一次。"


@dataclass(frozen=True)
class Draft:
    """A version as it would be announced, checked."""

    subject: Subject
    number: int
    text_zh: str
    text_en: str
    changes_zh: str
    changes_en: str
    effective_on: date
    before: PolicyVersion | None


def first_day(at: datetime, before: PolicyVersion | None = None) -> date:
    """The first local day that begins seven whole days after `at`, and after the day of the version before."""
    earliest = at + NOTICE
    day = local_day(earliest)
    if local_midnight(day) < earliest:
        day += timedelta(days=1)
    return max(day, before.effective_on + timedelta(days=1)) if before else day


def draft(
    subject: Subject, words: Mapping[str, str], *, effective_on: date | None, after: int, at: datetime
) -> Draft:
    """What `announce` would write, without writing it.

    `words` has text_zh, text_en, changes_zh and changes_en. `after` is the newest number the writer has seen; 0 is none.
    Raises Invalid with `fields`, AnnouncedMeanwhile.
    """
    before = newest(subject)
    if (before.number if before else 0) != after:
        raise AnnouncedMeanwhile(number=before.number if before else 0)
    cleaned = {name: text.cleaned(words.get(name, "")) for name in ("text_zh", "text_en", "changes_zh", "changes_en")}
    problems = _problems(cleaned, before) | _day_problems(effective_on, before, at)
    if problems:
        raise Invalid(fields=problems)
    assert effective_on is not None
    return Draft(subject, after + 1, **cleaned, effective_on=effective_on, before=before)


def announce(
    subject: Subject,
    words: Mapping[str, str],
    *,
    effective_on: date | None,
    after: int,
    user: User | None,
    by: audit.Actor,
    at: datetime,
) -> PolicyVersion:
    """Announce the next version. The first one may hold at once, a change after seven whole days.

    Two people who announce at once take turns, and the second is refused. Raises Invalid, AnnouncedMeanwhile.
    """
    db.serialize(f"policies {subject}")
    checked = draft(subject, words, effective_on=effective_on, after=after, at=at)
    version = PolicyVersion(
        subject=subject,
        number=checked.number,
        text_zh=checked.text_zh,
        text_en=checked.text_en,
        changes_zh=checked.changes_zh,
        changes_en=checked.changes_en,
        announced_at=at,
        effective_on=checked.effective_on,
        announced_by_id=user.id if user else None,
        # Nobody is written to about the first version: whoever registers agrees to it.
        told_at=None if checked.before else at,
    )
    db.session.add(version)
    audit.record(
        "policy.announced", version, by=by, at=at,
        after={"subject": subject.value, "number": version.number, "effective_on": version.effective_on.isoformat(),
               "changes": version.changes_zh},
    )  # fmt: skip
    return version


def agree(user: User, *, at: datetime, address: str = "") -> None:
    """`user` agrees to the rules and the privacy policy in force, as whoever registers does. Twice is once.

    Before the first version's day it is the first version that she agrees to.
    """
    for subject in Subject:
        known = versions(subject)
        version = in_force(subject, at) or (known[-1] if known else None)
        if version is not None:
            answer(version, user, agreed=True, at=at, address=address)


def answer(version: PolicyVersion, user: User, *, agreed: bool, at: datetime, address: str = "") -> Consent:
    """`user` has seen the version, and agrees to it or not yet. What is agreed stays agreed."""
    db.lock(user)  # two browsers of one person take turns
    query = select(Consent).where(Consent.user_id == user.id, Consent.version_id == version.id)
    consent = db.session.scalar(query)
    if consent is None:
        consent = Consent(user_id=user.id, version_id=version.id, seen_at=at)
        db.session.add(consent)
    elif consent.agreed_at is not None or not agreed:
        return consent
    consent.agreed_at = at if agreed else None
    actor = audit.Actor("user", user.id, user.name, None, address)
    audit.record("policy.agreed" if agreed else "policy.seen", version, by=actor, at=at)
    return consent


def told(version: PolicyVersion, *, up_to: int, at: datetime | None) -> None:
    """Letters are written up to this person; with `at` to everybody."""
    version.told_up_to_id, version.told_at = up_to, at


_CHANGES = {
    "changes_zh": "用一两句中文写明改了什么，大家会先看到这一句。",
    "changes_en": "用一两句英文写明改了什么，看英文页面的人会先看到这一句。",
}


def _problems(words: Mapping[str, str], before: PolicyVersion | None) -> dict[str, str | Refusal]:
    problems: dict[str, str | Refusal] = {}
    for name in ("text_zh", "text_en"):
        if not text.blocks(words[name]):
            problems[name] = "填写全文。标题前写“## ”，列表每条前写“- ”，段落之间空一行。"
        elif len(words[name]) > LONGEST_TEXT:
            problems[name] = "全文最多 60,000 个字。"
    for name, missing in _CHANGES.items():
        if before and not words[name]:
            problems[name] = missing
        elif len(words[name]) > LONGEST_CHANGES:
            problems[name] = "改动说明最多 600 个字。"
    if before and not problems and all(words[name] == getattr(before, name) for name in ("text_zh", "text_en")):
        problems["text_zh"] = "全文和上一版一样，没有要公布的改动。"
    return problems


def _day_problems(day: date | None, before: PolicyVersion | None, at: datetime) -> dict[str, str | Refusal]:
    if day is None:
        return {"effective_on": "填写生效日期，例如 2026-12-01。"}
    earliest = first_day(at, before) if before else date.min
    if day < earliest:
        return {"effective_on": Refusal("最早 %(day)s 生效：改动要提前至少 7 天公布，并晚于上一版。", day=earliest.isoformat())}
    if day > local_day(at) + _FURTHEST:
        return {"effective_on": "生效日期要在一年以内。"}
    return {}
