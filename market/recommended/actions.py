"""Verbs: one administrator nominates with a reason, a second one decides."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload

from market import audit, db
from market.accounts import User
from market.catalog import Offering, OfferingStatus, offering_changed, published_revision
from market.errors import Forbidden, Invalid, Refused
from market.kit.period import local_day
from market.providers import Provider
from market.recommended.models import LIFECYCLE, Edition, Entry, EntryStatus
from market.recommended.signals import entry_decided

LONGEST_REASON = 300


class AlreadyNominated(Refused):
    """The offering is nominated for, or listed in, this edition."""

    code = "already_nominated"
    message = "这项服务在本期已有提名或已在目录中。"


class NotLive(Refused):
    """Only what can be bought is recommended."""

    code = "offering_not_live"
    message = "这项服务现在没有在售，不能进推荐目录。"


class EditionOver(Refused):
    """The edition's last day has passed."""

    code = "edition_over"
    message = "这一期推荐目录已经结束，请选当前一期。"


class SamePerson(Forbidden):
    """The two-person rule: whoever nominated does not decide."""

    code = "same_person"
    message = "提名和批准要由两个人来做。请交给另一位管理员决定。"


def add_edition(
    *, slug: str, name_zh: str, name_en: str, starts_on: date, ends_on: date, by: audit.Actor, at: datetime
) -> Edition:
    """A batch of the recommended catalogue, from its first to its last day. Raises Invalid."""
    if ends_on < starts_on:
        raise Invalid(fields={"ends_on": "结束日期不能早于开始日期。"})
    edition = Edition(slug=slug, name_zh=name_zh, name_en=name_en, starts_on=starts_on, ends_on=ends_on)
    try:
        with db.session.begin_nested():
            db.session.add(edition)
    except IntegrityError as error:
        raise Invalid(fields={"slug": "已有这个代号的一期，请换一个。"}) from error
    after = {"slug": slug, "starts_on": starts_on.isoformat(), "ends_on": ends_on.isoformat()}
    audit.record("edition.added", edition, by=by, at=at, after=after)
    return edition


def nominate(
    offering: Offering,
    edition: Edition,
    *,
    reason_zh: str,
    reason_en: str,
    user: User,
    by: audit.Actor,
    at: datetime,
) -> Entry:
    """Propose a live offering with the reason the public will read; the English one may be empty.

    Raises Invalid, NotLive, EditionOver, AlreadyNominated; the unique index decides a race.
    """
    _check_reasons(reason_zh, reason_en)
    if offering.status is not OfferingStatus.LIVE:
        raise NotLive
    if edition.ends_on < local_day(at):
        raise EditionOver
    entry = Entry(
        edition=edition, offering=offering, status=EntryStatus.NOMINATED,
        reason_zh=reason_zh.strip(), reason_en=reason_en.strip(), nominated_by=user, nominated_at=at,
    )  # fmt: skip
    try:
        with db.session.begin_nested():
            db.session.add(entry)
    except IntegrityError as error:
        raise AlreadyNominated from error
    _record("entry.nominated", entry, by=by, at=at, reason=entry.reason_zh, after={"edition": edition.slug})
    return entry


def approve(entry: Entry, *, user: User, by: audit.Actor, at: datetime) -> None:
    """A second person agrees: the entry is listed at once and until the edition's last day.

    Raises SamePerson for whoever nominated, NotLive, EditionOver.
    """
    db.lock(entry)
    _check_second(entry, user)
    offering = db.session.get_one(Offering, entry.offering_id)
    if offering.status is not OfferingStatus.LIVE:
        raise NotLive
    if db.session.get_one(Edition, entry.edition_id).ends_on < local_day(at):
        raise EditionOver
    _move(entry, EntryStatus.APPROVED, "entry.approved", by=by, at=at)
    entry.decided_by, entry.decided_at = user, at
    _move(entry, EntryStatus.LISTED, "entry.listed", by=by, at=at)
    _announce(entry, at=at)


def decline(entry: Entry, *, reason: str, user: User, by: audit.Actor, at: datetime) -> None:
    """A second person disagrees and says why."""
    db.lock(entry)
    _check_second(entry, user)
    entry.decision_reason = _given(reason)
    _move(entry, EntryStatus.DECLINED, "entry.declined", by=by, at=at, reason=entry.decision_reason)
    entry.decided_by, entry.decided_at = user, at
    db.session.flush()
    entry_decided.send(entry, at=at)


def withdraw(entry: Entry, *, reason: str, by: audit.Actor, at: datetime) -> None:
    """Take a listed entry out of the catalogue before its edition ends, and say why."""
    db.lock(entry)
    entry.decision_reason = _given(reason)
    _move(entry, EntryStatus.WITHDRAWN, "entry.withdrawn", by=by, at=at, reason=entry.decision_reason)
    _announce(entry, at=at)


def expire_due(now: datetime) -> int:
    """End the listings whose edition's last day has passed; returns how many."""
    query = (
        select(Entry)
        .join(Entry.edition)
        .where(Entry.status == EntryStatus.LISTED, Edition.ends_on < local_day(now))
        .options(joinedload(Entry.edition))
        .with_for_update(of=Entry, skip_locked=True)
    )
    with db.transaction():
        due = db.session.scalars(query).all()
        for entry in due:
            _move(entry, EntryStatus.EXPIRED, "entry.expired", by=audit.system("worker"), at=now)
            _announce(entry, at=now)
    return len(due)


def _announce(entry: Entry, *, at: datetime) -> None:
    db.session.flush()
    offering_changed.send(db.session.get_one(Offering, entry.offering_id), at=at)
    entry_decided.send(entry, at=at)


def _check_reasons(reason_zh: str, reason_en: str) -> None:
    problems: dict[str, str] = {}
    if not reason_zh.strip():
        problems["reason_zh"] = "写一句推荐理由，公众会看到。"
    for name, text in (("reason_zh", reason_zh), ("reason_en", reason_en)):
        limit = LONGEST_REASON if name == "reason_zh" else LONGEST_REASON * 4
        if len(text.strip()) > limit:
            problems[name] = "推荐理由最多 300 个汉字或 1200 个英文字母。"
    if problems:
        raise Invalid(fields=problems)


def _check_second(entry: Entry, user: User) -> None:
    if entry.nominated_by_id == user.id:
        raise SamePerson


def _given(reason: str) -> str:
    if not reason.strip():
        raise Invalid(fields={"reason": "写明原因，提名人会原样看到。"})
    return reason.strip()


def _move(entry: Entry, to: EntryStatus, action: str, *, by: audit.Actor, at: datetime, reason: str = "") -> None:
    before = entry.status
    LIFECYCLE.move(entry, to)
    _record(action, entry, by=by, at=at, reason=reason, before={"status": before}, after={"status": to})


def _record(action: str, entry: Entry, **details: Any) -> None:
    offering = db.session.get_one(Offering, entry.offering_id)
    provider = db.session.get_one(Provider, offering.provider_id)
    words = published_revision(offering)
    label = str(words.facts.get("name_zh") or offering.slug) if words else offering.slug
    audit.record(action, entry, organization_id=provider.organization_id, label=label, **details)
