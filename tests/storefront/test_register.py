"""Opening an account: everything to change is said in one round."""

from __future__ import annotations

import pytest

from market import db
from tests.builders.accounts import a_city, a_user

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


def test_an_account_is_opened(client, city) -> None:
    assert client.page("/register").submit(button="注册企业账号", **FIRM).path == "/console/"


def test_everything_wrong_is_said_in_one_round(client, city) -> None:
    with db.transaction():
        a_user(email="taken@shop.example")
    bad = {"password": "short", "code": "91350100M000100Y44", "city_code": "", "name": "", "email": "taken@shop.example"}
    page = client.page("/register").submit(button="注册企业账号", **FIRM | bad)
    assert page.status == 422
    assert wrong(page) == {"password", "code", "city_code", "name", "email"}
    assert "选择企业所在的地市" in page.text and page.text.count("密码至少 10 个字符") >= 1


def test_a_box_says_one_thing_at_a_time(client, city) -> None:
    page = client.page("/register").submit(button="注册企业账号", **FIRM | {"password": "", "city_code": ""})
    assert "设一个密码" in page.text and "好记也安全" not in page.text
    assert wrong(page) == {"password", "city_code"}


def test_a_known_address_is_told(client, city) -> None:
    with db.transaction():
        a_user(email="owner@shop.example")
    page = client.page("/register").submit(button="注册企业账号", **FIRM)
    assert page.status == 422 and wrong(page) == {"email"} and "这个邮箱已经注册过" in page.text


def test_the_size_is_shown_with_its_reason(client, city) -> None:
    """As the page asks while somebody types, without scripts by a button, and once the account is open."""
    figures = {"industry": "software", "staff": "120", "revenue_fen": "900"}
    reason = "员工 120 人达到中型，营业收入 900 万元为小型，按规则取小型"
    asked = client.page("/register?" + "&".join(f"{name}={value}" for name, value in figures.items()))
    assert reason in asked.text and "以主管部门认定为准" in asked.text
    looked = client.page("/register").submit(button="先看企业规模", **FIRM | figures)
    assert looked.status == 200 and reason in looked.text and looked.one("input", name="name").get("value") == FIRM["name"]
    assert reason in client.page("/register").submit(button="注册企业账号", **FIRM | figures).text


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


def test_markup_stays_text(client, city) -> None:
    page = client.page("/register").submit(button="注册企业账号", **FIRM | {"organization_name": "<script>alert(1)</script>"})
    assert page.path == "/console/"
    assert "<script>alert(1)" not in page.html


def test_a_form_that_lost_its_boxes_is_no_accident(client, city) -> None:
    page = client.send("POST", "/register", [("csrf_token", client.page("/register").one("input", name="csrf_token").get("value"))])
    assert page.status == 422 and {"password", "code", "city_code"} <= wrong(page)


def test_a_list_of_addresses_cannot_be_gone_through(client, city) -> None:
    with db.transaction():
        a_user(email="owner@shop.example")
    page = client.page("/register")
    told = [page.submit(button="注册企业账号", **FIRM) for _ in range(12)]
    assert [one.status for one in told] == [422] * 10 + [429] * 2
    assert "已经注册过" in told[9].text and "已经注册过" not in told[10].text and told[10].one("input", name="name").get("value") == FIRM["name"]
    # Whoever tells of nobody else is let in all the same.
    assert page.submit(button="注册企业账号", **FIRM | {"email": "new@shop.example"}).path == "/console/"
