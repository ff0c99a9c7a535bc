"""`/vendor/events/corrections`: the form, the table and the second look, with what is wrong said at its box."""

from __future__ import annotations

from datetime import timedelta
from io import BytesIO

import pytest
from sqlalchemy import select

from market import db
from market.accounts import Organization, Role
from market.metering import UsageEvent
from market.metering.corrections import UsageCorrection
from market.providers import Provider
from market.subscriptions import Subscription
from tests.builders.accounts import EARLY, PASSWORD, a_member
from tests.builders.catalog import a_plan
from tests.builders.corrections import a_proposal
from tests.builders.metering import SOURCE, report
from tests.builders.subscriptions import a_subscription
from tests.conftest import PRESENT
from tests.support.client import Client

HEAD = "corrects,source,kind,value,data,id\n"
WHY = {"reason": "wrong_value", "note": "少读了一位"}


@pytest.fixture
def event(client: Client) -> int:
    """An event of yesterday, whose provider's developer is signed in."""
    with db.transaction():
        subscription = a_subscription(a_plan(per_unit="0.01"), started_at=EARLY)
        meter = subscription.plan.charges[0].meter
        assert meter is not None
        report(subscription, meter, 100, at=PRESENT - timedelta(days=1), id="e1")
        provider = db.session.get_one(Provider, subscription.provider_id)
        email = a_member(db.session.get_one(Organization, provider.organization_id), Role.DEVELOPER).email
        number = db.session.scalars(select(UsageEvent.id)).one()
    client.sign_in(email, PASSWORD)
    return number


def corrections() -> int:
    with db.transaction(readonly=True):
        return len(db.session.scalars(select(UsageCorrection.id)).all())


def test_everything_wrong_with_a_correction_is_said_at_once_and_stays_typed(client: Client, event: int) -> None:
    page = client.page(f"/vendor/events/corrections/of/{event}")
    wrong = page.submit(f"/of/{event}", content="{bad", note="少读了一位", do="send")
    assert wrong.status == 422
    assert {box.get("name") for box in wrong.all("select", **{"aria-invalid": "true"})} == {"reason"}
    assert {box.get("name") for box in wrong.all("textarea", **{"aria-invalid": "true"})} == {"content"}
    assert (wrong.one("textarea", name="content").text or "").strip() == "{bad"
    assert (wrong.one("textarea", name="note").text or "").strip() == "少读了一位"
    tried = wrong.submit(f"/of/{event}", content='{"value": 101}', do="check", **WHY)
    assert tried.status == 200 and "还没有提交" in tried.text and corrections() == 0
    done = tried.submit(f"/of/{event}", content='{"value": 101}', do="send", **WHY)
    assert "更正已生效" in done.text and corrections() == 1


@pytest.mark.parametrize(
    ("table", "said"),
    [("", "选择一个文件，或者把表格粘贴在这里"), ("wrong,head\n1,2", "至少要有 corrects"), (HEAD, "写 1 到 500 行"), (HEAD + "e1,,,1,,\n" * 501, "写 1 到 500 行")],
)  # fmt: skip
def test_a_table_that_cannot_be_read_is_said_in_words(client: Client, event: int, table: str, said: str) -> None:
    page = client.page("/vendor/events/corrections/file/").submit("/file/", table=table, do="send", **WHY)
    assert page.status == 422 and said in page.text
    assert page.one("textarea", name="note").text.strip() == WHY["note"]
    assert (page.one("textarea", name="table").text or "").strip() == table.strip()


def test_a_file_says_of_each_line_what_becomes_of_it(client: Client, event: int) -> None:
    rows = [f"gone,{SOURCE},replacement,5,,", f"e1,{SOURCE},delete,,,", f"e1,{SOURCE},replacement,abc,,", f"e1,{SOURCE},,101,,"]
    file = [(BytesIO((HEAD + "\n".join(rows)).encode("gb18030")), "更正.csv")]
    page = client.page("/vendor/events/corrections/file/").submit("/file/", file=file, do="check", **WHY)
    assert page.status == 200, page.text
    told = ["".join(row.itertext()) for row in page.one("table").findall(".//tbody/tr")]
    assert ["不能更正" in row for row in told] == [True, True, True, False]
    assert "找不到要更正的事件" in told[0] and "kind 只能写" in told[1] and "不是数字" in told[2] and "会马上生效" in told[3]
    assert corrections() == 0 and f"e1,{SOURCE},,101,," in (page.one("textarea", name="table").text or "")
    page = page.submit("/file/", do="send", **WHY)
    assert "更正已生效" in page.text and "3 行没有处理" in page.text and corrections() == 1


def test_a_colleague_says_why_not_and_the_author_why_she_takes_it_back(client: Client, event: int) -> None:
    with db.transaction():
        proposal = a_proposal(db.session.get_one(Subscription, db.session.get_one(UsageEvent, event).subscription_id), now=PRESENT).id
    page = client.page(f"/vendor/events/corrections/{proposal}")
    refused = page.submit(f"/{proposal}/reject", answer=" ")
    assert refused.status == 422 and "写明原因，提出的同事会看到" in refused.text and "为什么不通过" in refused.text
    assert "没有通过" in refused.submit(f"/{proposal}/reject", answer="读数是对的").text
