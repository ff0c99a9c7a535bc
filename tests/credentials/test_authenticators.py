"""Codes of an app: right for a moment, once, in any spelling; the old app works until the new one does."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session as Database

from market import audit, credentials, db
from market.accounts import User
from market.audit import AuditEvent
from market.credentials import authenticators, passkeys, recovery_codes
from market.credentials.authenticators import NothingPending, WrongCode, code_at
from market.credentials.models import Authenticator
from tests.builders.accounts import a_user, an_administrator
from tests.builders.credentials import SECRET, a_passkey, an_authenticator
from tests.conftest import PRESENT
from tests.support.together import together

BY = audit.system("test")
NEXT = PRESENT + timedelta(seconds=30)
#: RFC 6238, appendix B: the last six of the eight digits, for the secret "12345678901234567890".
RFC_SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"


def again(user: User) -> User:
    """The person, as another transaction loads her."""
    return db.session.get_one(User, user.id)


def actions(session: Database) -> list[str]:
    return list(session.scalars(select(AuditEvent.action).order_by(AuditEvent.id)))


@pytest.mark.parametrize(("seconds", "code"), [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")])
def test_codes_are_those_of_the_standard(seconds: int, code: str) -> None:
    assert code_at(RFC_SECRET, PRESENT.fromtimestamp(seconds, PRESENT.tzinfo)) == code


def test_an_app_counts_after_its_first_code_and_its_secret_is_nowhere_in_clear(session: Database) -> None:
    user = a_user()
    begun = authenticators.begin(user, by=BY, at=PRESENT)
    secret = authenticators.secret_of(begun)
    assert not credentials.second_step_due(user)
    assert not authenticators.verify(user, code_at(secret, PRESENT), at=PRESENT)
    authenticators.confirm(user, code_at(secret, PRESENT), by=BY, at=PRESENT)
    assert credentials.second_step_due(user)
    assert secret not in begun.secret and len(secret) == 32
    assert actions(session) == ["authenticator.begun", "authenticator.added"]
    assert not any(secret in str(vars(event)) for event in session.scalars(select(AuditEvent)))


def test_the_first_code_is_used_up_by_confirming(session: Database) -> None:
    user = a_user()
    secret = authenticators.secret_of(authenticators.begin(user, by=BY, at=PRESENT))
    authenticators.confirm(user, code_at(secret, PRESENT), by=BY, at=PRESENT)
    assert not authenticators.verify(user, code_at(secret, PRESENT), at=PRESENT)
    assert authenticators.verify(user, code_at(secret, NEXT), at=NEXT)


def test_a_code_is_taken_one_step_early_or_late_and_no_more(session: Database) -> None:
    for ahead, taken in ((-2, False), (-1, True), (0, True), (1, True), (2, False)):
        user = an_authenticator(a_user())
        assert authenticators.verify(user, code_at(SECRET, PRESENT, ahead=ahead), at=PRESENT) is taken


def test_a_code_is_taken_once_and_no_older_one_after_it(session: Database) -> None:
    user = an_authenticator(a_user())
    now, before = code_at(SECRET, PRESENT), code_at(SECRET, PRESENT, ahead=-1)
    assert authenticators.verify(user, now, at=PRESENT)
    assert not authenticators.verify(user, now, at=PRESENT)
    assert not authenticators.verify(user, before, at=PRESENT)


def test_of_two_who_send_one_code_at_once_one_comes_in(database: None) -> None:
    with db.transaction():
        user = an_authenticator(a_user())
    code = code_at(SECRET, PRESENT)
    assert sorted(together(*[lambda: authenticators.verify(user, code, at=PRESENT)] * 2)) == [False, True]  # type: ignore[type-var]


def test_how_it_is_typed_does_not_matter(session: Database) -> None:
    code = code_at(SECRET, PRESENT)
    wide = code.translate({ord(digit): 0xFF10 + int(digit) for digit in "0123456789"})
    for typed in (code, f" {code[:3]} {code[3:]} ", f"{code[:3]}-{code[3:]}", wide):
        assert authenticators.verify(an_authenticator(a_user()), typed, at=PRESENT), typed


def test_what_is_no_code_is_refused_in_peace(session: Database) -> None:
    user, other = an_authenticator(a_user()), a_user()
    for typed in ("", "0", "abcdef", "六位数字验证", "0" * 100_000, "😀" * 6, "٠١٢٣٤٥", "\0"):
        assert not authenticators.verify(user, typed, at=PRESENT), typed[:20]
        assert not authenticators.verify(other, typed, at=PRESENT)


def test_a_new_app_replaces_the_old_one_only_when_it_has_shown_a_code(session: Database) -> None:
    user = an_administrator()
    fresh = authenticators.secret_of(authenticators.begin(user, by=BY, at=PRESENT))
    with pytest.raises(WrongCode):
        authenticators.confirm(user, code_at(SECRET, PRESENT), by=BY, at=PRESENT)
    assert authenticators.verify(user, code_at(SECRET, PRESENT), at=PRESENT)
    authenticators.confirm(user, code_at(fresh, NEXT), by=BY, at=NEXT)
    later = NEXT + timedelta(seconds=60)
    assert not authenticators.verify(user, code_at(SECRET, later), at=later)
    assert authenticators.verify(user, code_at(fresh, later), at=later)
    assert actions(session)[-1] == "authenticator.replaced"


def test_beginning_twice_shows_one_secret_until_it_is_old(session: Database) -> None:
    user = a_user()
    first = authenticators.begin(user, by=BY, at=PRESENT)
    assert authenticators.begin(user, by=BY, at=NEXT) is first
    late = PRESENT + authenticators.PENDING_LIFE
    with pytest.raises(NothingPending):
        authenticators.confirm(user, code_at(authenticators.secret_of(first), late), by=BY, at=late)
    assert authenticators.secret_of(authenticators.begin(user, by=BY, at=late)) != authenticators.secret_of(first)


def test_who_confirms_twice_is_told_that_it_is_done(database: None) -> None:
    with db.transaction():
        user = a_user()
        code = code_at(authenticators.secret_of(authenticators.begin(user, by=BY, at=PRESENT)), PRESENT)
    answers = together(*[lambda: authenticators.confirm(again(user), code, by=BY, at=PRESENT)] * 2)
    assert {type(answer) for answer in answers} == {Authenticator, NothingPending}


def test_an_administrator_keeps_one(session: Database) -> None:
    user = an_administrator()
    with pytest.raises(credentials.LastSecondStep):
        authenticators.remove(user, by=BY, at=PRESENT)
    a_passkey(user)
    authenticators.remove(user, by=BY, at=PRESENT)
    assert credentials.second_step_due(user)


def test_of_two_removals_at_once_an_administrator_keeps_one(database: None) -> None:
    with db.transaction():
        user = an_administrator()
        passkey = a_passkey(user)
    answers = together(
        lambda: authenticators.remove(again(user), by=BY, at=PRESENT),
        lambda: passkeys.remove(again(user), passkeys.passkey_of(user, passkey.id), by=BY, at=PRESENT),
    )
    assert {type(answer) for answer in answers} == {type(None), credentials.LastSecondStep}


def test_anybody_else_may_do_without_and_her_recovery_codes_go_too(session: Database) -> None:
    user = an_authenticator(a_user())
    recovery_codes.make(user, by=BY, at=PRESENT)
    authenticators.remove(user, by=BY, at=PRESENT)
    assert not credentials.means_of(user).any and credentials.means_of(user).recovery_codes == 0
    assert actions(session)[-1] == "authenticator.removed"


def test_the_next_usable_code_is_never_one_that_was_used(session: Database) -> None:
    user = an_authenticator(a_user())
    for _ in range(2):
        code = authenticators.usable_code(user, at=PRESENT)
        assert code is not None and authenticators.verify(user, code, at=PRESENT)
    assert authenticators.usable_code(user, at=PRESENT) is None
    assert authenticators.usable_code(a_user(), at=PRESENT) is None


def test_whoever_has_lost_everything_begins_anew(session: Database) -> None:
    user = an_administrator()
    a_passkey(user)
    recovery_codes.make(user, by=BY, at=PRESENT)
    credentials.forget_second_steps(user, by=BY, at=PRESENT, reason="手机丢了")
    assert not credentials.means_of(user).any and not recovery_codes.left(user)
    assert actions(session)[-1] == "second_step.forgotten"
