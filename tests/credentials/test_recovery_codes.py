"""Recovery codes: ten, each good once, stored as hashes, void when new ones are made."""

from __future__ import annotations

import re

from sqlalchemy import select
from sqlalchemy.orm import Session as Database

from market import audit, db
from market.audit import AuditEvent
from market.credentials import recovery_codes
from market.credentials.models import RecoveryCode
from tests.builders.accounts import a_user
from tests.conftest import PRESENT
from tests.support.together import together

BY = audit.system("test")


def test_ten_readable_codes_are_made_and_only_hashes_kept(session: Database) -> None:
    user = a_user()
    codes = recovery_codes.make(user, by=BY, at=PRESENT)
    assert len(set(codes)) == recovery_codes.left(user) == 10
    assert all(re.fullmatch(r"[ACDEFGHJKMNPQRTUVWXY34679]{4}(-\w{4}){3}", code) for code in codes)
    kept = " ".join(session.scalars(select(RecoveryCode.code_hash)))
    assert not any(code in kept or code.replace("-", "") in kept for code in codes)


def test_a_code_works_once_in_any_spelling(session: Database) -> None:
    user = a_user()
    first, second, *_ = recovery_codes.make(user, by=BY, at=PRESENT)
    assert recovery_codes.take(user, f" {first.lower().replace('-', ' ')} ", by=BY, at=PRESENT)
    assert not recovery_codes.take(user, first, by=BY, at=PRESENT)
    wide = "".join(chr(ord(letter) + 0xFEE0) for letter in second)
    assert recovery_codes.take(user, wide, by=BY, at=PRESENT)
    assert recovery_codes.left(user) == 8
    assert [event.after for event in session.scalars(select(AuditEvent).where(AuditEvent.action == "recovery_code.used"))] == [{"left": 9}, {"left": 8}]


def test_a_code_is_no_use_to_anybody_else(session: Database) -> None:
    code = recovery_codes.make(a_user(), by=BY, at=PRESENT)[0]
    assert not recovery_codes.take(a_user(), code, by=BY, at=PRESENT)


def test_what_is_no_code_is_refused_in_peace(session: Database) -> None:
    user = a_user()
    recovery_codes.make(user, by=BY, at=PRESENT)
    for typed in ("", "123456", "ACDE-FGHJ-KMNP-QRTU", "x" * 100_000, "恢复码恢复码恢复码恢复码恢复码恢"):
        assert not recovery_codes.take(user, typed, by=BY, at=PRESENT), typed[:20]


def test_new_codes_void_the_old_ones(session: Database) -> None:
    user = a_user()
    old = recovery_codes.make(user, by=BY, at=PRESENT)
    new = recovery_codes.make(user, by=BY, at=PRESENT)
    assert not any(recovery_codes.take(user, code, by=BY, at=PRESENT) for code in old)
    assert recovery_codes.take(user, new[9], by=BY, at=PRESENT)


def test_of_two_who_send_one_code_at_once_one_comes_in(database: None) -> None:
    with db.transaction():
        user = a_user()
        code = recovery_codes.make(user, by=BY, at=PRESENT)[0]
    assert sorted(together(*[lambda: recovery_codes.take(user, code, by=BY, at=PRESENT)] * 2)) == [False, True]  # type: ignore[type-var]
