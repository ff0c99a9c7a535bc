"""`/admin`: what waits."""

from __future__ import annotations

from datetime import date

import pytest

from market import audit, catalog, db, resources
from market.accounts import Role
from market.catalog import OfferingStatus
from market.payments import EventStatus
from market.providers import ProviderStatus
from market.recommended import EntryStatus
from tests.builders.accounts import a_user, an_organization
from tests.builders.catalog import a_licence, a_provider, an_offering, complete_facts
from tests.builders.gateways import a_dispute, a_held_payment, a_piece_of_news, a_top_up
from tests.builders.recommended import an_entry
from tests.builders.statements import an_imported_statement


def test_nothing_to_do_says_so(enter):
    assert "都处理完了" in enter().page("/admin/").text


def test_what_waits_longest_comes_first_with_its_age(enter, clock):
    with db.transaction():
        revision = an_offering(status=OfferingStatus.UNLISTED, facts=complete_facts(name_zh="等得久的")).revisions[0]
        catalog.submit(revision, by=audit.system("test"), at=resources.clock.now())
    clock.forward(days=4)
    with db.transaction():
        an_entry(an_offering(facts=complete_facts(name_zh="刚提名的")), status=EntryStatus.NOMINATED, nominated_at=clock.now())
        a_licence(a_provider(status=ProviderStatus.APPLIED, name="申请的"))
        a_licence(a_provider(name="快到期的"), valid_until=date(2026, 12, 1))
    clock.forward(hours=2)
    text = enter().page("/admin/").text
    assert text.index("等得久的") < text.index("已等 4 天") < text.index("刚提名的") < text.index("已等 2 小时") < text.index("申请的")
    assert "2026年12月1日 到期" in text


def test_money_that_no_rule_could_book_waits_too(enter):
    with db.transaction():
        firm = an_organization()
        a_dispute(a_top_up(firm))
        a_held_payment(firm)
        an_imported_statement("2026-11-06,200.00,,谁,BK1,")
        a_piece_of_news(a_top_up(firm, 300)).status = EventStatus.FAILED
    client = enter(Role.FINANCE)
    page = client.page("/admin/")
    for title, there in {"1 笔未识别的转账": "谁", "1 笔网上付款要核对": "USD 7.00", "1 笔付款有争议": "持卡人说不是本人付的", "处理失败": "checkout"}.items():
        assert there in page.follow(title).text
    assert "争议，1 笔" in client.page("/admin/payments/").text
    assert "银行在处理" in client.page("/admin/payments/gateway/").text, "its money is not there any more"


def test_programs_are_called_the_system(enter):
    with db.transaction():
        offering = an_offering(facts=complete_facts(name_zh="每日备份"))
        audit.record("offering.listed", offering, by=audit.system("billing"), at=resources.clock.now())
    client = enter(Role.AUDITOR)
    for page in (client.page("/admin/"), client.page("/admin/?lang=en")):
        assert "billing" not in page.text
    assert "System" in page.text


@pytest.mark.parametrize(("role", "seen"), [(Role.REVIEWER, True), (Role.FINANCE, False)])
def test_each_role_sees_what_it_may(enter, role, seen):
    with db.transaction():
        revision = an_offering(status=OfferingStatus.UNLISTED, facts=complete_facts(name_zh="每日备份")).revisions[0]
        catalog.submit(revision, by=audit.system("test"), at=resources.clock.now())
    waiting, _, _trail = enter(role).page("/admin/").text.partition("最近的操作")
    assert ("每日备份" in waiting) is seen


def test_strangers_are_sent_to_sign_in_and_buyers_to_their_own_side(app, client):
    assert client.page("/admin/").path == "/sign-in"
    with db.transaction():
        user = a_user()
        an_organization(owner=user)
        email = user.email
    client.sign_in(email, "plum blossom lantern")
    assert client.get("/admin/").status_code == 403


def test_the_page_costs_the_same_for_one_and_for_many(enter, queries):
    with db.transaction():
        for _ in range(5):
            revision = an_offering(status=OfferingStatus.UNLISTED).revisions[0]
            catalog.submit(revision, by=audit.system("test"), at=resources.clock.now())
            an_entry(status=EntryStatus.NOMINATED)
            a_licence(a_provider(status=ProviderStatus.APPLIED), valid_until=date(2026, 12, 1))
    client = enter()
    with queries(at_most=15):  # one of them: the number in the menu; two: what visitors report and look for
        client.get("/admin/")
