"""Bills in the console: the list, the paper, the file, and starting to pay."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader
from structlog.testing import capture_logs

from market import assets, billing, db
from market.accounts import Role
from market.billing import documents
from tests.builders.accounts import PASSWORD, a_member, a_user, an_organization
from tests.builders.billing import OCTOBER, SEPTEMBER, an_issued_bill, buyer, moment
from tests.builders.catalog import a_charge, a_plan
from tests.builders.subscriptions import a_subscription
from tests.scenarios.stories import a_story, a_usual_october
from tests.support.client import Client


def a_billed_october() -> int:
    """Gives the bill's id."""
    with db.transaction():
        story = a_story()
        a_usual_october(story)
        return an_issued_bill(story.organization, OCTOBER).id


@pytest.fixture
def october(client: Client, kept: Callable[[Callable[[], Any]], Any]) -> int:
    """The owner has signed in; her October is billed. Gives the bill's id."""
    id = kept(a_billed_october)
    client.sign_in("owner@example.com", PASSWORD)
    return int(id)


def as_someone(client: Client, role: Role, *, of: str = "owner@example.com") -> None:
    with db.transaction():
        owner = a_user()
        organization = an_organization(name="别的示例企业", owner=owner)
        client_user = a_member(organization, role, user=a_user(email="someone@example.com"))
        assert client_user.email
    client.sign_in("someone@example.com", PASSWORD)


def test_the_list_says_what_is_owed_and_until_when(client: Client, october: int) -> None:
    page = client.page("/console/bills/")
    assert "¥221.93" in page.text
    assert "11月19日" in page.text
    assert page.link("2026年10月").endswith(f"/console/bills/{october}")


def test_an_empty_list_says_when_the_first_bill_comes(client: Client) -> None:
    as_someone(client, Role.OWNER)
    assert "还没有账单" in client.page("/console/bills/").text


def test_a_draft_is_shown_as_one(client: Client, october: int) -> None:
    with db.transaction():
        story_organization = billing.bill_by_id(october).organization
        billing.close(story_organization, billing.period_of(story_organization, moment("2026-11-15 00:00")), now=moment("2026-12-01 01:00"))
    page = client.page("/console/bills/").follow("2026年11月")
    assert page.heading == "未出账的账单"
    assert "还没有出账" in page.text


def test_the_page_and_the_file_say_the_same(client: Client, october: int) -> None:
    with db.transaction(readonly=True):
        view = billing.view(billing.bill_by_id(october), "zh")
    page, file = client.page(f"/console/bills/{october}"), client.get(f"/console/bills/{october}/bill.pdf")
    assert file.headers["Content-Disposition"] == 'attachment; filename="BL-202610-000001.pdf"'
    shown = "".join(page.text.split())
    printed = "".join("".join(sheet.extract_text().split()) for sheet in PdfReader(BytesIO(file.data)).pages)
    for text in [*view.buyer, *view.payee, *view.span, view.net, view.tax, view.gross, view.capital, view.number, view.note, view.cutoff]:
        assert "".join(text.split()) in shown
        assert "".join(text.split()) in printed
    for row in (row for group in view.groups for row in group.rows):
        for text in (row.charge, row.plan, row.used, row.net, row.tax, row.gross, *row.working):
            assert "".join(text.split()) in shown
            assert "".join(text.split()) in printed


def test_the_english_file_is_english(client: Client, october: int) -> None:
    file = client.get(f"/console/bills/{october}/bill-en.pdf")
    assert 'filename="BL-202610-000001-en.pdf"' in file.headers["Content-Disposition"]
    assert "Download traffic" in PdfReader(BytesIO(file.data)).pages[0].extract_text()


def refuse_font() -> Path:
    raise assets.AssetError("No font in /somewhere.")


@pytest.mark.parametrize(
    ("owner", "name", "lacking", "words", "told"),
    [
        (assets, "font_dir", refuse_font, "字体没有安装。账单页可以直接打印。", "No font in /somewhere."),
        (documents, "_TEMPLATE", Path("/nowhere/bill.typ"), "排版文件没有安装。账单页可以直接打印。", "/nowhere/bill.typ is missing"),
    ],
    ids=["font", "template"],
)
def test_a_file_that_cannot_be_made_is_told_in_words_and_to_the_operator(
    client: Client, october: int, monkeypatch: pytest.MonkeyPatch, owner: object, name: str, lacking: object, words: str, told: str
) -> None:
    monkeypatch.setattr(owner, name, lacking)
    with capture_logs() as lines:
        page = client.page(f"/console/bills/{october}/bill.pdf", status=503)
    assert (page.heading, words in page.text) == ("PDF 暂时做不出来", True)
    assert page.follow("回到账单").path == f"/console/bills/{october}"
    [line] = [line for line in lines if line["log_level"] == "error"]
    assert line["event"] == "pdf_unavailable" and told in line["reason"]


@pytest.mark.every_database
def test_paying_starts_once_however_often_it_is_pressed(client: Client, october: int) -> None:
    page = client.page(f"/console/bills/{october}")
    first, second = page.submit(button="去付款"), page.submit(button="去付款")
    assert first.path == second.path
    assert first.heading == "对公转账付款"


def test_who_may_only_look_sees_no_button_and_cannot_pay(client: Client, october: int) -> None:
    with db.transaction():
        a_member(billing.bill_by_id(october).organization, Role.PURCHASER, user=a_user(email="buyer@example.com"))
    client.post("/sign-out")
    visitor = client.application.test_client()
    assert isinstance(visitor, Client)
    visitor.sign_in("buyer@example.com", PASSWORD)
    page = visitor.page(f"/console/bills/{october}")
    assert not page.all("form", action=f"/console/bills/{october}/pay")


def test_a_viewer_is_told_that_bills_are_not_hers(client: Client) -> None:
    as_someone(client, Role.VIEWER)
    client.page("/console/bills/", status=403)


@pytest.mark.parametrize("path", ["", "/bill.pdf", "/bill-en.pdf"])
def test_a_strangers_bill_does_not_exist(client: Client, path: str) -> None:
    with db.transaction():
        story = a_story()
        bill = an_issued_bill(story.organization, OCTOBER)
    as_someone(client, Role.OWNER)
    assert client.get(f"/console/bills/{bill.id}{path}").status_code == 404


def test_a_bill_of_nothing_offers_no_payment(client: Client) -> None:
    with db.transaction():
        story = a_story(started="2026-10-01 10:00", trial_days=60)
        bill = an_issued_bill(story.organization, OCTOBER)
    client.sign_in("owner@example.com", PASSWORD)
    page = client.page(f"/console/bills/{bill.id}")
    assert "免费试用" in page.text
    assert "去付款" not in page.text
    why = page.follow("为什么是").text
    assert "试用期内不收费" in why and "试用的日期" in why


def test_the_list_is_read_with_few_questions(client: Client, october: int, queries: object) -> None:
    with db.transaction():
        organization = billing.bill_by_id(october).organization
        a_subscription(a_plan(monthly="3.00"), organization=organization, started_at=moment("2026-09-05 00:00"))
        an_issued_bill(organization, SEPTEMBER)
    with queries(at_most=14):  # type: ignore[operator]  # a fixture
        client.page("/console/bills/")


def test_every_line_says_why(client: Client, october: int, queries: object) -> None:
    page = client.page(f"/console/bills/{october}").follow("为什么是 ¥82.50 外网流量")
    assert page.heading == "外网流量：为什么是 ¥82.50"
    for told in ("核对过了，金额一致", "套餐内 200 GB，超出 165 GB", "165 GB × ¥0.50", "把每条事件的数值相加", "不含税 ¥77.83"):
        assert told in page.text
    assert client.get(page.link("CSV")).data.count(b"event-") == 3
    with queries(at_most=30):  # type: ignore[operator]  # a fixture
        day = page.follow("2026年10月12日")
    assert (day.heading, "当天用量 200 GB" in day.text) == ("2026年10月12日的外网流量", True)
    for wrong in ("2026-11-01", "nonsense"):
        client.page(f"{page.path}/days/{wrong}", status=404)


def test_a_long_bill_is_shown_a_page_at_a_time_and_its_lines_are_a_file(client: Client) -> None:
    with db.transaction():
        plan, other = a_plan(), a_plan(monthly="5.00")
        for number in range(105):
            a_charge(plan, {"model": "flat", "interval": "month", "amount": "1.00"}, slug=f"fee-{number}")
        subscription = a_subscription(plan)
        a_subscription(other, organization=buyer(subscription))
        bill = an_issued_bill(buyer(subscription))
        client_user = a_member(buyer(subscription), Role.FINANCE, user=a_user(email="finance@example.com"))
    client.sign_in(client_user.email, PASSWORD)
    page = client.page(f"/console/bills/{bill.id}")
    assert "第 1–80 行，共 106 行" in page.text and "税率 6%，105 行" in page.text and page.text.count("为什么是 ¥1.00") == 80
    rest = page.follow("2")
    assert rest.text.count("为什么是 ¥1.00") == 25 and rest.text.count("为什么是 ¥5.00") == 1 and "110.00" in rest.text
    text = client.get(page.link("明细 CSV")).data.decode("utf-8-sig")
    assert len(text.splitlines()) == 107
    printed = "".join("".join(sheet.extract_text().split()) for sheet in PdfReader(BytesIO(client.get(f"/console/bills/{bill.id}/bill.pdf").data)).pages)
    assert printed.count("1个月×¥1.00") == 105


def test_a_bill_too_long_for_a_file_prints_its_sums(session: None) -> None:
    story = a_story()
    a_usual_october(story)
    bill = an_issued_bill(story.organization, OCTOBER)
    drawn, receipts = [billing.Drawn(300, date(2026, 11, 6))], [billing.Receipt(200, date(2026, 11, 5), "示例五金制品有限公司")]
    view = billing.view(bill, "zh", drawn=drawn, receipts=receipts, part=billing.part_of(bill, start=0, size=0))
    assert view.payments[1] == "2026年11月6日 用余额抵扣 ¥3.00"
    printed = "".join("".join(sheet.extract_text().split()) for sheet in PdfReader(BytesIO(billing.pdf(view))).pages)
    assert "明细共4行，不在这份文件里" in printed and "外网流量" not in printed and printed.count(view.gross) == 3
