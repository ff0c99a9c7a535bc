"""The evidence file of a bill line: its quantity can be worked out again from the file alone."""

from __future__ import annotations

import csv
import io
import json
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest
from sqlalchemy import insert, select

from market import billing, db, metering
from market.accounts import Organization
from market.billing import Bill, BillLine
from market.catalog import Aggregation, Meter, TimeBase
from market.kit.period import local_day
from market.kit.quantity import round6
from market.metering import Band, Kind, UsageEvent
from market.subscriptions import Subscription
from tests.builders.accounts import PASSWORD, a_member, a_user, an_administrator, an_organization
from tests.builders.billing import NOVEMBER, an_issued_bill, moment
from tests.builders.catalog import a_charge, a_meter, a_plan
from tests.builders.metering import SOURCE, an_event, ingest
from tests.builders.subscriptions import a_subscription
from tests.support.client import Client

KINDS: dict[str, dict[str, Any]] = {
    "sum": {"aggregation": Aggregation.SUM, "unit_size": 7},
    "count": {"aggregation": Aggregation.COUNT},
    "max": {"aggregation": Aggregation.MAX},
    "latest": {"aggregation": Aggregation.LATEST},
    "unique": {"aggregation": Aggregation.UNIQUE_COUNT, "value_property": "value"},
    "hours": {"aggregation": Aggregation.TIME_WEIGHTED, "time_base": TimeBase.HOUR, "unit_size": 1000},
    "mean": {"aggregation": Aggregation.TIME_WEIGHTED, "time_base": TimeBase.PERIOD},
}
#: When, how much, where.
USED = [
    ("2026-10-28 12:00", "40", "gz"), ("2026-10-30 08:00", "5", "sz"), ("2026-11-02 09:00:00", "3.5", "gz"), ("2026-11-02 09:00:00", "8", "gz"),
    ("2026-11-05 23:59:59", "8", "sz"), ("2026-11-06 00:00:00", "0", "sz"), ("2026-11-17 10:00:01", "2.000001", None),
]  # fmt: skip


@dataclass
class File:
    """What a reader without any other knowledge finds in it."""

    head: dict[str, str] = field(default_factory=dict)
    rows: list[dict[str, Any]] = field(default_factory=list)
    end: int = -1

    def quantity(self) -> Fraction:
        """As the file says how."""
        counted = [row for row in self.rows if str(row["counted"]) == "1"]
        size, numbers = int(self.head["unit_size"]), [Fraction(row["value"]) for row in counted if row["value"]]
        match self.head["aggregation"]:
            case "count":
                found = Fraction(len(counted))
            case "max":
                found = max(numbers)
            case "latest":
                found = Fraction(sum(Fraction(value) for value in {row["slice"]: row["value"] for row in counted}.values()))
            case "unique_count":
                found = Fraction(len({row["value"] for row in counted}))
            case "time_weighted":
                found = Fraction(sum(Fraction(row["value"]) * int(row["seconds"]) for row in counted)) / int(self.head["seconds"])
            case _:
                found = Fraction(sum(numbers))
        return Fraction(round6(found / size))


def a_sheet(text: str) -> File:
    rows = csv.reader(io.StringIO(text.removeprefix("\ufeff")))
    file = File()
    for row in rows:
        if not row:
            break
        file.head[row[0]] = row[2]
    columns = next(rows)
    next(rows)
    for row in rows:
        if not row:
            break
        file.rows.append(dict(zip(columns, row, strict=True)))
    file.end = int(next(rows)[2])
    return file


def records(text: str) -> File:
    file = File()
    for line in map(json.loads, text.splitlines()):
        match line.pop("record"):
            case "head":
                file.head = line
            case "event":
                file.rows.append(line)
            case "end":
                file.end = line["events"]
    return file


@dataclass
class Case:
    subscription: Subscription
    bill: Bill
    email: str


def a_case() -> Case:
    """A November with one line of every kind, one of them for a part of the usage only."""
    with db.transaction():
        plan = a_plan(monthly="9.90")
        provider, terms = plan.offering.provider, {"model": "per_unit", "included": "0", "unit_price": "0.01"}
        for slug, columns in KINDS.items():
            a_charge(plan, terms, slug=slug, meter=a_meter(provider, slug, dimensions=["region"], **columns))
        half = a_charge(plan, terms, slug="half", meter=a_meter(provider, "sum"))
        half.filter_property, half.filter_values = "region", ["gz"]
        subscription = a_subscription(plan)
        meters = {charge.meter.slug: charge.meter for charge in plan.charges if charge.meter}
        for number, (at, value, region) in enumerate(USED):
            for meter in meters.values():
                use(subscription, meter, f"{number}-{meter.slug}", at, value, region, now="2026-11-20 10:00")
        take_back(subscription, "3-sum", meters["sum"])
        firm = db.session.get_one(Organization, subscription.organization_id)
        bill = an_issued_bill(firm, NOVEMBER)
        for meter in meters.values():
            use(subscription, meter, f"late-{meter.slug}", "2026-11-03 09:00", "1000", "gz", now="2026-12-20 10:00")
        email = a_member(firm, user=a_user(email="boss@example.com")).email
    return Case(subscription, bill, email)


@pytest.fixture
def case(client: Client, kept: Callable[[Callable[[], Any]], Any]) -> Case:
    """Whoever has that November has signed in."""
    case: Case = kept(a_case)
    client.sign_in(case.email, PASSWORD)
    return case


def use(subscription: Subscription, meter: Meter, id: str, at: str, value: str, region: str | None, *, now: str) -> None:
    event = an_event(subscription, meter, value, at=moment(at), id=id)
    event["data"] |= {"region": region, "note": "=cmd|' /C calc'!A0"}
    [verdict] = ingest(subscription.plan.offering.provider, [event], now=moment(now))
    assert verdict.counted, verdict


def take_back(subscription: Subscription, id: str, meter: Meter) -> None:
    """What a reversal leaves behind."""
    wrong = db.session.scalars(select(UsageEvent).where(UsageEvent.event_id == id)).one()
    db.session.add(
        UsageEvent(
            provider_id=wrong.provider_id, source="/office", event_id="=back", kind=Kind.REVERSAL, corrects=wrong.id, type=wrong.type,
            subscription_id=wrong.subscription_id, at=wrong.at, stored_at=moment("2026-11-21 10:00"), data=wrong.data, band=Band.ON_TIME,
        )
    )  # fmt: skip
    db.session.flush()
    metering.rework([(subscription.id, meter.id, local_day(wrong.at))])


def lines(bill: Bill) -> Iterator[BillLine]:
    with db.transaction(readonly=True):
        yield from billing.bill_by_id(bill.id).lines


@pytest.mark.every_database
def test_every_quantity_follows_from_its_file_alone(client: Client, case: Case) -> None:
    metered = [line for line in lines(case.bill) if line.quantity is not None]
    assert len(metered) == len(KINDS) + 1
    for line in metered:
        address = f"/console/bills/{case.bill.id}/lines/{line.id}/events?format="
        sheet, ndjson = a_sheet(client.get(f"{address}csv").text), records(client.get(f"{address}ndjson").text)
        for file in (sheet, ndjson):
            assert Fraction(file.head["quantity"]) == Fraction(line.quantity) == file.quantity(), line.label
            assert file.end == len(file.rows) > 0
            assert not any(row["id"].startswith("late") for row in file.rows), "came after the cutoff"
        assert [row["id"].lstrip("'") for row in sheet.rows] == [row["id"] for row in ndjson.rows]
        assert (sheet.head["bill"], sheet.head["subscription"]) == (case.bill.number, case.subscription.public_id)
        assert sheet.head["cutoff"] and sheet.head["formula"] and sheet.head["period_start"] == "2026-11-01T00:00:00+08:00"


def test_the_page_of_the_bill_leads_to_the_files_of_metered_lines(client: Client, case: Case) -> None:
    page = client.page(f"/console/bills/{case.bill.id}")
    links = [a.get("href") or "" for a in page.all("a") if "/lines/" in (a.get("href") or "")]
    assert len(links) == 1 + len(KINDS) + 1, "the fee, every kind, half of one"
    fee, *metered = (client.page(link) for link in links)
    assert not any("/events" in (a.get("href") or "") for a in fee.all("a"))
    for number, line in enumerate(metered, start=2):
        assert "全部事件的文件" in line.text
        files = [a.get("href") or "" for a in line.all("a") if "/events?" in (a.get("href") or "")]
        answer = client.get(files[0])
        assert answer.headers["Content-Disposition"] == f'attachment; filename="events-{case.bill.number}-{number}.csv"'


def test_what_was_taken_back_is_in_the_file_and_not_counted(client: Client, case: Case) -> None:
    [line] = [line for line in lines(case.bill) if line.label["charge_zh"] and line.position == 2]
    text = client.get(f"/console/bills/{case.bill.id}/lines/{line.id}/events").text
    rows = {row["id"]: row for row in a_sheet(text).rows}
    assert (rows["3-sum"]["counted"], rows["'=back"]["counted"], rows["'=back"]["kind"]) == ("0", "0", "reversal")
    assert rows["'=back"]["corrects"] == "3-sum"


def test_the_office_has_the_file_and_strangers_do_not(client: Client, case: Case) -> None:
    fee, metered = (line.id for line in list(lines(case.bill))[:2])
    mine, theirs = (f"/{face}/bills/{case.bill.id}/lines/{metered}/events" for face in ("console", "admin"))
    assert client.get(mine).status_code == 200
    assert client.get(theirs).status_code == 403
    assert client.get(f"/console/bills/{case.bill.id}/lines/{fee}/events").status_code == 404
    assert client.get(f"/console/bills/{case.bill.id}/lines/{metered}/events?format=pdf").status_code == 404
    with db.transaction():
        office = an_administrator()
        stranger = a_member(an_organization(), user=a_user(email="other@example.com"))
    client.sign_in(office.email, PASSWORD)
    assert a_sheet(client.get(theirs).text).end > 0
    client.sign_in(stranger.email, PASSWORD)
    assert client.get(mine).status_code == 404


@pytest.mark.every_database
def test_a_long_file_takes_no_more_memory_than_a_short_one(client: Client, case: Case) -> None:
    [line] = [line for line in lines(case.bill) if line.position == 2]
    with db.transaction():
        meter = db.session.scalars(select(Meter).where(Meter.slug == "sum")).one()
        common = {
            "provider_id": meter.provider_id, "source": SOURCE, "type": meter.event_type, "kind": Kind.USAGE, "band": Band.ON_TIME,
            "subscription_id": case.subscription.id, "stored_at": moment("2026-11-20 10:00"), "data": {"value": 1, "region": "gz"},
        }  # fmt: skip
        start: datetime = moment("2026-11-07 00:00")
        many = [common | {"event_id": f"m{n}", "at": start + n * timedelta(seconds=1)} for n in range(20_000)]
        db.session.execute(insert(UsageEvent), many)
        del many
    answer = client.open(f"/console/bills/{case.bill.id}/lines/{line.id}/events", buffered=False)
    tracemalloc.start()
    size = sum(len(chunk) for chunk in answer.iter_encoded())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    answer.close()
    assert size > 2_500_000 and peak < 2_000_000, f"{peak:,} bytes for {size:,}"
