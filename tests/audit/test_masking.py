"""What the trail never holds."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from sqlalchemy.orm import Session

from market import audit
from market.audit import masking
from tests.builders.accounts import a_user


@pytest.mark.parametrize(
    ("contact", "shown"),
    [
        ("anna.li@example.com", "a***@example.com"), ("a@b.cn", "a***@b.cn"), ("13812345678", "138****5678"),
        ("+86 138-1234-5678", "86138****5678"), ("020-81234567", "020****4567"), ("12345", "***"), ("", ""), ("没有", "***"),
    ],
)  # fmt: skip
def test_a_contact_is_recognized_by_its_owner_only(contact: str, shown: str) -> None:
    assert audit.masked(contact) == shown


def test_secrets_and_contacts_are_taken_out_wherever_they_are() -> None:
    kept = masking.cleaned(
        {
            "password": "plum blossom", "webhook_secret": "whsec_1", "nested": {"api_token": "t", "list": ["a@b.cn", 1]},
            "phone": "13812345678", "secret_set": True, "url": "https://a.example/x@y", "rate": 0.1, "uscc": "91440101MA9XXXXX0X",
            "recovery_codes": 8,
        }
    )  # fmt: skip
    assert kept == {
        "password": "***", "webhook_secret": "***", "nested": {"api_token": "***", "list": ["a***@b.cn", 1]},
        "phone": "138****5678", "secret_set": True, "url": "https://a.example/x@y", "rate": "0.1", "uscc": "91440101MA9XXXXX0X",
        "recovery_codes": 8,
    }  # fmt: skip


def test_a_row_holds_what_is_left(session: Session) -> None:
    user, at = a_user(email="anna@example.com"), datetime(2026, 11, 20, tzinfo=UTC)
    event = audit.record(
        "user.changed", user, by=audit.system("test"), at=at, before={"email": user.email}, after={"new_password": "plum blossom"}
    )
    session.flush()
    session.refresh(event)
    stored = json.dumps([event.before, event.after])
    assert "anna" not in stored and "plum" not in stored and "a***@example.com" in stored
