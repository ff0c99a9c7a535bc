"""Opening an account: everything to change is said in one round, and nothing about anybody else."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import event, func, select

from market import accounts, audit, credentials, db, resources
from market.accounts import Membership, Organization, Registration, Role, User
from market.credentials import recovery
from market.notifications import Email
from tests.builders.accounts import a_city, a_code, a_member, a_user, an_organization
from tests.conftest import PRESENT
from tests.support import registering
from tests.support.calls import calls_of
from tests.support.together import together

FIRM = {
    "organization_name": "示例茶叶商行", "code": "91350100M000100Y43", "city_code": "440100",
    "name": "示例店主", "email": "owner@shop.example", "password": "correct horse battery", "agree": "y",
}  # fmt: skip


@pytest.fixture
def city(app) -> None:
    with db.transaction():
        a_city()


def wrong(page) -> set[str]:
    return {box.get("id") for tag in ("input", "select") for box in page.all(tag, **{"aria-invalid": "true"})}


def letters(to: str = "owner@shop.example") -> list[Email]:
    """What the worker has written to an address, the newest first."""
    return registering.letters(to, resources.clock.now())


def link(to: str = "owner@shop.example") -> str:
    """The link in the newest letter."""
    return registering.link(to, resources.clock.now())


def fill_in(client, **typed):
    return client.page("/register").submit(button="注册企业账号", **FIRM | typed)


def rows(*tables) -> list[int]:
    with db.transaction(readonly=True):
        return [db.session.scalar(select(func.count()).select_from(table)) for table in tables]


@pytest.mark.every_database
def test_an_account_is_opened_by_the_link_in_a_letter(client, city) -> None:
    client.get("/register?next=/console/bills/")
    page = client.page("/register?next=/console/bills/").submit(button="注册企业账号", **FIRM)
    assert page.path == "/register/sent" and "owner@shop.example" in page.text
    assert rows(User, Organization) == [0, 0]
    assert client.page(link()).path == "/console/bills/"
    assert rows(User, Organization, Registration) == [1, 1, 0]
    with db.transaction(readonly=True):
        assert db.session.scalars(select(User)).one().email_confirmed_at == PRESENT


@pytest.mark.every_database
def test_a_mail_program_that_opens_the_link_changes_nothing_and_it_works_once(app, client, city) -> None:
    fill_in(client)
    address = link()
    page = app.test_client().page(address)
    assert page.path == "/finish-registration" and "示例茶叶商行" in page.text
    assert rows(User, Registration) == [0, 1]
    assert client.page(address).path == "/console/"
    assert client.page(address).path == "/console/", "a browser that opened it ahead of her must not cost her the way"
    assert app.test_client().page(address, status=404).heading == "这个注册链接不能用了"
    assert app.test_client().page("/finish-registration/" + "x" * 43, status=404).heading == "这个注册链接不能用了"


@pytest.mark.every_database
def test_in_another_browser_the_password_is_asked_for(app, client, city) -> None:
    """Somebody typed this address; only she who typed the password as well becomes its owner."""
    fill_in(client)
    elsewhere = app.test_client().page(link())
    assert elsewhere.submit(password="something else").status == 422
    assert rows(User) == [0]
    assert elsewhere.submit(password=FIRM["password"]).path == "/console/"


@pytest.mark.every_database
def test_what_nobody_finishes_is_forgotten_in_a_day(client, city, clock) -> None:
    fill_in(client)
    address = link()
    clock.forward(hours=24)
    assert client.page(address, status=404).status == 404
    credentials.sweep(PRESENT + timedelta(hours=24))
    assert rows(Registration) == [0]


def test_a_taken_address_and_a_known_firm_are_answered_as_free_ones(app, city) -> None:
    """The same pages to the last byte apart from random words, the same statements, the same work on the password."""
    with db.transaction():
        a_user(email="owner@shop.example")
        an_organization().uscc = FIRM["code"]
    free = _answer(app, email="freee@shop.example", code="91440300708461136T")
    taken = _answer(app, email="owner@shop.example", code=FIRM["code"])
    assert free == taken and free[0] == 303
    assert free[-1] == 1 and len(free[-2]) > 3


def _answer(app, **typed) -> tuple:
    """All that somebody who registers can see, the statements and the number of slow hashes."""
    visitor, statements = app.test_client(), []
    word = visitor.page("/register").one("input", name="csrf_token").get("value")

    def note(_connection, _cursor, statement, *_rest) -> None:
        statements.append(statement)

    event.listen(db.engine(), "before_cursor_execute", note)
    with calls_of(accounts.passwords.hash) as hashed:
        posted = visitor.post("/register", data=FIRM | typed | {"csrf_token": word})
    event.remove(db.engine(), "before_cursor_execute", note)
    headers = [(name, value) for name, value in posted.headers if name not in ("Set-Cookie", "X-Request-Id")]
    after = visitor.get(posted.location)
    return posted.status_code, headers, posted.text, _plain(after.text, typed["email"]), statements, len(hashed)


def _plain(html: str, email: str) -> str:
    """Without what is random on every page."""
    return re.sub(r'(name="csrf_token"[^>]*value|nonce|"X-CSRFToken"): ?=?"[^"]+"|value="[^"]{40,}"', "", html).replace(email, "")


def test_the_owner_of_a_taken_address_is_told_by_letter(client, city) -> None:
    with db.transaction():
        a_user(email="owner@shop.example")
    fill_in(client)
    (letter,) = letters()
    assert letter.subject == "有人想用您的邮箱" and "/sign-in" in letter.body and "/forgot-password" in letter.body
    assert rows(User, Registration) == [1, 0]


@pytest.mark.every_database
def test_a_known_firm_is_asked_to_let_her_in(app, client, city) -> None:
    with db.transaction():
        firm = an_organization(name="老茶行")
        firm.uscc = FIRM["code"]
        owner = a_member(firm, user=a_user(email="boss@tea.example"))
        a_member(firm, role=Role.VIEWER)
    fill_in(client)
    page = client.page(link())
    assert page.heading == "邮箱已确认" and rows(User, Organization, Membership, Registration) == [2, 1, 2, 0]
    assert [letter.subject for letter in letters()] == ["您的注册：示例茶叶商行", "完成注册：示例茶叶商行"]
    assert "老茶行" not in letters()[0].body
    (asked,) = letters("boss@tea.example")
    assert "owner@shop.example" in asked.body and asked.user_id == owner.id
    with db.transaction(readonly=True):
        assert db.session.scalars(audit.events()).first().action == "organization.wanted"


@pytest.mark.every_database
def test_of_two_who_press_the_button_at_once_one_gets_in(client, city) -> None:
    fill_in(client)
    word = link().rpartition("/")[2]

    def finish():
        with db.transaction():
            return accounts.finish(accounts.registration_of_token(word, at=PRESENT), at=PRESENT)

    answers = together(finish, finish)
    assert sum(isinstance(one, Membership) for one in answers) == 1
    assert sum(isinstance(one, accounts.RegistrationGone) for one in answers) == 1


@pytest.mark.every_database
def test_of_two_who_register_one_firm_at_once_the_second_asks_to_be_let_in(app, city) -> None:
    words = []
    for email in ("a@shop.example", "b@shop.example"):
        fill_in(app.test_client(), email=email)
        words.append(link(email).rpartition("/")[2])

    def finish(word):
        with db.transaction():
            return accounts.finish(accounts.registration_of_token(word, at=PRESENT), at=PRESENT)

    answers = together(lambda: finish(words[0]), lambda: finish(words[1]))
    assert sum(isinstance(one, Membership) for one in answers) == 1 and None in answers
    assert rows(User, Organization) == [1, 1]


@pytest.mark.every_database
def test_where_no_mail_is_sent_the_letter_is_read_in_the_asking_browser(app, client, city) -> None:
    page = fill_in(client).follow("看这封邮件")
    assert page.one("div", id="letters").get("hx-get") == "/register/letter"
    recovery.answer_due(PRESENT)
    assert client.page("/register/letter").follow("完成注册的链接").path == "/console/"
    assert app.test_client().page("/register/letter").path == "/register"


def test_with_a_mail_server_no_letter_is_shown_here(client, city, monkeypatch) -> None:
    monkeypatch.setattr(resources, "settings", replace(resources.settings, smtp_url="smtp://mail.example"))
    assert not fill_in(client).all("a", href="/register/letter")
    client.page("/register/letter", status=404)


def test_everything_wrong_is_said_in_one_round(client, city) -> None:
    bad = {"password": "short", "code": "91350100M000100Y44", "city_code": "", "name": "", "email": "owner"}
    page = client.page("/register").submit(button="注册企业账号", **FIRM | bad)
    assert page.status == 422
    assert wrong(page) == {"password", "code", "city_code", "name", "email"}
    assert "选择企业所在的地市" in page.text and page.text.count("密码至少 10 个字符") >= 1


def test_a_box_says_one_thing_at_a_time(client, city) -> None:
    page = client.page("/register").submit(button="注册企业账号", **FIRM | {"password": "", "city_code": ""})
    assert "设一个密码" in page.text and "好记也安全" not in page.text
    assert wrong(page) == {"password", "city_code"}


def test_the_size_is_shown_with_its_reason(client, city) -> None:
    """As the page asks while somebody types, without scripts by a button, and once the account is open."""
    figures = {"industry": "software", "staff": "120", "revenue_fen": "900"}
    reason = "员工 120 人达到中型，营业收入 900 万元为小型，按规则取小型"
    asked = client.page("/register?" + "&".join(f"{name}={value}" for name, value in figures.items()))
    assert reason in asked.text and "以主管部门认定为准" in asked.text
    looked = client.page("/register").submit(button="先看企业规模", **FIRM | figures)
    assert looked.status == 200 and reason in looked.text and looked.one("input", name="name").get("value") == FIRM["name"]
    fill_in(client, **figures)
    assert reason in client.page(link()).text


def test_a_city_that_the_code_names_need_not_be_picked(app, client, city) -> None:
    fill_in(client, code=a_code(4711), city_code="")
    assert "广州" in app.test_client().page(link()).text
    with db.transaction(readonly=True):
        assert db.session.scalars(select(Registration)).one().firm["city_code"] == "440100"


def test_only_the_figures_of_the_industry_are_asked_for(client, city) -> None:
    page = client.page("/register?industry=construction&revenue_fen=90000")
    assert page.all("input", name="assets_fen") and not page.all("input", name="staff")
    assert "还缺资产总额" in page.text


@pytest.mark.parametrize(
    ("typed", "said"),
    [({"staff": "一百二十"}, "员工人数写成 120 的样子"), ({"staff": "-5"}, "员工人数写成 120 的样子"), ({"staff": "9" * 400}, "员工人数写成"),
     ({"revenue_fen": "NaN"}, "按万元填"), ({"revenue_fen": "1e9999"}, "按万元填"), ({"assets_fen": "<b>1</b>"}, "按万元填"),
     ({"industry": "alchemy"}, "选择列表里的行业"), ({"phone": "打给我"}, "电话写成"), ({"agree": None}, "同意后勾选"), ({"email": "没有"}, "邮箱里要有“@”")],
)  # fmt: skip
def test_what_cannot_be_used_is_said_in_words(client, city, typed, said) -> None:
    page = client.page("/register").submit(button="注册企业账号", **FIRM | typed)
    assert page.status == 422 and said in page.text


def test_a_code_hints_at_the_city_and_changes_nothing(client, city) -> None:
    assert "登记地是广州市" in client.page("/register?code=91440101MA0000015B").text
    elsewhere = client.page("/register?code=91440101MA0000015B&city_code=440300")
    assert "以您选的为准" in elsewhere.text
    assert "登记地" not in client.page("/register?code=91350100M000100Y43").text


def test_the_page_asks_for_no_password_in_an_address(client, city) -> None:
    page = client.page("/register?password=secret-secret&name=Eve&code=1")
    assert not page.one("input", name="password").get("value") and not page.one("input", name="name").get("value")
    sent = [box.get("hx-include") or "" for box in page.all("input") + page.all("select") if box.get("hx-get")]
    assert len(sent) == 5 and not any("password" in names or "email" in names for names in sent)


def test_a_firms_name_holds_no_markup(client, city) -> None:
    page = fill_in(client, organization_name="<script>alert(1)</script>")
    assert page.status == 422 and wrong(page) == {"organization_name"} and "不能有尖括号" in page.text
    assert "<script>alert(1)" not in page.html


def test_a_form_that_lost_its_boxes_is_no_accident(client, city) -> None:
    page = client.send("POST", "/register", [("csrf_token", client.page("/register").one("input", name="csrf_token").get("value"))])
    assert page.status == 422 and {"password", "code", "city_code"} <= wrong(page)


def test_nobody_is_flooded_with_letters(client, city) -> None:
    assert [fill_in(client).status for _ in range(5)] == [200] * 3 + [429] * 2
    page = fill_in(client)
    assert page.one("input", name="name").get("value") == FIRM["name"]
    # Another one comes in all the same.
    assert fill_in(client, email="new@shop.example").path == "/register/sent"
