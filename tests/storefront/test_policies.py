"""`/rules` and `/privacy`: what holds, what is coming, what was, and what a person has seen."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select

from market import audit, db, policies
from market.config import ROOT
from market.kit.period import SHANGHAI
from market.policies import Consent, Subject
from tests.builders.accounts import PASSWORD, a_member, a_user, an_organization
from tests.builders.policies import a_policy, both_policies
from tests.conftest import PRESENT
from tests.support.client import Client
from tests.support.clock import FakeClock

EVIL = '<script>alert(1)</script>\n\n## <b onclick="x">标题</b>\n- {{ 7 * 7 }} [点我](javascript:alert(1))'


@pytest.mark.parametrize("path", ["/rules", "/privacy"])
def test_before_anything_is_announced_the_page_says_so(client: Client, path: str) -> None:
    assert "还没有公布" in client.page(path).text


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("path", ["/rules", "/privacy"])
def test_the_texts_that_come_with_it_are_shown_in_both_languages(client: Client, path: str, language: str) -> None:
    with db.transaction():
        policies.load(ROOT / "catalog_seed" / "policies", by=audit.system("seed"), at=PRESENT)
    page = client.page(f"{path}?lang={language}")
    assert len(page.all("h2")) > 8 and len(page.text) > 1500
    cookies = ("session", "remember", "device", "lang", "theme")
    assert path == "/rules" or all(f"{name}{'：' if language == 'zh' else ':'}" in page.text for name in cookies)


@pytest.mark.parametrize("old", ["rules", "privacy"])
def test_old_addresses_lead_to_the_new_ones(client: Client, old: str) -> None:
    answer = client.get(f"/help/{old}")
    assert (answer.status_code, answer.location) == (303, f"/{old}")


def test_a_coming_version_is_shown_with_its_day_until_guangdongs_midnight(client: Client, clock: FakeClock) -> None:
    with db.transaction():
        both_policies()
        a_policy(effective_on=date(2026, 12, 1), changes_zh="争议改为 10 天内答复。")
    page = client.page("/rules")
    assert "第 2 版将于 2026年12月1日 生效" in page.text and "争议改为 10 天内答复" in page.text and "怎么离开" in page.text
    assert "第 1 版的说明" in page.text
    clock.set(datetime(2026, 11, 30, 23, 59, 59, tzinfo=SHANGHAI).astimezone(UTC))
    assert "第 1 版的说明" in client.page("/rules").text
    clock.set(datetime(2026, 12, 1, 0, 0, tzinfo=SHANGHAI).astimezone(UTC))
    page = client.page("/rules")
    assert "第 2 版的说明" in page.text and "将于" not in page.text


def test_every_version_keeps_its_address(client: Client, clock: FakeClock) -> None:
    with db.transaction():
        both_policies()
        a_policy()
    coming = client.page("/rules/2")
    assert coming.heading == "平台规则第 2 版" and "还没有生效" in coming.text and "逐段对照上一版" in coming.text
    clock.forward(days=30)
    old = client.page("/rules/1")
    assert "这一版已不再适用" in old.text and "第 1 版的说明" in old.text
    for number in ("0", "3", "99999999999999999999", "x", "-1"):
        assert client.get(f"/rules/{number}").status_code == 404


def test_a_text_can_hold_no_markup(client: Client) -> None:
    with db.transaction():
        a_policy(text_zh=EVIL, text_en=EVIL)
        a_policy(text_zh=EVIL + "x", text_en=EVIL + "x", changes_zh=EVIL, changes_en=EVIL)
    for path in ("/rules", "/rules/2"):
        page = client.page(path)
        assert "<script>alert(1)</script>" in page.text and "{{ 7 * 7 }}" in page.text
        assert not [link for link in page.all("a") if (link.get("href") or "").startswith("javascript")]
        assert not page.all("b", onclick="x")


@pytest.fixture
def owner(client: Client) -> str:
    """An owner who is signed in, and a change she has not seen."""
    with db.transaction():
        both_policies()
        user = a_member(an_organization(), user=a_user())
        a_policy()
        a_policy(Subject.PRIVACY)
    client.sign_in(user.email, PASSWORD)
    return user.email


def consents() -> list[tuple[int, bool]]:
    with db.transaction(readonly=True):
        return [(consent.version_id, consent.agreed_at is not None) for consent in db.session.scalars(select(Consent))]


def test_the_desk_tells_of_one_change_at_a_time_until_it_is_answered(client: Client, owner: str) -> None:
    page = client.page("/console/")
    assert "平台规则第 2 版将于" in page.text and "隐私政策第 2 版" not in page.text
    page = page.submit(button="同意第 2 版")
    assert "已记下：您同意平台规则第 2 版" in page.text and "隐私政策第 2 版将于" in page.text
    page = page.submit(button="知道了，以后再说")
    assert "第 2 版" not in page.text
    assert sorted(agreed for _, agreed in consents()) == [False, True]


def test_only_who_is_signed_in_answers_and_only_to_what_exists(client: Client, owner: str) -> None:
    token = client.page("/console/").all("input", name="csrf_token")[0].get("value")
    for number in (9, 2**40):
        assert client.post(f"/rules/{number}/answer", data={"csrf_token": token}).status_code == 404
    back = client.post("/rules/2/answer?next=//evil.example", data={"csrf_token": token, "agreed": "maybe"})
    assert (back.status_code, back.location) == (303, "/rules/2")
    client.page("/").submit(button="退出")
    form = client.page("/sign-in").all("input", name="csrf_token")[0].get("value")
    assert client.post("/rules/2/answer", data={"csrf_token": form, "agreed": "1"}).location.startswith("/sign-in")


def test_after_its_day_the_notice_says_that_it_holds(client: Client, owner: str, clock: FakeClock) -> None:
    clock.forward(days=9)
    client.sign_in(owner, PASSWORD)
    assert "平台规则第 2 版已于" in client.page("/console/").text
    assert clock.now() - timedelta(days=8) > PRESENT
