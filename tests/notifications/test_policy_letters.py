"""A change of the rules is written to every owner once, a batch at a time."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from market import notifications, policies
from market.accounts import OrganizationKind, Role
from market.notifications import Email, policy_letters
from market.policies import Subject
from tests.builders.accounts import a_member, a_user, an_organization
from tests.builders.policies import a_policy, both_policies
from tests.conftest import PRESENT


def test_every_owner_gets_one_letter_in_her_language_however_it_is_cut_up(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy_letters, "BATCH", 2)
    both_policies()
    one, two = an_organization(), an_organization(kind=OrganizationKind.PROVIDER)
    both = a_member(one, user=a_user(email="both@example.com"))
    a_member(two, user=both)
    a_member(two, user=a_user(email="english@example.com", locale="en"))
    a_member(one, user=a_user(email="third@example.com"))
    a_member(one, Role.FINANCE, user=a_user(email="clerk@example.com"))
    gone = a_member(one, user=a_user(email="gone@example.com"))
    gone.disabled_at = PRESENT
    version = a_policy(changes_zh="交货从 3 天改成 2 天。", changes_en="Delivery takes two days, not three.")
    assert [notifications.tell_of_policies(PRESENT) for _ in range(4)] == [2, 1, 0, 0]
    assert version.told_at == PRESENT
    letters = {email.recipient: email for email in session.scalars(select(Email))}
    assert sorted(letters) == ["both@example.com", "english@example.com", "third@example.com"]
    assert letters["both@example.com"].subject == "平台规则将在 2026年11月28日更新"
    assert "交货从 3 天改成 2 天。" in letters["both@example.com"].body and "/rules/2" in letters["both@example.com"].body
    assert letters["english@example.com"].subject == "Our rules change on 2026-11-28"
    assert "Delivery takes two days" in letters["english@example.com"].body


def test_two_announcements_are_told_one_after_the_other(session: Session) -> None:
    both_policies()
    a_member(an_organization(), user=a_user())
    a_policy()
    a_policy(Subject.PRIVACY, at=PRESENT + timedelta(minutes=1))
    assert [notifications.tell_of_policies(PRESENT) for _ in range(3)] == [1, 1, 0]
    assert policies.untold() is None
    subjects = sorted(session.scalars(select(Email.subject)))
    assert subjects[0].startswith("平台规则将在") and subjects[1].startswith("隐私政策将在")


def test_nobody_is_written_to_about_the_first_versions(session: Session) -> None:
    both_policies()
    a_member(an_organization(), user=a_user())
    assert notifications.tell_of_policies(PRESENT) == 0
