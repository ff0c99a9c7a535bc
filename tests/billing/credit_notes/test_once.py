"""What was credited is not given back a second time: never more than was asked for, and an error once."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from market import billing, db, subscriptions
from market.accounts import Organization
from market.billing import BillLine, LineKind, credit_notes
from market.billing.credit_notes import Amount, CreditNote, CreditReason, Lines
from market.catalog import Meter
from market.kit.period import Period
from market.subscriptions import Subscription
from tests.builders.accounts import a_user, an_actor
from tests.builders.billing import DECEMBER, NOVEMBER, OCTOBER, after_grace, an_issued_bill, buyer, moment
from tests.builders.catalog import a_plan
from tests.builders.corrections import approve, correct, event_named
from tests.builders.credit_notes import a_note
from tests.builders.metering import report
from tests.builders.subscriptions import a_subscription

WRONG, AGREED = CreditReason.WRONG_USAGE, CreditReason.AGREED


def credited(fen: int, reason: CreditReason = AGREED, monthly: str = "300.00") -> tuple[Subscription, CreditNote]:
    """October's 100 calls at ¥1.00 beside a fee, and so much of them credited."""
    subscription = a_subscription(a_plan(monthly=monthly, per_unit="1.00"))
    report(subscription, meter_of(subscription), 100, at=moment("2026-10-05 12:00"), id="calls")
    bill = an_issued_bill(buyer(subscription), OCTOBER)
    calls = next(line for line in bill.lines if line.quantity)
    return subscription, a_note(bill, Lines({calls.id: fen}), reason=reason, note="客户反映用量不对")


def meter_of(subscription: Subscription) -> Meter:
    meter = subscription.plan.charges[-1].meter
    assert meter is not None
    return meter


def becomes(value: str, *, at: str = "2026-11-10 12:00") -> None:
    """The calls are corrected, by two people."""
    judged = correct(event_named("calls"), value, now=moment(at))
    if judged.correction and judged.correction.decided_at is None:
        approve(judged, a_user(), now=moment(at))


def given_back(firm: Organization, month: Period = NOVEMBER) -> list[tuple[int, int]]:
    """(booked, fen) of the adjustments of the next bill, which agrees with its events."""
    bill = an_issued_bill(firm, month)
    assert billing.verify(billing.bill_by_id(bill.id)) == []
    return [(line.booked_fen, line.gross_fen) for line in bill.lines if line.kind is LineKind.ADJUSTMENT]


@pytest.mark.parametrize(
    ("fen", "reason", "corrected", "back"),
    [
        (10000, AGREED, "40", []),
        (7000, AGREED, "40", [(7000, -3000)]),
        (3000, AGREED, "40", [(10000, -6000)]),
        (3000, WRONG, "40", [(7000, -3000)]),
        (3000, WRONG, "80", []),
        (3000, WRONG, "130", [(10000, 3000)]),
    ],
)
def test_a_correction_gives_back_what_a_credit_has_not(
    session: None, fen: int, reason: CreditReason, corrected: str, back: list[tuple[int, int]]
) -> None:
    subscription, _ = credited(fen, reason)
    becomes(corrected)
    assert given_back(buyer(subscription)) == back
    assert given_back(buyer(subscription), DECEMBER) == []


def test_what_a_credit_held_back_is_given_when_the_credit_is_void(session: None) -> None:
    subscription, note = credited(7000)
    becomes("40")
    assert given_back(buyer(subscription)) == [(7000, -3000)]
    credit_notes.void(note, reason="算错了", by=an_actor(), at=moment("2026-12-05 12:00"))
    assert given_back(buyer(subscription), DECEMBER) == [(7000, -3000)]


def test_the_bill_says_what_was_given_back_before(session: None) -> None:
    subscription, _ = credited(3000, WRONG)
    becomes("40")
    line = next(line for line in an_issued_bill(buyer(subscription), NOVEMBER).lines if line.kind is LineKind.ADJUSTMENT)
    told = "按补报、更正后的用量重算 ¥40.00，之前的账单已收 ¥100.00，冲减单已退 ¥30.00"
    assert told in billing.working(line, billing.Words("zh"))


def a_left_year(credited_fen: int, *, other: str = "") -> tuple[Subscription, CreditNote]:
    """¥365.00 paid on 1 October for a year, so much of it credited, and left on the last of November: 304 days come back."""
    plan = a_plan(yearly="365.00")
    subscription = a_subscription(plan)
    bill = an_issued_bill(buyer(subscription), OCTOBER)
    note = a_note(bill, Amount(credited_fen))
    if other:
        a_subscription(a_plan(plan.offering, slug="other", monthly=other), organization=buyer(subscription))
    subscriptions.cancel(subscription, when="now", reason="", by=an_actor(), at=moment("2026-11-30 12:00"))
    return subscription, note


def test_who_is_about_to_leave_reads_what_the_bill_will_give_back(session: None) -> None:
    """Of a year's ¥365.00 ¥300.00 are credited; whoever leaves in November is told of the rest, not of 304 days."""
    subscription = a_subscription(a_plan(yearly="365.00"))
    a_note(an_issued_bill(buyer(subscription), OCTOBER), Amount(30000))
    at = moment("2026-11-30 12:00")
    loaded = subscriptions.subscription_of(buyer(subscription), subscription.id)
    now, later = billing.preview_end(loaded, at=at)
    assert (now.back_fen, now.bill_fen, later.back_fen) == (6500, -6500, 0)
    paused, _ = billing.preview_pause(loaded, at=at.replace(day=1))
    assert (paused.back_fen, paused.difference_fen) == (2900, -2900)


@pytest.mark.parametrize(("fen", "back"), [(36500, 0), (30000, 6500), (6100, 30400), (1000, 30400)])
@pytest.mark.parametrize("other", ["", "900.00"])
def test_a_fee_that_was_credited_does_not_come_back_a_second_time(session: None, fen: int, back: int, other: str) -> None:
    subscription, _ = a_left_year(fen, other=other)
    firm = buyer(subscription)
    for period in (NOVEMBER, DECEMBER):
        billing.close(firm, period, now=after_grace(period))
        bill = billing.bill_for(firm, period)
        if bill is not None:
            assert billing.verify(billing.finalize(bill, at=after_grace(period))) == []
    lines = db.session.scalars(select(BillLine).where(BillLine.kind == LineKind.CREDIT)).all()
    noted = sum(note.gross_fen for note in db.session.scalars(credit_notes.notes_of(firm))) - fen
    assert noted - sum(line.gross_fen for line in lines) == back
    assert billing.owed_back(firm) == 0
