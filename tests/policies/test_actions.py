"""Announcing versions: seven whole days ahead, never changed, agreed to by version."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from market import audit, db, policies
from market.accounts import User
from market.audit import AuditEvent
from market.config import ROOT
from market.errors import Invalid, NotFound
from market.kit.period import SHANGHAI, local_day
from market.policies import Consent, PolicyVersion, Subject
from tests.builders.accounts import a_user, an_actor, an_administrator
from tests.builders.policies import a_policy, both_policies, words
from tests.conftest import PRESENT
from tests.support.together import together

RULES = Subject.RULES


def announce(after: int, day: date | None, at: datetime = PRESENT, **changes: str) -> PolicyVersion:
    return policies.announce(RULES, words(after + 1, **changes), effective_on=day, after=after, user=None, by=an_actor(), at=at)


@pytest.mark.parametrize(
    ("announced", "earliest"),
    [
        ("2026-11-20 00:00:00", "2026-11-27"),
        ("2026-11-20 00:00:01", "2026-11-28"),
        ("2026-11-20 23:59:59", "2026-11-28"),
    ],
)
def test_a_change_holds_seven_whole_days_of_guangdong_later(session: Session, announced: str, earliest: str) -> None:
    a_policy(at=PRESENT - timedelta(days=30))
    at = datetime.fromisoformat(announced).replace(tzinfo=SHANGHAI).astimezone(UTC)
    day = date.fromisoformat(earliest)
    with pytest.raises(Invalid) as refused:
        announce(1, day - timedelta(days=1), at)
    assert list(refused.value.fields) == ["effective_on"]
    version = announce(1, day, at)
    midnight = datetime.combine(day, datetime.min.time(), tzinfo=SHANGHAI)
    before = policies.in_force(RULES, midnight - timedelta(seconds=1))
    assert before and before.number == 1
    assert policies.in_force(RULES, midnight) is version
    assert list(policies.coming(RULES, midnight - timedelta(seconds=1))) == [version]
    assert not policies.coming(RULES, midnight)


def test_the_first_version_may_hold_at_once_and_needs_no_account_of_changes(session: Session) -> None:
    version = announce(0, local_day(PRESENT), changes_zh="", changes_en="")
    assert policies.in_force(RULES, PRESENT) is version
    assert version.told_at == PRESENT


def test_a_later_version_never_holds_before_an_earlier_one(session: Session) -> None:
    a_policy(at=PRESENT - timedelta(days=30))
    coming = a_policy(effective_on=date(2027, 1, 1))
    with pytest.raises(Invalid):
        announce(2, date(2026, 12, 24))
    with pytest.raises(Invalid):
        announce(2, coming.effective_on)
    assert announce(2, date(2027, 1, 2)).number == 3


@pytest.mark.parametrize(
    ("changes", "day", "fields"),
    [
        ({"text_zh": " \r\n \t"}, date(2026, 12, 1), ["text_zh"]),
        ({"text_en": "## "}, date(2026, 12, 1), None),
        ({"text_zh": "长" * 60_001}, date(2026, 12, 1), ["text_zh"]),
        ({"changes_zh": "", "changes_en": "x" * 601}, date(2026, 12, 1), ["changes_zh", "changes_en"]),
        ({}, None, ["effective_on"]),
        ({}, date(2028, 12, 1), ["effective_on"]),
        ({}, date.min, ["effective_on"]),
        ({key: words(1)[key] for key in ("text_zh", "text_en")}, date(2026, 12, 1), ["text_zh"]),
    ],
)
def test_what_cannot_be_announced_is_said_field_by_field(
    session: Session, changes: dict[str, str], day: date | None, fields: list[str] | None
) -> None:
    a_policy(at=PRESENT - timedelta(days=30))
    if fields is None:
        assert announce(1, day, **changes).number == 2
        return
    with pytest.raises(Invalid) as refused:
        announce(1, day, **changes)
    assert sorted(refused.value.fields) == sorted(fields)
    assert [version.number for version in policies.versions(RULES)] == [1]


def test_two_who_announce_at_once_get_one_number_and_one_day(database: None) -> None:
    with db.transaction():
        a_policy(at=PRESENT - timedelta(days=30))
        people = [an_administrator().id for _ in range(3)]

    def act(id: int) -> None:
        user = db.session.get_one(User, id)
        policies.announce(
            RULES, words(2), effective_on=date(2026, 12, 1), after=1, user=user, by=an_actor(user), at=PRESENT
        )

    answers = together(*(lambda id=id: act(id) for id in people))  # type: ignore[misc]
    assert sorted(type(answer).__name__ for answer in answers) == ["AnnouncedMeanwhile", "AnnouncedMeanwhile", "NoneType"]
    with db.transaction(readonly=True):
        assert [version.number for version in policies.versions(RULES)] == [2, 1]


def test_an_announcement_is_in_the_trail(session: Session) -> None:
    version = a_policy()
    entry = session.scalars(select(AuditEvent).where(AuditEvent.action == "policy.announced")).one()
    assert (entry.subject_id, entry.after["effective_on"]) == (version.id, version.effective_on.isoformat())


def test_who_registers_agrees_to_what_is_in_force(session: Session) -> None:
    both_policies()
    coming = a_policy()
    user = a_user()
    policies.agree(user, at=PRESENT)
    policies.agree(user, at=PRESENT)
    agreed = session.scalars(select(Consent).where(Consent.user_id == user.id)).all()
    assert len(agreed) == 2 and all(consent.agreed_at == PRESENT for consent in agreed)
    assert coming.id not in {consent.version_id for consent in agreed}
    assert [notice.version for notice in policies.notices(user, PRESENT)] == [coming]


def test_without_any_policy_there_is_nothing_to_agree_to(session: Session) -> None:
    user = a_user()
    policies.agree(user, at=PRESENT)
    assert not session.scalars(select(Consent)).all()


def test_a_notice_stays_until_seen_and_what_is_agreed_stays_agreed(session: Session) -> None:
    both_policies()
    user, version = a_user(), a_policy()
    later = PRESENT + timedelta(days=30)
    assert [notice.coming for notice in policies.notices(user, PRESENT)] == [True]
    assert [notice.coming for notice in policies.notices(user, later)] == [False]
    seen = policies.answer(version, user, agreed=False, at=PRESENT)
    assert not policies.notices(user, PRESENT) and seen.agreed_at is None
    policies.answer(version, user, agreed=True, at=later)
    policies.answer(version, user, agreed=False, at=later + timedelta(days=1))
    assert seen.agreed_at == later
    assert len(policies.notices(a_user(), PRESENT)) == 1, "somebody else has not seen it"


@pytest.mark.parametrize("number", [0, -1, 9, 2**31, 2**70])
def test_an_unknown_number_is_not_found(session: Session, number: int) -> None:
    a_policy()
    with pytest.raises(NotFound):
        policies.version_by_number(RULES, number)


def test_the_seed_fills_what_is_empty_and_touches_nothing_else(session: Session) -> None:
    folder = ROOT / "catalog_seed" / "policies"
    first = policies.load(folder, by=audit.system("seed"), at=PRESENT)
    assert [version.subject for version in first] == list(Subject)
    assert policies.load(folder, by=audit.system("seed"), at=PRESENT + timedelta(days=1)) == []
    for version in first:
        chinese, english = (policies.blocks(text) for text in (version.text_zh, version.text_en))
        shape = [(block.kind, len(block.lines)) for block in chinese]
        assert shape == [(block.kind, len(block.lines)) for block in english], "both languages say the same things"
