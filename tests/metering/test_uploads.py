"""Usage as a file: what lines mean, and that a file counts exactly once."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from market import db, metering
from market.accounts.models import User
from market.audit import AuditEvent
from market.catalog.models import Aggregation, Meter
from market.kit import period
from market.metering import RefusedEvent, UsageEvent, uploads
from market.metering.uploads import FileUnreadable, UploadStatus, UsageUpload
from market.metering.uploads.actions import AT_ONCE
from market.metering.uploads.models import UploadPart
from market.providers.models import Provider
from market.subscriptions import Subscription
from tests.builders.accounts import a_user, an_actor
from tests.builders.catalog import a_meter, a_plan
from tests.builders.metering import SOURCE, ingest, never_closed
from tests.builders.subscriptions import a_subscription

NOW = datetime(2026, 10, 20, 4, 0, tzinfo=UTC)
OCTOBER = period.month("2026-10")
TIME = "2026-10-20T08:00:00+08:00"
HEAD = "id,type,subject,time,value\n"


class Shop:
    """A provider with a subscription and a meter that adds up `value`."""

    def __init__(self) -> None:
        plan = a_plan(per_unit="0.01")
        self.provider: Provider = plan.offering.provider
        assert plan.charges[0].meter is not None
        self.meter: Meter = plan.charges[0].meter
        self.subscription: Subscription = a_subscription(plan)
        self.user: User = a_user(email="uploader@example.com")

    def line(self, id: str, value: str, time: str = TIME) -> str:
        return f"{id},{self.meter.event_type},{self.subscription.public_id},{time},{value}\n"

    def upload(self, content: str | bytes, key: str = "", **options: object) -> UsageUpload:
        data = content if isinstance(content, bytes) else content.encode()
        return uploads.receive(
            self.provider, io.BytesIO(data), filename="用量.csv", source=SOURCE, user=self.user,
            by=an_actor(self.user), at=NOW, request_key=key or str(hash(data)), **{"dry_run": False, **options},
        )  # type: ignore[arg-type]  # options

    def taken(self, content: str | bytes, **options: object) -> UsageUpload:
        upload = self.upload(content, **options)
        uploads.work_due(NOW, closed_until=never_closed)
        return upload

    def verdicts(self, content: str | bytes, **options: object) -> list[tuple[int, str, str]]:
        upload = self.taken(content, **options)
        assert upload.status is UploadStatus.DONE
        return [(line.line, line.outcome, line.code) for line in uploads.report(upload.id)]

    def used(self) -> Decimal:
        return metering.quantity(self.subscription, self.meter, OCTOBER)


@pytest.fixture
def shop(session: Session) -> Shop:
    return Shop()


def test_a_file_counts_once_however_often_it_is_sent(shop: Shop, session: Session) -> None:
    content = HEAD + "".join(shop.line(f"e{n}", "0.5") for n in range(AT_ONCE + 3))
    first = shop.taken(content)
    assert (first.status, first.lines, first.lines_done, first.accepted) == (UploadStatus.DONE, AT_ONCE + 3, AT_ONCE + 3, AT_ONCE + 3)
    again = shop.taken(content, key="another form")
    assert (again.accepted, again.duplicate) == (0, AT_ONCE + 3)
    assert shop.used() == (AT_ONCE + 3) / Decimal(2)
    assert shop.upload(content, key="another form") is again, "a double click is one upload"
    actions = session.scalars(select(AuditEvent.action).where(AuditEvent.subject_type == "UsageUpload")).all()
    assert sorted(actions) == ["usage_upload.done"] * 2 + ["usage_upload.received"] * 2


@pytest.mark.parametrize(
    "encoded",
    [
        lambda text: text.encode("utf-8-sig"),
        lambda text: text.replace("\n", "\r\n").encode("gb18030"),
        lambda text: text.replace(",", "\t").encode(),
        lambda text: text.replace(",", ";").encode(),
    ],
    ids=["byte-order mark", "Chinese Excel", "tabs", "semicolons"],
)
def test_files_as_spreadsheets_save_them(shop: Shop, encoded) -> None:  # type: ignore[no-untyped-def]
    head = "客户,事件编号,类型,订阅编号,时间,数值\n"
    assert shop.verdicts(encoded(head + "广州示例五金," + shop.line("单-1", "3"))) == [(2, "accepted", "")]
    assert shop.used() == 3


def test_line_numbers_are_those_of_the_file(shop: Shop) -> None:
    head = "data.note,id,type,subject,time,value\r\n"
    rows = ['"two\r\nlines",' + shop.line("a", "1"), ",,,,,\r\n", "x," + shop.line("b", "-1")]
    assert shop.verdicts(head + "".join(rows)) == [(2, "accepted", ""), (5, "refused", "negative")]


@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        (("a", '"1,234.5"'), "not_a_number", "千位分隔符"),
        (("a", '"1 234"'), "not_a_number", "千位分隔符"),
        (("a", "12 GB"), "not_a_number", "不是数字"),
        (("a", ""), "value_missing", "没有"),
        (("a", "1", "2026/10/20 8:00"), "malformed", "2026-10-20T08:00:00+08:00"),
        (("a", "1", "2026-10-20 08:00:00"), "malformed", "没有写时区"),
        (("a", "1", ""), "missing_attribute", "每一行都要写明"),
        (("1.23E+15", "1"), "malformed", "科学计数法"),
        (("", "1"), "missing_attribute", "id"),
        (("a", "1,2"), "malformed", "6 列"),
        (("a\0", "1"), "malformed", "不能保存"),
    ],
)
def test_what_spreadsheets_do_is_refused_with_what_to_do(shop: Shop, session: Session, line: tuple[str, ...], code: str, words: str) -> None:
    upload = shop.taken(HEAD + shop.line(*line) + shop.line("good", "2"))
    [bad, good] = uploads.report(upload.id)
    assert (bad.outcome, bad.code, good.outcome) == ("refused", code, "accepted")
    assert words in (bad.message % bad.params)
    kept = session.scalars(select(RefusedEvent)).one()
    assert (kept.code, kept.source) == (code, SOURCE) and words in kept.reason
    assert shop.used() == 2


def test_a_space_before_the_zone_is_what_our_own_files_write(shop: Shop) -> None:
    assert shop.verdicts(HEAD + shop.line("a", "1", "2026-10-20 08:00:00 +08:00")) == [(2, "accepted", "")]


def test_an_unclosed_quote_loses_no_line_before_it(shop: Shop) -> None:
    verdicts = shop.verdicts(HEAD + shop.line("a", "1") + '"' + shop.line("b", "2"))
    assert verdicts == [(2, "accepted", ""), (3, "refused", "malformed")]


def test_lines_of_json_need_no_source(shop: Shop) -> None:
    event = f'"type": "{shop.meter.event_type}", "subject": "{shop.subscription.public_id}", "time": "{TIME}"'
    content = (
        f'{{"id": "a", {event}, "data": {{"{shop.meter.value_property}": 1.10}}}}\n\n'
        f'{{"id": "b", {event}, "source": "other", "data": {{"{shop.meter.value_property}": 1}}}}\n'
        "{oops\n[1]\n"
    )  # fmt: skip
    assert [(line, code) for line, _outcome, code in shop.verdicts(content)] == [(1, ""), (3, "wrong_source"), (4, "not_json"), (5, "malformed")]
    assert shop.used() == Decimal("1.1")


def test_the_same_event_by_file_and_by_program_is_one(shop: Shop) -> None:
    sent = {
        "specversion": "1.0", "id": "a", "source": SOURCE, "type": shop.meter.event_type,
        "subject": shop.subscription.public_id, "time": TIME, "data": {shop.meter.value_property: 7},
    }  # fmt: skip
    ingest(shop.provider, [sent], now=NOW)
    assert shop.verdicts(HEAD + shop.line("a", "7")) == [(2, "duplicate", "")]


def test_a_value_is_not_lost_on_a_meter_that_counts_lines(shop: Shop) -> None:
    calls = a_meter(shop.provider, "calls", aggregation=Aggregation.COUNT, value_property="", event_type="calls")
    line = f"a,{calls.event_type},{shop.subscription.public_id},{TIME},5\n"
    assert shop.verdicts(HEAD + line) == [(2, "refused", "malformed")]


def test_checking_only_stores_nothing(shop: Shop, session: Session) -> None:
    assert shop.verdicts(HEAD + shop.line("a", "1") + shop.line("b", "-1"), dry_run=True) == [(2, "accepted", ""), (3, "refused", "negative")]
    assert session.scalar(select(func.count()).select_from(UsageEvent)) == 0
    assert session.scalar(select(func.count()).select_from(RefusedEvent)) == 0


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "空的"), (b"PK\x03\x04....", "xlsx"), (b"\xff\xfei\0d\0", "UTF-16"), (b'[{"id": 1}]', "JSON 数组"),
        (b"\x80\x81\xff\xff,\xfe", "读不出来"), (b"id,type,subject\n", "time"), (b"id,type,subject,time,ID\n", "两列"),
        (HEAD.encode(), "没有内容"), (b"x" * (uploads.LARGEST + 1), "10 MB"),
    ],
    ids=["empty", "workbook", "utf-16", "array", "bytes", "column missing", "column twice", "head only", "too large"],
)  # fmt: skip
def test_a_file_that_cannot_be_used_is_refused_in_words(shop: Shop, content: bytes, words: str) -> None:
    with pytest.raises(FileUnreadable) as refusal:
        shop.upload(content)
    assert words in str(refusal.value)


def test_only_so_many_files_wait(shop: Shop) -> None:
    for number in range(uploads.MOST_OPEN):
        shop.upload(HEAD + shop.line(f"a{number}", "1"))
    with pytest.raises(uploads.TooManyFiles):
        shop.upload(HEAD + shop.line("one more", "1"))


def test_reports_go_after_three_months(shop: Shop, session: Session) -> None:
    upload = shop.taken(HEAD + shop.line("a", "1"))
    assert uploads.expire_due(NOW + uploads.KEPT - timedelta(seconds=1)) == 0
    assert uploads.expire_due(NOW + uploads.KEPT + timedelta(minutes=1)) == 1
    assert upload.status is UploadStatus.EXPIRED and not list(uploads.report(upload.id))
    assert session.scalar(select(func.count()).select_from(UploadPart)) == 0


def test_a_worker_that_dies_leaves_the_rest_to_the_next(database: object) -> None:
    with db.transaction():
        shop = Shop()
        upload = shop.upload(HEAD + "".join(shop.line(f"e{n}", "1") for n in range(AT_ONCE * 2)))
    calls = 0

    def killed(ids: object) -> dict[int, datetime]:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise OSError("no space left")
        return {}

    with pytest.raises(OSError, match="no space"):
        uploads.work_due(NOW, closed_until=killed)
    with db.transaction(readonly=True):
        assert db.session.get_one(UsageUpload, upload.id).lines_done == AT_ONCE
    uploads.work_due(NOW, closed_until=never_closed)
    with db.transaction(readonly=True):
        again = db.session.get_one(UsageUpload, upload.id)
        assert (again.status, again.accepted, again.duplicate) == (UploadStatus.DONE, AT_ONCE * 2, 0)
        assert shop.used() == AT_ONCE * 2


def test_a_file_that_breaks_the_program_stops_alone(database: object) -> None:
    with db.transaction():
        shop = Shop()
        upload = shop.upload(HEAD + shop.line("a", "1"))

    def broken(ids: object) -> dict[int, datetime]:
        raise ValueError("a bug")

    uploads.work_due(NOW, closed_until=broken)
    with db.transaction(readonly=True):
        assert db.session.get_one(UsageUpload, upload.id).status is UploadStatus.FAILED
