"""Sessions: one word in one cookie, until it is ended or too old."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy.orm import Session as Database

from market import credentials
from market.credentials.sessions import LIFE, REMEMBERED_LIFE
from tests.builders.accounts import a_user
from tests.conftest import PRESENT


def test_the_word_in_the_cookie_finds_the_person_and_is_not_stored(session: Database) -> None:
    user = a_user()
    begun, token = credentials.start_session(user, at=PRESENT)
    assert credentials.session_of_token(token, at=PRESENT) is begun
    assert token not in begun.token_hash
    assert credentials.session_of_token("nonsense", at=PRESENT) is None


def test_a_session_ends_by_age_and_a_remembered_one_later(session: Database) -> None:
    for remembered, life in ((False, LIFE), (True, REMEMBERED_LIFE)):
        begun, token = credentials.start_session(a_user(), at=PRESENT, remembered=remembered)
        assert credentials.session_of_token(token, at=PRESENT + life - timedelta(seconds=1)) is begun
        assert credentials.session_of_token(token, at=PRESENT + life) is None


def test_ending_all_but_one_leaves_that_one(session: Database) -> None:
    user = a_user()
    here, token = credentials.start_session(user, at=PRESENT)
    _there, other = credentials.start_session(user, at=PRESENT)
    credentials.end_sessions(user, at=PRESENT, but=here)
    assert credentials.session_of_token(token, at=PRESENT) is here
    assert credentials.session_of_token(other, at=PRESENT) is None


def test_a_disabled_person_is_signed_out_at_once(session: Database) -> None:
    user = a_user()
    _begun, token = credentials.start_session(user, at=PRESENT)
    user.disabled_at = PRESENT
    assert credentials.session_of_token(token, at=PRESENT) is None
