"""A firm from the last day of October 2027 to the end of 2028: month ends, a year's end, 29 February.

Usage comes late over the year's end, an event is taken back after its bill was final, a bill is credited after its
fapiao was issued. Every bill is worked out by hand and, line by line, explains itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

import pytest
from sqlalchemy import select

from market import accounts, billing, db, subscriptions
from market.accounts import Organization, User
from market.billing import Bill, LineKind, credit_notes, fapiao
from market.billing.credit_notes import Amount, CreditNoteStatus
from market.billing.fapiao import FapiaoKind, FapiaoRequest, Paper
from market.catalog import Aggregation, Meter, TimeBase
from market.kit.period import month
from market.metering import UsageEvent
from market.providers.models import Provider
from market.subscriptions import Subscription
from tests.builders.accounts import a_member, an_actor, an_administrator
from tests.builders.billing import buyer, closed, moment
from tests.builders.catalog import a_charge, a_meter, a_plan
from tests.builders.corrections import approve, correct
from tests.builders.credit_notes import a_note
from tests.builders.documents import PDF
from tests.builders.fapiao import TITLE, number
from tests.builders.metering import report
from tests.builders.subscriptions import a_subscription

pytestmark = pytest.mark.usefixtures("database")


@dataclass
class Life:
    """The firm, its subscription and what is measured."""

    organization: Organization
    subscription: Subscription
    calls: Meter
    disk: Meter
    seller: User

    def used(self, calls: int, on: str, *, recorded: str = "") -> None:
        with db.transaction():
            report(self.subscription, self.calls, calls, at=moment(on), recorded=moment(recorded or on))

    def bill(self, label: str) -> list[tuple[str, str, int]]:
        """Close the month: kind, charge and fen of its lines; each can be worked out again and explains itself."""
        closed(month(label))
        with db.transaction(readonly=True):
            bill = self.stored(label)
            assert billing.verify(bill) == []
            assert all(billing.explain(bill, line).agrees for line in bill.lines)
            return [(line.kind.value, line.label["charge_zh"], line.gross_fen) for line in bill.lines]

    def stored(self, label: str) -> Bill:
        bill = billing.bill_for(self.organization, month(label))
        assert bill is not None
        return bill


def a_life() -> Life:
    """¥62.00 a month, ¥1.00 a call, ¥0.10 a GB and month; 310 GB from noon on the first day, 31 October."""
    with db.transaction():
        plan = a_plan(monthly="62.00")
        seller = plan.offering.provider
        calls = a_meter(seller, "calls", name_zh="调用", unit_zh="次", created_at=moment("2027-10-01 00:00"))
        disk = a_meter(
            seller, "disk", name_zh="空间", unit_zh="GB", aggregation=Aggregation.TIME_WEIGHTED, time_base=TimeBase.PERIOD,
            created_at=moment("2027-10-01 00:00"),
        )  # fmt: skip
        a_charge(plan, {"model": "per_unit", "unit_price": "1.00"}, meter=calls, name_zh="调用")
        a_charge(plan, {"model": "per_unit", "unit_price": "0.10"}, meter=disk, name_zh="空间")
        subscription = a_subscription(plan, started_at=moment("2027-10-31 10:00"))
        report(subscription, disk, "310", at=moment("2027-10-31 12:00"))
        person = a_member(accounts.organization_by_id(seller.organization_id))
        return Life(buyer(subscription), subscription, calls, disk, person)


def usual(fee: int = 6200, calls: int = 0, disk: int = 3100) -> list[tuple[str, str, int]]:
    return [("charge", "固定费用", fee), ("charge", "调用", calls), ("charge", "空间", disk)]


def test_fifteen_months_over_a_leap_year() -> None:
    life = a_life()
    # One of 31 days: 2.00; 310 GB for half a day are 5 GB over the month.
    assert life.bill("2027-10") == usual(200, 0, 50)
    assert life.bill("2027-11") == usual()
    assert life.bill("2027-12") == usual()
    # 40 calls of New Year's Eve are reported on 5 January, when December's bill is final.
    life.used(40, "2027-12-31 23:59", recorded="2028-01-05 09:00")
    assert life.bill("2028-01") == [*usual(), ("adjustment", "调用", 4000)]
    late = life.stored("2028-01").lines[-1]
    assert (late.kind, late.service_start, late.booked_fen) == (LineKind.ADJUSTMENT, month("2027-12").start, 0)
    assert late.label["news_zh"] == "2028年1月5日 收到补报 1 条记录"
    request = january_gets_its_fapiao(life)
    # 29 February is a day of its own, and storage is weighed over 29 days.
    life.used(29, "2028-02-29 23:59")
    assert life.bill("2028-02") == usual(calls=2900)
    assert life.stored("2028-02").period.days == 29
    # In March, when that bill is final, the calls of the 29th turn out to be 9.
    nine_calls_were_meant(life)
    assert life.bill("2028-03") == [*usual(), ("adjustment", "调用", -2000)]
    january_is_credited(life, request)
    for label in ("2028-04", "2028-05", "2028-06", "2028-07", "2028-08", "2028-09", "2028-10", "2028-11"):
        assert life.bill(label) == usual(), label
    # The last month: canceled on the 10th.
    with db.transaction():
        one = subscriptions.subscription_of(life.organization, life.subscription.id)
        subscriptions.cancel(one, when="now", reason="", by=an_actor(), at=moment("2028-12-10 23:59"))
    assert life.bill("2028-12") == usual(2000, 0, 1000)
    closed(month("2029-01"))
    with db.transaction(readonly=True):
        assert billing.bill_for(life.organization, month("2029-01")) is None
        numbers = [bill.number for bill in db.session.scalars(billing.bills_of(life.organization))]
        assert len(numbers) == 15 and all(checked.differences == [] for checked in billing.check_all(life.organization))


def nine_calls_were_meant(life: Life) -> None:
    with db.transaction():
        event = db.session.scalars(select(UsageEvent).where(UsageEvent.at == moment("2028-02-29 23:59"))).one()
        proposed = correct(event, "9", now=moment("2028-03-10 10:00"))
        # So much of a month takes two people.
        approve(proposed, life.seller, now=moment("2028-03-11 10:00"))


def january_gets_its_fapiao(life: Life) -> FapiaoRequest:
    with db.transaction():
        bill, at = life.stored("2028-01"), moment("2028-02-08 10:00")
        (request, *_) = fapiao.ask(
            bill, [bill.lines[0].provider_id], kind=FapiaoKind.SPECIAL, title=TITLE, by=an_actor(None, life.organization), at=at
        )
        db.session.flush()
        request = fapiao.request_at(db.session.get_one(Provider, request.provider_id), request.id)
        paper = Paper(number(1, year=28), date(2028, 2, 9), 13_300, "发票.pdf", PDF)
        fapiao.issue(request, paper, by=an_actor(life.seller), at=moment("2028-02-09 15:00"))
        return request


def january_is_credited(life: Life, request: FapiaoRequest) -> None:
    """¥13.30 of January's ¥133.00 are agreed to be too much: the note waits for the red letter to its fapiao."""
    at: datetime = moment("2028-04-06 10:00")
    with db.transaction():
        note = a_note(life.stored("2028-01"), Amount(1330), user=an_administrator(), at=at)
        assert note.status is CreditNoteStatus.AWAITING_RED_FAPIAO
        id = note.id
    with db.transaction():
        provider = db.session.get_one(Provider, request.provider_id)
        (red,) = fapiao.request_at(provider, request.id).awaited
        red = fapiao.red_at(provider, request.id, red.id)
        paper = Paper(number(2, year=28), date(2028, 4, 7), 1330, "", b"")
        fapiao.record_red(red, paper, by=an_actor(life.seller), at=moment("2028-04-07 10:00"))
    with db.transaction(readonly=True):
        assert credit_notes.note_by_id(id).status is CreditNoteStatus.SETTLED
        bill = life.stored("2028-01")
        assert (bill.gross_fen, bill.credited_fen, bill.owed_fen) == (13_300, 1330, 11_970)
