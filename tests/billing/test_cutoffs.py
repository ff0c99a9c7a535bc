"""What a bill counts is what was stored by its cutoff: also of usage that arrives while bills are drawn up."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

from sqlalchemy import select

from market import billing, db, metering
from market.billing import Bill, BillLine, LineKind, bills_finalized
from market.catalog import Meter
from market.kit.period import Period
from market.metering import Outcome
from market.metering.corrections import CorrectionStatus
from market.providers import Provider
from market.subscriptions import Subscription
from tests.builders.billing import NOVEMBER, OCTOBER, moment
from tests.builders.catalog import a_plan
from tests.builders.corrections import correct, event_named
from tests.builders.metering import SOURCE, an_event, report
from tests.builders.subscriptions import a_subscription

#: When October may be issued, and November.
BEGINS, NEXT = moment("2026-11-04 00:00"), moment("2026-12-04 00:00")
LATER = timedelta(seconds=5)


def a_firm() -> tuple[int, int]:
    """A subscription with 100 calls at ¥1.00 in October, and its meter."""
    with db.transaction():
        plan = a_plan(per_unit="1.00")
        subscription, meter = a_subscription(plan), plan.charges[0].meter
        assert meter is not None
        report(subscription, meter, 100, at=moment("2026-10-05 12:00"), id="first")
        return subscription.id, meter.id


def use(subscription_id: int, meter_id: int, value: int, *, now: datetime) -> None:
    """October's, reported by a request that began at `now`."""
    with db.transaction():
        subscription, meter = db.session.get_one(Subscription, subscription_id), db.session.get_one(Meter, meter_id)
        event = an_event(subscription, meter, value, at=moment("2026-10-31 12:00"))
        provider = db.session.get_one(Provider, subscription.provider_id)
        [verdict] = metering.ingest(provider, SOURCE, [event], now=now, closed_until=billing.closed_until)
        assert verdict.outcome is Outcome.ACCEPTED


def quantities(period: Period) -> list[str]:
    """Of the month's one bill, which has to agree with its events."""
    with db.transaction(readonly=True):
        bill = billing.bill_by_id(db.session.scalars(select(Bill.id).where(Bill.period_start == period.start)).one())
        assert billing.verify(bill) == []
        return [f"{line.quantity:f}" for line in bill.lines]


def test_usage_that_waits_while_a_bill_is_issued_is_stored_after_its_cutoff(database: None) -> None:
    firm = a_firm()
    # The request began before the bill's cutoff was read, and waits until the bill is committed.
    waiting = threading.Thread(target=use, args=(*firm, 4), kwargs={"now": BEGINS})

    def arrives(_bills: object, at: datetime) -> None:
        waiting.start()
        waiting.join(0.1)
        assert waiting.is_alive(), "nothing is stored for a firm that is held"

    with bills_finalized.connected_to(arrives):
        assert billing.close_due(BEGINS, clock=lambda: BEGINS + LATER).issued == 1
    waiting.join()
    assert quantities(OCTOBER) == ["100"]
    billing.close_due(NEXT)
    assert quantities(NOVEMBER) == ["0", "104"]


def test_usage_that_is_stored_between_the_sweeps_begin_and_its_firms_turn_is_within_the_cutoff(database: None) -> None:
    firm = a_firm()
    use(*firm, 4, now=BEGINS + LATER)
    billing.close_due(BEGINS, clock=lambda: BEGINS + LATER)
    assert quantities(OCTOBER) == ["104"]


def test_clocks_of_hosts_may_differ_and_stand_still(database: None) -> None:
    firm = a_firm()
    billing.close_due(moment("2026-11-01 00:00"))
    use(*firm, 4, now=moment("2026-11-01 00:00"))
    use(*firm, 8, now=BEGINS + timedelta(milliseconds=900))
    billing.close_due(BEGINS, clock=lambda: BEGINS)
    for _ in range(2):
        use(*firm, 16, now=BEGINS)
    billing.close_due(NEXT, clock=lambda: BEGINS)
    use(*firm, 32, now=NEXT)
    assert (quantities(OCTOBER), quantities(NOVEMBER)) == (["112"], ["0", "144"])


def test_a_correction_that_waits_for_a_bill_is_news_to_the_next_one(database: None) -> None:
    firm = a_firm()
    billing.close_due(BEGINS, clock=lambda: BEGINS + LATER)
    with db.transaction():
        made = correct(event_named("first"), "105", now=BEGINS)
        assert made.status is CorrectionStatus.APPROVED
    use(*firm, 4, now=BEGINS)
    assert quantities(OCTOBER) == ["100"]
    billing.close_due(NEXT)
    assert quantities(NOVEMBER) == ["0", "109"]
    with db.transaction(readonly=True):
        told = db.session.scalars(select(BillLine.label).where(BillLine.kind == LineKind.ADJUSTMENT)).one()
        assert "11月4日" in told["news_zh"] and "更正" in told["news_zh"]
