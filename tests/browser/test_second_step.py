"""Second steps in a real browser: an authenticator with and without JavaScript, a passkey in Chromium's virtual device."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from market import db, resources
from market.accounts.models import User
from market.credentials.authenticators import code_at
from tests.builders.accounts import PASSWORD, a_user, an_organization
from tests.support.browser import accessibility_problems, overflow, sign_in
from tests.support.clock import FakeClock
from tests.support.walker import Walker

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)]

EMAIL = "owner@example.com"


@pytest.fixture
def owner(app: Flask) -> User:
    with db.transaction():
        user = a_user(email=EMAIL)
        an_organization(owner=user)
    return user


def test_an_authenticator_from_setting_up_to_signing_in(walker: Callable[..., Walker], owner: User, clock: FakeClock) -> None:
    firm = walker(width=390).sign_in(EMAIL).at("/account/second-step").click("添加验证器").heading("添加验证器")
    secret = (firm.page.locator("[data-copy-text]").text_content() or "").replace(" ", "")
    firm.write("6 位验证码", "000000").click("开启验证器").see("验证码不对")
    firm.write("6 位验证码", code_at(secret, resources.clock.now())).click("开启验证器").heading("您的恢复码")
    codes = (firm.page.locator("pre").text_content() or "").split()
    assert len(codes) == 10 and len(firm.clicks) == 3
    looks_right(firm.page)
    firm.click("我已保存好").see("还有 10 个没用过")
    firm.post("/sign-out")

    clock.forward(minutes=2)
    firm.at("/sign-in?next=/console/bills/").fill({"email": EMAIL, "password": PASSWORD})
    firm.page.locator("main form button").first.click()
    looks_right(firm.page)
    firm.heading("还差一步").write("6 位验证码", code_at(secret, clock.now())).click("验证并登录").address("/console/bills/")

    firm.post("/sign-out")
    firm.at("/sign-in").fill({"email": EMAIL, "password": PASSWORD})
    firm.page.locator("main form button").first.click()
    firm.click("手机不在身边").write("恢复码", codes[3]).click("用恢复码登录").address("/console/")


@pytest.fixture
def at_localhost(visit: Any) -> Page:
    """A page at a name: browsers allow no passkeys at numbers. It has a virtual device that always agrees."""
    visit.root = visit.root.replace("127.0.0.1", "localhost")
    page: Page = visit(width=390)
    device = page.context.new_cdp_session(page)
    device.send("WebAuthn.enable")
    options = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True, "isUserVerified": True}
    device.send("WebAuthn.addVirtualAuthenticator", {"options": {**options, "automaticPresenceSimulation": True}})
    return page


def test_a_passkey_from_adding_it_to_signing_in_without_a_password(at_localhost: Page, owner: User) -> None:
    page = at_localhost
    sign_in(page, EMAIL, PASSWORD)
    page.goto("/account/passkeys")
    page.get_by_role("link", name="添加通行密钥").click()
    page.get_by_label("名字").fill("办公室电脑")
    page.get_by_role("button", name="添加这台设备").click()
    expect(page.locator("main")).to_contain_text("“办公室电脑”已添加")
    page.get_by_role("button", name="生成 10 个恢复码").click()
    expect(page.locator("h1")).to_have_text("您的恢复码")

    page.goto("/account/passkeys/new")  # the same device once more
    page.get_by_label("名字").fill("又一把")
    page.get_by_role("button", name="添加这台设备").click()
    expect(page.locator("[data-passkey-status]")).to_contain_text("已经有一把")
    sign_out(page)

    page.goto("/sign-in?next=/console/bills/")
    page.get_by_role("button", name="用通行密钥登录").click()
    expect(page).to_have_url(re.compile(r"^[^?]+/console/bills/"))
    sign_out(page)

    page.goto("/sign-in?next=/console/usage/")
    page.locator("#email").fill(EMAIL)
    page.locator("#password").fill(PASSWORD)
    page.locator("main form button").first.click()
    page.get_by_role("button", name="用通行密钥验证").click()
    expect(page).to_have_url(re.compile(r"^[^?]+/console/usage/"))


def test_a_device_that_does_not_agree_is_no_dead_end(visit: Any, owner: User) -> None:
    visit.root = visit.root.replace("127.0.0.1", "localhost")
    page: Page = visit()
    device = page.context.new_cdp_session(page)
    device.send("WebAuthn.enable")  # and no device: the browser gives up at once
    page.goto("/sign-in")
    page.evaluate("() => { navigator.credentials.get = () => Promise.reject(new DOMException('no', 'NotAllowedError')); }")
    button = page.get_by_role("button", name="用通行密钥登录")
    for _ in range(2):
        button.click()
        expect(page.locator("[data-passkey-status]")).to_contain_text("没有完成")


def test_at_a_number_the_page_says_why_not(walker: Callable[..., Walker], owner: User) -> None:
    walker().sign_in(EMAIL).at("/account/passkeys").see("在这个网址不能用通行密钥", "https 开头的域名")


def looks_right(page: Page) -> None:
    """Accessible, and no wider than the window, on a phone and on a desk."""
    if page.evaluate("() => !window.htmx"):
        return  # without JavaScript axe cannot look; the page is the same
    size = page.viewport_size
    for width in (1440, 390):
        page.set_viewport_size({"width": width, "height": 900})
        assert not accessibility_problems(page) and overflow(page) <= 0
    assert size is not None
    page.set_viewport_size(size)


def sign_out(page: Page) -> None:
    token = page.locator("input[name=csrf_token]").first.get_attribute("value") or ""
    page.request.post("/sign-out", form={"csrf_token": token}, headers={"Referer": page.url})
