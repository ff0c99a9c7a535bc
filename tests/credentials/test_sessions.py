"""Sessions: one word in one cookie, until it is ended, unused or too old."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session as Database

from market import audit, credentials, db
from market.credentials import browsers
from market.credentials.sessions import LIFE, LONGEST_LIFE, REMEMBERED_LIFE, sweep_sessions
from market.errors import NotFound
from tests.builders.accounts import a_user, an_actor
from tests.conftest import PRESENT

MINUTE = timedelta(minutes=1)


def test_the_word_in_the_cookie_finds_the_person_and_is_not_stored(session: Database) -> None:
    user = a_user()
    begun, token = credentials.start_session(user, at=PRESENT)
    assert credentials.session_of_token(token, at=PRESENT) is begun
    assert token not in begun.token_hash
    assert credentials.session_of_token("nonsense", at=PRESENT) is None
    assert credentials.session_of_token("\ud800", at=PRESENT) is None


def test_a_session_ends_by_age_and_a_remembered_one_later(session: Database) -> None:
    for remembered, life in ((False, LIFE), (True, REMEMBERED_LIFE)):
        begun, token = credentials.start_session(a_user(), at=PRESENT, remembered=remembered)
        assert credentials.session_of_token(token, at=PRESENT + life - timedelta(seconds=1)) is begun
        assert credentials.session_of_token(token, at=PRESENT + life) is None


def test_use_prolongs_it_but_never_beyond_its_longest_life(session: Database) -> None:
    begun, token = credentials.start_session(a_user(), at=PRESENT, remembered=True)
    at = PRESENT
    while credentials.session_of_token(token, at=at) is not None:
        credentials.see(begun.id, at=at, agent="", address="")
        at += timedelta(days=9)
    assert begun.expires_at == PRESENT + LONGEST_LIFE


def test_use_is_written_down_every_few_minutes_only(session: Database) -> None:
    begun, _token = credentials.start_session(a_user(), at=PRESENT)
    credentials.see(begun.id, at=PRESENT + 4 * MINUTE, agent="", address="")
    assert begun.last_seen_at == PRESENT
    credentials.see(begun.id, at=PRESENT + 5 * MINUTE, agent="curl/8", address="203.0.113.9")
    assert (begun.last_seen_at, begun.agent, begun.address) == (PRESENT + 5 * MINUTE, "curl/8", "203.0.113.9")


def test_use_does_not_bring_an_ended_session_back(session: Database) -> None:
    begun, token = credentials.start_session(a_user(), at=PRESENT)
    credentials.end_session(begun, at=PRESENT)
    credentials.see(begun.id, at=PRESENT + timedelta(hours=1), agent="", address="")
    assert credentials.session_of_token(token, at=PRESENT + timedelta(hours=1)) is None


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


def test_nobody_finds_the_sessions_of_others(session: Database) -> None:
    begun, _token = credentials.start_session(a_user(), at=PRESENT)
    with pytest.raises(NotFound):
        credentials.session_of(a_user(), begun.id, at=PRESENT)


def test_the_trail_knows_who_came_and_whose_session_was_ended(session: Database) -> None:
    user = a_user()
    begun, _token = credentials.start_session(user, at=PRESENT, agent="Firefox/140.0 (Windows NT 10.0)")
    credentials.end_session(begun, by=an_actor(user), at=PRESENT)
    credentials.end_session(begun, by=an_actor(user), at=PRESENT)
    trail = db.session.scalars(audit.events()).all()
    assert [event.action for event in trail] == ["session.ended", "user.signed_in"]
    assert trail[0].subject_label == trail[1].after["browser"] == "Firefox · Windows"


def test_sessions_that_ended_long_ago_are_swept(database: None) -> None:
    with db.transaction():
        credentials.start_session(a_user(), at=PRESENT)
    assert sweep_sessions(PRESENT + timedelta(days=90)) == 0
    assert sweep_sessions(PRESENT + timedelta(days=91)) == 1


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36", "Chrome · Windows"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0", "Edge · Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605 Version/18.0 Mobile Safari/604.1", "Safari · iPhone"),
        ("Mozilla/5.0 (Linux; Android 14) AppleWebKit/537 Chrome/130 Mobile Safari/537 MicroMessenger/8.0.50", "微信 · Android"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox · macOS"),
        ("curl/8.5.0", "curl"),
        ("", ""),
        ("<script>alert(1)</script>", ""),
    ],
)
def test_a_browser_is_told_in_words(agent: str, words: str) -> None:
    assert browsers.words(agent) == words
