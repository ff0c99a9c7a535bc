"""Coming in and leaving: what strangers may learn and try, and what a copied cookie is worth."""

from __future__ import annotations

from datetime import timedelta

import pytest
from argon2 import PasswordHasher
from flask import Flask

from market import accounts, audit, credentials, db
from market.accounts import User
from market.accounts.passwords import outdated, verify
from tests.builders.accounts import PASSWORD, a_member, a_user, an_organization
from tests.support.calls import calls_of
from tests.support.client import Client
from tests.support.clock import FakeClock
from tests.support.pages import Page

MINUTE = timedelta(minutes=1)


@pytest.fixture
def owner(database: None) -> User:
    with db.transaction():
        return a_member(an_organization(), user=a_user(email="owner@shop.example"))


def enter(client: Client, *, email: str = "owner@shop.example", password: str = PASSWORD, **more: str) -> Page:
    return client.page("/sign-in").submit(email=email, password=password, **more)


def visitor(app: Flask, address: str = "203.0.113.7") -> Client:
    client = app.test_client()
    assert isinstance(client, Client)
    client.environ_base["REMOTE_ADDR"] = address
    return client


def spoil(client: Client, times: int = 5) -> None:
    """Try in vain so often that one has to wait."""
    page = client.page("/sign-in")
    for _ in range(times):
        page.submit(email="owner@shop.example", password="wrong wrong wrong")


def test_the_right_password_comes_in_and_the_trail_knows(client: Client, owner: User) -> None:
    assert enter(client).path == "/console/"
    with db.transaction(readonly=True):
        assert [event.action for event in db.session.scalars(audit.events())] == ["user.signed_in"]


def test_a_known_and_an_unknown_address_cannot_be_told_apart(app: Flask, owner: User) -> None:
    told = []
    for email, password in (("owner@shop.example", "wrong wrong wrong"), ("nobody@shop.example", PASSWORD)):
        client = visitor(app)
        with calls_of(verify) as compared:
            page = enter(client, email=email, password=password)
        told.append((page.status, page.text.replace(email, ""), len(compared), sorted(page.response.headers.keys())))
    assert told[0] == told[1] and told[0][0] == 422 and told[0][2] == 1


def test_they_cannot_be_told_apart_by_the_wait_either(app: Flask, owner: User) -> None:
    for email in ("owner@shop.example", "nobody@shop.example"):
        client = visitor(app, address="203.0.113.8" if email[0] == "o" else "203.0.113.9")
        with calls_of(verify) as compared:
            pages = [enter(client, email=email, password="wrong wrong wrong") for _ in range(8)]
        assert [page.status for page in pages] == [422] * 5 + [429] * 3
        assert len(compared) == 5, "what is refused must not cost a hash"
        assert pages[-1].response.headers["Retry-After"] == "60" and "请等 1 分钟再试" in pages[-1].text


def test_somebody_who_is_disabled_is_told_the_same(client: Client, owner: User, clock: FakeClock) -> None:
    with db.transaction():
        db.session.merge(owner).disabled_at = clock.now()
    assert "邮箱或密码不对" in enter(client).text


def test_an_older_hash_is_renewed_on_the_way_in(client: Client, owner: User) -> None:
    with db.transaction():
        db.session.merge(owner).password_hash = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    assert enter(client, password="wrong wrong wrong").status == 422 and enter(client).path == "/console/"
    with db.transaction(readonly=True):
        user = accounts.user_by_id(owner.id)
        assert user is not None and not outdated(user.password_hash) and verify(user.password_hash, PASSWORD)


def test_strangers_make_the_owner_wait_elsewhere_but_not_in_her_own_browser(app: Flask, owner: User, clock: FakeClock) -> None:
    home = visitor(app, "198.51.100.1")
    enter(home)
    home.page("/console/").submit("/sign-out")
    spoil(visitor(app))
    assert enter(home).path == "/console/"
    spoil(visitor(app))
    elsewhere = visitor(app, "198.51.100.2")
    assert enter(elsewhere).status == 429
    clock.forward(minutes=1)
    assert enter(elsewhere).path == "/console/"


def test_a_known_browser_may_not_guess_for_ever_and_is_known_for_its_own_account_only(app: Flask, owner: User) -> None:
    home = visitor(app)
    enter(home)
    home.page("/console/").submit("/sign-out")
    spoil(home, 12)
    assert enter(home).status == 429
    with db.transaction():
        a_user(email="other@shop.example")
    strange = visitor(app)
    strange.set_cookie("device", home.get_cookie("device").value)
    spoil(strange, 6)
    for _ in range(5):
        enter(strange, email="other@shop.example", password="wrong wrong wrong")
    assert enter(strange, email="other@shop.example").status == 429


@pytest.mark.parametrize("cookie", ["", "nonsense", "e30.x", "IjEi.AAAA"])
def test_a_forged_device_cookie_is_none(app: Flask, owner: User, cookie: str) -> None:
    spoil(visitor(app))
    client = visitor(app)
    client.set_cookie("device", cookie)
    assert enter(client).status == 429


def test_success_lets_an_account_start_anew(app: Flask, owner: User) -> None:
    client = visitor(app)
    spoil(client, 4)
    enter(client)
    strange = visitor(app)
    spoil(strange, 4)
    assert enter(strange).path == "/console/"


def test_many_tries_leave_few_lines_in_the_trail(app: Flask, owner: User, clock: FakeClock) -> None:
    for round in range(12):
        spoil(visitor(app, f"203.0.113.{round}"), 6)
        clock.forward(minutes=16)
    with db.transaction(readonly=True):
        lines = [event for event in db.session.scalars(audit.events()) if event.action == "user.sign_in_failed"]
    assert [line.after["failures"] for line in lines] == [10, 5]
    assert lines[0].after["account"] == "o***@shop.example"


@pytest.mark.every_database
def test_pressing_the_button_twice_is_no_trouble(client: Client, owner: User) -> None:
    page = client.page("/sign-in")
    assert page.submit(email=owner.email, password=PASSWORD).path == "/console/"
    again = page.submit(email=owner.email, password=PASSWORD)
    assert again.status in (200, 400)
    assert client.page("/console/").path == "/console/"


@pytest.mark.parametrize("remember", [None, "y"])
def test_a_copied_cookie_is_worthless_after_signing_out(app: Flask, owner: User, remember: str | None) -> None:
    client, thief = visitor(app), visitor(app)
    enter(client, remember=remember)  # type: ignore[arg-type]
    copy(client, thief)
    assert thief.get("/console/").status_code == 200
    client.page("/console/").submit("/sign-out")
    assert thief.get("/console/").status_code == 303


def copy(client: Client, thief: Client) -> None:
    for name in ("session", "remember"):
        if (cookie := client.get_cookie(name)) is not None:
            thief.set_cookie(name, cookie.value)


@pytest.mark.every_database
def test_signing_in_takes_another_word_for_the_cookie(client: Client, owner: User) -> None:
    words = []
    for _ in range(2):
        enter(client)
        with client.session_transaction() as kept:
            words.append(kept["_user_id"])
        client.page("/console/").submit("/sign-out")
    assert words[0] != words[1]


def test_a_remembered_session_outlives_the_browser_for_a_month_of_rest(app: Flask, owner: User, clock: FakeClock) -> None:
    for remember, hours in ((None, 12), ("y", 30 * 24)):
        client = visitor(app)
        enter(client, remember=remember)  # type: ignore[arg-type]
        clock.forward(hours=hours, seconds=-1)
        if remember:
            client.delete_cookie("session")
        assert client.get("/console/").status_code == 200, remember
        clock.forward(hours=hours)
        assert client.get("/console/").status_code == 303, remember


def test_use_keeps_a_session_alive_for_ninety_days_at_most(client: Client, owner: User, clock: FakeClock) -> None:
    enter(client, remember="y")
    days = 0
    while client.get("/console/", buffered=True).status_code == 200:
        clock.forward(days=10)
        days += 10
    assert days == 90


@pytest.mark.every_database
def test_a_page_that_is_read_writes_its_use_down_apart(client: Client, owner: User, clock: FakeClock) -> None:
    enter(client)
    clock.forward(minutes=6)
    answer = client.get("/console/", buffered=True, headers={"User-Agent": "Firefox/140.0 (X11; Linux)"})
    assert answer.status_code == 200
    with db.transaction(readonly=True):
        user = accounts.user_by_id(owner.id)
        assert user is not None
        seen = credentials.sessions_of(user, at=clock.now())[0]
        assert (seen.last_seen_at, seen.agent) == (clock.now(), "Firefox/140.0 (X11; Linux)")


@pytest.mark.parametrize("word", ["", "长" * 10_000, "a\0b", "<script>alert(1)</script>", "x' OR 1=1 --"])
def test_what_is_no_account_is_refused_like_any_other(app: Flask, owner: User, word: str) -> None:
    assert enter(visitor(app), email=word, password=word).status in (400, 422)  # NUL is no text at all
