"""Opening an account: everything to change is said in one round."""

from __future__ import annotations

import pytest

from market import db
from tests.builders.accounts import a_city, a_user

FIRM = {
    "organization_name": "示例茶叶商行", "code": "91350100M000100Y43", "city_code": "440100",
    "name": "示例店主", "email": "owner@shop.example", "password": "correct horse battery",
}  # fmt: skip


@pytest.fixture
def city(app) -> None:
    with db.transaction():
        a_city()


def wrong(page) -> set[str]:
    return {box.get("id") for tag in ("input", "select") for box in page.all(tag, **{"aria-invalid": "true"})}


def test_an_account_is_opened(client, city) -> None:
    assert client.page("/register").submit(**FIRM).path == "/console/"


def test_everything_wrong_is_said_in_one_round(client, city) -> None:
    with db.transaction():
        a_user(email="taken@shop.example")
    bad = {"password": "short", "code": "91350100M000100Y44", "city_code": "", "name": "", "email": "taken@shop.example"}
    page = client.page("/register").submit(**FIRM | bad)
    assert page.status == 422
    assert wrong(page) == {"password", "code", "city_code", "name", "email"}
    assert "选择企业所在的地市" in page.text and page.text.count("密码至少 10 个字符") >= 1


def test_a_box_says_one_thing_at_a_time(client, city) -> None:
    page = client.page("/register").submit(**FIRM | {"password": "", "city_code": ""})
    assert "设一个密码" in page.text and "好记也安全" not in page.text
    assert wrong(page) == {"password", "city_code"}


def test_a_known_address_is_told(client, city) -> None:
    with db.transaction():
        a_user(email="owner@shop.example")
    page = client.page("/register").submit(**FIRM)
    assert page.status == 422 and wrong(page) == {"email"} and "这个邮箱已经注册过" in page.text


def test_a_form_that_lost_its_boxes_is_no_accident(client, city) -> None:
    page = client.send("POST", "/register", [("csrf_token", client.page("/register").one("input", name="csrf_token").get("value"))])
    assert page.status == 422 and {"password", "code", "city_code"} <= wrong(page)
