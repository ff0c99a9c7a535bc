"""What must not hurt a month close: usage that arrives meanwhile, who leaves in mid-month, amounts beyond reason."""

from __future__ import annotations

import threading
from datetime import timedelta

from sqlalchemy import select
from structlog.testing import capture_logs

from market import billing, db, metering, providers, subscriptions
from market.accounts import Organization
from market.billing import Bill, LineKind
from market.catalog import Meter
from market.kit.period import Period
from market.metering import Outcome
from market.providers import Provider
from market.subscriptions import Subscription
from tests.builders.accounts import an_actor
from tests.builders.billing import (
    NOVEMBER,
    OCTOBER,
    after_grace,
    amounts,
    closed,
    moment,
)
from tests.builders.catalog import a_plan
from tests.builders.metering import SOURCE, an_event, report
from tests.builders.subscriptions import a_subscription


def lines_of(organization_id: int, period: Period) -> list[tuple[str, str | None, int]]:
    with db.transaction(readonly=True):
        bill = billing.bill_for(db.session.get_one(Organization, organization_id), period)
        assert bill is not None and bill.number is not None and billing.verify(bill) == []
        return amounts(bill)


def test_usage_that_arrives_while_bills_are_issued_is_billed_once(database: None) -> None:
    with db.transaction():
        plan = a_plan(per_unit="1.00")
        firms = [a_subscription(plan) for _ in range(2)]
        ids, meter_id = [(one.id, one.organization_id) for one in firms], plan.charges[0].meter_id
    barrier, errors, acknowledged = threading.Barrier(len(ids) + 1), [], dict.fromkeys([id for id, _ in ids], 0)

    def send(subscription_id: int) -> None:
        try:
            barrier.wait(20)
            for number in range(8):
                with db.transaction():
                    subscription = db.session.get_one(Subscription, subscription_id)
                    event = an_event(
                        subscription, db.session.get_one(Meter, meter_id), 1 << number, at=moment("2026-10-20 12:00"),
                        id=f"{subscription_id}-{number}",
                    )  # fmt: skip
                    provider = db.session.get_one(Provider, subscription.provider_id)
                    now = after_grace(OCTOBER) + timedelta(seconds=number)
                    [verdict] = metering.ingest(provider, SOURCE, [event], now=now, closed_until=billing.closed_until)
                assert verdict.outcome is Outcome.ACCEPTED
                acknowledged[subscription_id] += 1 << number
        except Exception as error:  # told by the assertion below
            errors.append(error)

    threads = [threading.Thread(target=send, args=(id,)) for id, _ in ids]
    for thread in threads:
        thread.start()
    barrier.wait(20)
    closed(OCTOBER)
    for thread in threads:
        thread.join()
    assert errors == []
    closed(NOVEMBER)
    with db.transaction(readonly=True):
        for id, organization_id in ids:
            organization = db.session.get_one(Organization, organization_id)
            october, november = (billing.bill_for(organization, period) for period in (OCTOBER, NOVEMBER))
            assert october is not None and november is not None
            late = [line.gross_fen for line in november.lines if line.kind is LineKind.ADJUSTMENT]
            # Every event has a binary digit of its own: one that is lost, or stands twice, changes the sum.
            assert sum(line.gross_fen for line in october.lines) + sum(late) == 100 * acknowledged[id]
            for bill in (october, november):
                for line in bill.lines:
                    assert billing.fen_of(line, billing.recompute(line, organization)) - line.booked_fen == line.gross_fen


def test_who_leaves_in_mid_month_and_whose_seller_is_suspended_gets_the_right_last_bill(database: None) -> None:
    with db.transaction():
        plan = a_plan(monthly="31.00", per_unit="0.10")
        meter = plan.charges[1].meter
        left, stays = a_subscription(plan), a_subscription(plan)
        for subscription in (left, stays):
            report(subscription, meter, 70, at=moment("2026-10-05 12:00"))
        provider = db.session.get_one(Provider, left.provider_id)
        providers.suspend(provider, reason="资质到期", by=an_actor(), at=moment("2026-10-10 09:00"))
        for subscription in (left, stays):
            report(subscription, meter, 30, at=moment("2026-10-12 12:00"))
        subscriptions.cancel(left, when="now", reason="", by=an_actor(), at=moment("2026-10-20 09:00"))
        first, second = left.organization_id, stays.organization_id
    closed(OCTOBER)
    closed(NOVEMBER)
    assert lines_of(first, OCTOBER) == [("固定费用", None, 2000), ("调用次数", "100", 1000)]
    assert lines_of(second, OCTOBER) == [("固定费用", None, 3100), ("调用次数", "100", 1000)]
    assert lines_of(second, NOVEMBER)[0] == ("固定费用", None, 3100)
    with db.transaction(readonly=True):
        assert billing.bill_for(db.session.get_one(Organization, first), NOVEMBER) is None


def test_a_bill_beyond_reason_is_left_out_by_name_and_the_others_are_closed(database: None) -> None:
    with db.transaction():
        usual, beyond = a_plan(monthly="30.00"), a_plan(per_unit="999999999.99")
        firms = [a_subscription(usual), a_subscription(beyond), a_subscription(usual)]
        report(firms[1], beyond.charges[0].meter, 10**9, at=moment("2026-10-05 12:00"))
        first, broken, last = (one.organization_id for one in firms)
    for _ in range(2):
        said = billing.close_due(after_grace(OCTOBER))
        assert [failure.organization_id for failure in said.failures] == [broken]
        assert said.failures[0].reason.startswith("AmountTooLarge")
    with db.transaction(readonly=True):
        issued = db.session.execute(select(Bill.organization_id, Bill.number).order_by(Bill.number))
        assert [tuple(row) for row in issued] == [(first, "BL-202610-000001"), (last, "BL-202610-000002")]
        for now in (OCTOBER.end + timedelta(hours=1), after_grace(OCTOBER)):
            stand = billing.month_end(now)
            assert [(stuck.why.kind, stand.waiting) for stuck in stand.failed] == [("AmountTooLarge", 0)]


def test_what_fails_is_logged_once_and_tried_less_and_less_often(database: None) -> None:
    with db.transaction():
        beyond = a_plan(per_unit="999999999.99")
        report(a_subscription(beyond), beyond.charges[0].meter, 10**9, at=moment("2026-10-05 12:00"))
    patience, start = billing.Patience(), OCTOBER.end + timedelta(hours=1)
    with capture_logs() as logs:
        tried = [
            minute for minute in range(180)
            if billing.close_due(start + timedelta(minutes=minute), patience=patience).failures
        ]  # fmt: skip
    assert tried == [0, 1, 3, 7, 15, 31, 63, 123], "at last once an hour"
    told = [one for one in logs if one["event"] == "period_not_billed"]
    assert len(told) == 1 and told[0]["reason"].startswith("AmountTooLarge") and not told[0].get("exc_info")
    with db.transaction(readonly=True):
        assert len(billing.month_end(start + timedelta(minutes=130)).failed) == 1, "shown while it rests"
    assert billing.close_due(start + timedelta(minutes=130)).failures, "whoever asks for it has no patience"
