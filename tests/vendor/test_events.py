"""`/vendor/events`: what came in, what did not count and how it is mended, files, and how to send the first one."""

from __future__ import annotations

import json
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from market import accounts, billing, db, metering
from market.accounts import Organization, Role
from market.catalog import Meter
from market.kit import period
from market.metering import UsageEvent, uploads
from market.metering.archives import files
from market.metering.models import ArchivedMonth
from market.providers import Provider
from market.subscriptions import Subscription
from tests.builders.accounts import EARLY, PASSWORD, a_member, a_user, an_actor
from tests.builders.billing import OCTOBER, an_issued_bill, moment
from tests.builders.catalog import a_plan
from tests.builders.metering import an_event, never_closed
from tests.builders.subscriptions import a_subscription
from tests.conftest import PRESENT
from tests.support.client import Client
from tests.support.clock import FakeClock

RECENTLY = PRESENT - timedelta(hours=1)


class Shop:
    """The provider whose developer is signed in, with one customer."""

    def __init__(self, client: Client) -> None:
        self.client = client
        with db.transaction():
            self.subscription: Subscription = a_subscription(a_plan(per_unit="0.01"), started_at=EARLY)
            self.meter: Meter = self.subscription.plan.charges[0].meter
            self.provider: Provider = self.subscription.plan.offering.provider
            organization = db.session.get_one(Organization, self.provider.organization_id)
            a_member(organization, Role.DEVELOPER, user=a_user(email="developer@example.com"))
            key, self.secret = accounts.issue_key(
                organization, name="x", source="/firm", scopes=["events:write"], by=an_actor(), at=EARLY
            )
            self.prefix = key.prefix
        client.sign_in("developer@example.com", PASSWORD)

    def event(self, value: object, id: str, **changes: Any) -> dict[str, Any]:
        return an_event(self.subscription, self.meter, value, id=id, **({"at": RECENTLY, "source": "/firm"} | changes))

    def send(self, *events: Any, at: Any = PRESENT) -> None:
        with db.transaction():
            provider = db.session.get_one(Provider, self.provider.id)
            metering.ingest(provider, "/firm", list(events), now=at, closed_until=billing.closed_until)

    def number(self, id: str) -> int:
        with db.transaction(readonly=True):
            return db.session.scalars(select(UsageEvent.id).where(UsageEvent.event_id == id)).one()


@pytest.fixture
def shop(client: Client) -> Shop:
    return Shop(client)


def test_the_log_shows_what_counted_and_says_what_did_not(client: Client, shop: Shop) -> None:
    shop.send(shop.event(5, "good"), shop.event(-5, "bad"))
    page = client.page("/vendor/events/")
    assert "good" in page.text and shop.subscription.public_id in page.text and "有 1 条事件没有计入" in page.text
    assert "用量上报 1 件要处理" in page.text, "the menu has a badge"
    refused = page.follow("看原因")
    assert "bad" in refused.text and "negative" in refused.text and "good" not in refused.text


@pytest.mark.every_database
def test_the_log_is_paged_and_narrowed(client: Client, shop: Shop) -> None:
    shop.send(*(shop.event(1, f"e{n:02}", at=RECENTLY - timedelta(minutes=n)) for n in range(40)))
    first = client.page("/vendor/events/")
    assert "e39" in first.text and "e05" not in first.text
    second = first.follow("更早的")
    assert "e05" in second.text and "e39" not in second.text and second.link("最新的")
    theirs = client.page(f"/vendor/events/?subscription={shop.subscription.public_id}&type={shop.meter.event_type}")
    assert "e00" in theirs.text and "e39" not in theirs.text, "a subscription's are in the order in which they happened"
    assert "e39" in theirs.follow("更早的").text
    assert "e17" in client.page("/vendor/events/?id=e17").text
    for nothing in ("id=none", "subscription=sub_none", "type=none", "until=2020-01-01", "after=99999999999999999999", "from=x"):
        assert client.get(f"/vendor/events/?{nothing}").status_code == 200


@pytest.mark.every_database
def test_an_events_page_leads_to_the_bill_it_is_in(client: Client, shop: Shop, clock: FakeClock) -> None:
    october = moment("2026-10-05 10:00")
    shop.send(shop.event(7, "billed", at=october), at=october)
    shop.send(shop.event(3, "running"))
    with db.transaction():
        bill = an_issued_bill(db.session.get_one(Organization, shop.subscription.organization_id), OCTOBER)
    page = client.page(f"/vendor/events/{shop.number('billed')}")
    assert f"账单 {bill.number} 第 1 行" in page.text and '"id": "billed"' in page.text and '"duplicate"' in page.text
    proof = client.get(page.link("CSV"))
    assert proof.status_code == 200 and "billed" in proof.get_data(as_text=True) and "running" not in proof.get_data(as_text=True)
    assert "2026年11月，还没有出账" in client.page(f"/vendor/events/{shop.number('running')}").text


def test_a_refused_event_is_mended_on_its_page(client: Client, shop: Shop) -> None:
    shop.send(shop.event(-5, "bad"), shop.event("x", "worse"))
    page = client.page("/vendor/events/refused/").follow("改正 bad")
    box = next(iter(page.all("textarea")))
    written = "".join(box.itertext())
    still = page.submit("/resend", do="send", body=written.replace("-5", "-4"))
    assert still.status == 422 and "不能小于 0" in still.text and "-4" in "".join(still.all("textarea")[0].itertext())
    renamed = page.submit("/resend", do="send", body=written.replace("-5", "5").replace("bad", "other"))
    assert renamed.status == 422 and "编号（id）要和原来的一样" in renamed.text
    checked = page.submit("/resend", do="check", body=written.replace("-5", "5"))
    assert "这样写会计入" in checked.text and checked.path.endswith("/resend")
    done = page.submit("/resend", do="send", body=written.replace("-5", "5"))
    assert "这条事件已经计入" in done.text and "bad" in done.text
    rest = client.page("/vendor/events/refused/")
    assert "worse" in rest.text and "改正 bad" not in rest.text
    assert "放到一边" in rest.follow("改正 worse").submit("/set-aside").text
    assert "没有需要处理的事件" in client.page("/vendor/events/refused/").text
    assert "bad" in client.page("/vendor/events/refused/?all=1").text


@pytest.mark.every_database
def test_a_refused_event_is_settled_when_a_program_resends_it(client: Client, shop: Shop) -> None:
    for _time in range(3):
        shop.send(shop.event(-5, "bad"))
    page = client.page("/vendor/events/refused/")
    assert "一共来了 3 次" in page.text
    shop.send(shop.event(5, "bad"))
    assert "没有需要处理的事件" in client.page("/vendor/events/refused/").text
    assert metering.settle_due(PRESENT) == 1 and metering.settle_due(PRESENT) == 0
    assert metering.settle_due(PRESENT + metering.KEPT_REFUSED + timedelta(days=1)) == 1


def test_a_file_is_uploaded_and_its_report_fetched(client: Client, shop: Shop) -> None:
    lines = [("id", "type", "subject", "time", "value"), *(
        (id, shop.meter.event_type, shop.subscription.public_id, RECENTLY.isoformat(), value)
        for id, value in (("=HYPERLINK(1)", "-1"), ("b", "2"))
    )]  # fmt: skip
    content = "\n".join(",".join(line) for line in lines).encode("utf-8-sig")
    page = client.page("/vendor/events/files/")
    assert page.submit("/files/", source="/firm").status == 422, "no file"
    assert page.submit("/files/", source="/stranger", file=[(BytesIO(content), "用量.csv")]).status == 422
    sent = page.submit("/files/", source="/firm", file=[(BytesIO(content), "用量.csv")])
    assert "已处理 0 / 2 行" in sent.text
    uploads.work_due(PRESENT, closed_until=never_closed)
    done = client.page(sent.path)
    assert "有 1 行没有计入" in done.text and "不能小于 0" in done.text
    report = client.get(done.link("下载每一行的结果")).get_data(as_text=True)
    assert "'=HYPERLINK(1)" in report and "已计入" in report
    template = client.get("/vendor/events/files/template.csv").get_data(as_text=True)
    assert shop.subscription.public_id in template and shop.meter.event_type in template
    assert json.loads(client.get("/vendor/events/files/template.ndjson").get_data(as_text=True))["type"] == shop.meter.event_type


def test_the_first_event_is_tried_sent_and_seen_to_arrive(client: Client, shop: Shop) -> None:
    page = client.page("/vendor/events/first/")
    assert "正在等第一条计入的事件" in page.text
    sample = json.loads("".join(page.all("textarea")[0].itertext()))
    assert (sample["source"], sample["type"], sample["subject"]) == ("/firm", shop.meter.event_type, shop.subscription.public_id)
    for language in ("curl", "python"):
        command = "".join(client.page(f"/vendor/events/first/?in={language}").all("pre")[-1].itertext())
        assert shop.prefix in command and shop.subscription.public_id in command and "dry_run=1" in command
    assert "dry_run" not in "".join(client.page("/vendor/events/first/?for=real").all("pre")[-1].itertext())
    tried = page.submit("/first/", body=json.dumps(sample))
    assert "这条事件会计入" in tried.text and "正在等" in tried.text
    assert "不是完整的 JSON" in page.submit("/first/", body="{").text
    shop.send(sample | {"type": "unheard-of"})
    assert "来了一条，没有计入" in client.page("/vendor/events/first/").text
    shop.send(sample)
    assert "已收到第一条事件：2026-11-20 10:00:00" in client.page("/vendor/events/first/").text


def test_the_log_says_where_archived_events_are(client: Client, shop: Shop) -> None:
    shop.send(shop.event(5, "old"), shop.event(6, "new"))
    with db.transaction():
        gone = select(UsageEvent).where(UsageEvent.event_id == "old")
        event = db.session.scalars(gone).one()
        month = period.local_day(event.at).replace(day=1)
        path = "/srv/archive/events-2026-11.parquet"
        db.session.add(ArchivedMonth(month=month, path=path, rows=1, hash="0" * 64, archived_at=PRESENT, cleared_at=PRESENT))
        db.session.delete(event)
    for asked in ("id=old", f"from={month}&until={month}"):
        assert "events-2026-11.parquet" in client.page(f"/vendor/events/?{asked}").text
    assert "events-2026-11.parquet" not in client.page("/vendor/events/?id=new").text


def test_the_page_of_an_archived_event_says_in_which_file_it_lies(client: Client, shop: Shop, tmp_path: Path) -> None:
    shop.send(shop.event(5, "old"))
    number, stranger = shop.number("old"), shop.provider.id + 1
    with db.transaction():
        event = db.session.get_one(UsageEvent, number)
        month = period.month_of(event.at)
        rows = [_row(event, number, shop.provider.id), _row(event, number + 1, stranger)]
        files.write(tmp_path, month, rows, lambda _number: None)
        path = str(files.path_of(tmp_path, month))
        db.session.add(ArchivedMonth(month=month.first_day, path=path, rows=2, hash="0" * 64, archived_at=PRESENT, cleared_at=PRESENT))
        db.session.delete(event)
    page = client.page(f"/vendor/events/{number}", status=409)
    assert f"events-{month.label}.parquet" in page.text and str(tmp_path) not in page.text
    client.page(f"/vendor/events/{number + 1}", status=404)


def _row(event: UsageEvent, number: int, provider_id: int) -> files.Row:
    return files.Row(
        number, provider_id, event.subscription_id, "sub", event.source, event.event_id, event.kind, event.corrects, event.type,
        event.at, event.stored_at, event.band, event.data,
    )  # fmt: skip


def test_a_reason_says_what_was_wrong_in_english_too(client: Client, shop: Shop) -> None:
    shop.send(shop.event("many", "bad"))
    client.set_cookie("lang", "en")
    assert "“many” is not a number" in client.page("/vendor/events/refused/").text
