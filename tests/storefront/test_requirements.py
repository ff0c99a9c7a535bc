"""Who finds nothing writes down what is needed, and reads the answer under a link."""

from __future__ import annotations

import pytest

from market import db
from tests.builders.accounts import PASSWORD, an_administrator
from tests.builders.catalog import an_offering, complete_facts
from tests.support.clock import FakeClock


@pytest.mark.every_database
def test_what_is_missing_is_answered_with_services_under_a_link(app, clock: FakeClock) -> None:
    with db.transaction():
        an_offering(slug="till-backup", facts=complete_facts(name_zh="收银备份"))
        email = an_administrator().email
    visitor, administrator = app.test_client(), app.test_client()
    page = visitor.page("/offerings/?q=大象运输").follow("写下您要做的事")
    assert "我搜过“大象运输”" in page.one("textarea").text
    clock.forward(seconds=20)
    wrong = page.submit(button="把需求交给管理员", text="短", website="", email="wang@example.com")
    assert "至少 10 个字" in wrong.text
    clock.forward(seconds=20)
    sent = wrong.submit(button="把需求交给管理员", text="门店三台收银机的流水想每天自动存一份。", website="")
    assert "2026年11月24日之前答复" in sent.text
    administrator.sign_in(email, PASSWORD)
    waiting = administrator.page("/admin/").follow("门店三台收银机的流水想每天自动存一份。")
    refused = waiting.submit(button="答复写需求的人", text="有一项合适。", suggested="https://market.example/offerings/nobody")
    assert "有的服务找不到" in refused.text
    refused.submit(button="答复写需求的人", text="有一项合适，每天自动存。", suggested="https://market.example/offerings/till-backup?lang=zh")
    answered = visitor.page(sent.path)
    assert "有一项合适，每天自动存。" in answered.text and answered.link("收银备份") == "/offerings/till-backup"
    assert "没有等待答复的需求" in administrator.page("/admin/requirements/").text
    visitor.page("/requirements/nonsense", status=404)
