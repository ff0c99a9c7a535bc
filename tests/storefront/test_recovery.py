"""What links in letters do: once, for a while, for whoever reads the mailbox; and what a page tells strangers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import event, select

from market import accounts, audit, credentials, db, notifications, resources
from market.accounts import User
from market.accounts.passwords import hash
from market.config import Settings
from market.credentials import Purpose, recovery, tokens
from market.notifications import Email
from tests.builders.accounts import PASSWORD, a_member, a_user, an_organization
from tests.conftest import PRESENT
from tests.support.calls import calls_of
from tests.support.client import Client
from tests.support.clock import FakeClock
from tests.support.together import together

NEW = "violin harbour seventeen"
LINK = re.compile(r"http://localhost(/[a-z-]+/[A-Za-z0-9_-]{43})")


@pytest.fixture
def owner(database: None) -> User:
    with db.transaction():
        return a_member(an_organization(), user=a_user(email="owner@shop.example", name="示例店主"))


def letters(to: str = "") -> list[Email]:
    """What the worker has put into the outbox, the newest first."""
    recovery.answer_due(PRESENT)
    with db.transaction(readonly=True):
        found = db.session.scalars(select(Email).order_by(Email.id.desc())).all()
    return [letter for letter in found if to in letter.recipient]


def link(to: str = "") -> str:
    """The link in the newest letter."""
    found = LINK.search(letters(to)[0].body)
    assert found is not None
    return found.group(1)


def ask(client: Client, email: str = "owner@shop.example") -> None:
    assert client.page("/forgot-password").submit(email=email).heading in ("请查收邮件", "重设密码的邮件寄不出去")


def actions() -> list[str]:
    with db.transaction(readonly=True):
        return [event.action for event in db.session.scalars(audit.events())]


def test_a_forgotten_password_is_set_anew(app: Flask, client: Client, owner: User) -> None:
    thief = app.test_client()
    thief.sign_in(owner.email, PASSWORD)  # type: ignore[attr-defined]
    ask(client, " Owner@Shop.example ")
    page = client.page(link())
    assert page.path == "/reset-password" and "owner@shop.example" in page.text
    assert page.submit(password=NEW).path == "/sign-in"
    assert thief.get("/console/").status_code == 303
    assert client.page("/sign-in").submit(email=owner.email, password=NEW).path == "/console/"
    assert letters()[0].subject == "您的密码已更改"
    assert actions()[1:3] == ["user.password_changed", "user.reset_requested"]


def test_a_known_and_an_unknown_address_are_told_and_cost_the_same(app: Flask, owner: User) -> None:
    told = []
    for email in ("owner@shop.example", "nobody@shop.example"):
        with counted_statements() as statements, calls_of(hash) as hashes:
            page = app.test_client().page("/forgot-password").submit(email=email)  # type: ignore[attr-defined]
        told.append((page.path, page.text, len(statements), len(hashes)))
    assert told[0] == told[1]
    assert [letter.subject for letter in letters()] == ["这个邮箱没有账号", "重新设置密码"]


class counted_statements:
    """The SQL that a block sends."""

    def __enter__(self) -> list[str]:
        self.found: list[str] = []
        self.note = lambda _c, _cur, statement, *_: self.found.append(statement)
        event.listen(db.engine(), "before_cursor_execute", self.note)
        return self.found

    def __exit__(self, *_: object) -> None:
        event.remove(db.engine(), "before_cursor_execute", self.note)


@pytest.mark.every_database
def test_a_link_works_once(client: Client, owner: User) -> None:
    ask(client)
    address = link()
    client.page(address).submit(password=NEW)
    page = client.page(address, status=410)
    assert page.heading == "这个链接已经用过" and page.link("再发一封") == "/forgot-password"


@pytest.mark.every_database
def test_of_two_who_use_one_link_at_once_one_wins(client: Client, owner: User) -> None:
    ask(client)
    word = link().rpartition("/")[2]

    def use() -> User:
        token = tokens.find(Purpose.RESET_PASSWORD, word, at=PRESENT)
        return recovery.reset_password(token, hash(NEW), at=PRESENT)

    answers = together(use, use, use)
    assert sorted(type(answer).__name__ for answer in answers) == ["LinkUsed", "LinkUsed", "User"]


def test_a_link_works_for_an_hour(client: Client, owner: User, clock: FakeClock) -> None:
    ask(client)
    address = link()
    clock.forward(minutes=59, seconds=59)
    page = client.page(address)
    clock.forward(seconds=1)
    assert page.submit(password=NEW).heading == "这个链接已经过期"
    assert client.page(address, status=410).link("再发一封") == "/forgot-password"


def test_only_the_latest_link_works(client: Client, owner: User) -> None:
    ask(client)
    first = link()
    ask(client)
    second = link()
    assert client.page(first, status=410).heading == "这个链接已经用过"
    assert client.page(second).path == "/reset-password"


@pytest.mark.parametrize("path", ["reset-password", "confirm-email", "change-email", "undo-email"])
def test_a_forged_link_is_a_page_in_words(client: Client, owner: User, path: str) -> None:
    for word in ("A" * 43, "x", "%3Cscript%3E", "长" * 50):
        page = client.page(f"/{path}/{word}", status=404)
        assert page.heading == "这个链接不完整"


def test_a_link_is_good_for_one_thing_only(client: Client, owner: User) -> None:
    ask(client)
    word = link().rpartition("/")[2]
    for other in ("confirm-email", "change-email", "undo-email"):
        assert client.page(f"/{other}/{word}", status=404).heading == "这个链接不完整"


@pytest.mark.every_database
def test_the_word_is_in_no_log_no_referer_and_no_table(client: Client, owner: User, capfd: pytest.CaptureFixture[str]) -> None:
    ask(client)
    address = link()
    answer = client.get(address)
    assert (answer.status_code, answer.location) == (303, "/reset-password")
    assert answer.headers["Referrer-Policy"] == "no-referrer" and answer.headers["Cache-Control"] == "no-store"
    client.get(address + "/nowhere")
    word = address.rpartition("/")[2]
    assert word not in capfd.readouterr().err
    with db.transaction(readonly=True):
        assert db.session.scalar(select(credentials.Token).where(credentials.Token.token_hash.contains(word))) is None


@pytest.mark.parametrize(
    ("password", "says"),
    [
        ("short", "至少 10 个字符"),
        ("x" * 201, "最多 200 个字符，现在有 201 个"),
        ("Owner2026!!", "自己的邮箱或姓名"),
        ("示例店主示例店主12", "自己的邮箱或姓名"),
        ("粤企云市2026", "密码"),
        ("password1234", "太常见"),
        ("1234567890", "太常见"),
        ("", "设一个密码"),
    ],
)
def test_a_password_anybody_would_guess_is_refused(client: Client, owner: User, password: str, says: str) -> None:
    ask(client)
    page = client.page(link()).submit(password=password)
    assert page.status == 422 and says in page.text
    assert page.submit(password=NEW).path == "/sign-in"


def test_nobody_floods_a_mailbox(client: Client, owner: User) -> None:
    pages = [client.page("/forgot-password").submit(email=owner.email) for _ in range(5)]
    assert [page.status for page in pages] == [200, 200, 200, 429, 429]
    assert pages[-1].response.headers["Retry-After"] == "900" and "请等 15 分钟" in pages[-1].text
    assert len(letters()) == 3


@pytest.mark.parametrize("email", ["nonsense", "a@b", "长" * 10_000, "<script>@x.example"])
def test_what_is_no_address_is_said(client: Client, owner: User, email: str) -> None:
    assert client.page("/forgot-password").submit(email=email).status == 422


def test_what_strangers_tried_is_forgiven_to_whoever_reads_the_mailbox(app: Flask, client: Client, owner: User) -> None:
    stranger = app.test_client()
    for _ in range(6):
        stranger.page("/sign-in").submit(email=owner.email, password="wrong wrong wrong")  # type: ignore[attr-defined]
    ask(client)
    client.page(link()).submit(password=NEW)
    assert client.page("/sign-in").submit(email=owner.email, password=NEW).path == "/console/"


@pytest.mark.every_database
def test_an_address_is_changed_by_a_link_to_the_new_one_and_back_by_one_to_the_old(client: Client, owner: User) -> None:
    client.sign_in(owner.email, PASSWORD)
    client.page("/account/email/change").submit(email="new@shop.example")
    assert client.page("/account/email").text.count("owner@shop.example") >= 1
    page = client.page(link(to="new@shop.example"))
    assert page.heading == "换成新的登录邮箱"
    assert "new@shop.example" in page.submit().text
    undo = link(to="owner@shop.example")
    assert undo.startswith("/undo-email/")
    page = client.page(undo).submit()
    assert page.path == "/reset-password" and "owner@shop.example" in page.text
    assert client.get("/console/").status_code == 303
    assert page.submit(password=NEW).path == "/sign-in"
    assert client.page("/sign-in").submit(email="owner@shop.example", password=NEW).path == "/console/"


def test_an_address_somebody_has_is_not_told_but_its_owner_is(client: Client, owner: User) -> None:
    with db.transaction():
        a_user(email="taken@shop.example")
    client.sign_in(owner.email, PASSWORD)
    pages = [client.page("/account/email/change").submit(email=email) for email in ("taken@shop.example", "free@shop.example")]
    assert pages[0].text.replace("taken", "free") == pages[1].text
    assert letters("taken@")[0].subject == "有人想用您的邮箱" and letters("free@")[0].subject == "确认新的登录邮箱"


def test_an_address_taken_meanwhile_is_a_page_in_words(client: Client, owner: User) -> None:
    client.sign_in(owner.email, PASSWORD)
    client.page("/account/email/change").submit(email="new@shop.example")
    address = link("new@")
    with db.transaction():
        a_user(email="new@shop.example")
    assert client.page(address).submit().status == 409


@pytest.mark.every_database
def test_an_address_is_confirmed_once(client: Client, owner: User) -> None:
    client.sign_in(owner.email, PASSWORD)
    assert "还没确认" in client.page("/console/").text
    client.page("/account/email").submit("/account/email/send-again")
    page = client.page(link())
    assert page.submit().path == "/account/email"
    assert "还没确认" not in client.page("/console/").text
    with db.transaction(readonly=True):
        user = accounts.user_by_id(owner.id)
        assert user is not None and user.email_confirmed_at == PRESENT


@pytest.fixture
def mailing(mail: object, settings: Settings, clock: FakeClock) -> Iterator[None]:
    """A place with a mail server, which refuses what it is given."""
    resources.install(replace(settings, smtp_url=mail.url), with_clock=clock)  # type: ignore[attr-defined]
    mail.refuse = True  # type: ignore[attr-defined]
    yield


@pytest.mark.every_database
def test_a_letter_waits_while_the_mail_server_is_down_and_the_page_says_so(
    client: Client, owner: User, mailing: None, mail: object, clock: FakeClock
) -> None:
    ask(client)
    letters()
    assert notifications.send_due(clock.now()) == 0
    assert "邮件会晚一些到" in client.page("/forgot-password/sent").text
    mail.refuse = False  # type: ignore[attr-defined]
    clock.forward(minutes=2)
    assert notifications.send_due(clock.now()) == 1
    assert "邮件会晚一些到" not in client.page("/forgot-password/sent").text
    assert len(mail.messages) == 1 and LINK.search(str(mail.messages[0].get_content()))  # type: ignore[attr-defined]
    assert LINK.search(letters()[0].body) is None, "a link that was sent must not lie in the outbox"


def test_without_a_mail_server_the_page_says_whom_to_ask(client: Client, owner: User) -> None:
    ask(client)
    assert "请联系平台管理员" in client.page("/forgot-password/sent").text


def test_old_links_are_swept(client: Client, owner: User) -> None:
    ask(client)
    link()
    assert credentials.sweep(PRESENT + timedelta(days=29)) > 0  # the counts
    assert credentials.sweep(PRESENT + timedelta(days=31)) == 1
