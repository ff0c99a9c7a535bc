"""One subscription through fourteen months with everything that can happen to it; every bill is worked out by hand.

The sweep that lets planned changes take hold runs only when a month is closed: bills follow the dates, not the sweep.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from market import billing, db, subscriptions
from market.accounts import Organization
from market.billing import credit_notes
from market.catalog.models import Plan, PlanStatus
from market.kit.period import month
from market.subscriptions import (
    ChangeKind,
    Subscription,
    SubscriptionChange,
    SubscriptionStatus,
    changes,
    effects,
)
from tests.builders.accounts import an_actor
from tests.builders.billing import buyer, closed, moment
from tests.builders.catalog import a_plan
from tests.builders.metering import report
from tests.builders.subscriptions import a_subscription

pytestmark = pytest.mark.usefixtures("database")
BY = an_actor()


@dataclass
class Life:
    """The firm, its subscription, and the plans there are."""

    organization: Organization
    id: int
    plans: dict[str, Plan]

    def do(self, at: str, act: Callable[[Subscription, datetime], Any]) -> None:
        """Something that is done at a time in Guangdong."""
        with db.transaction():
            act(subscriptions.subscription_of(self.organization, self.id), moment(at))

    def change(self, at: str, when: Any, plan: str = "", quantity: int | None = None) -> None:
        self.do(at, lambda one, now: subscriptions.change(
            one, plan=self.plans[plan] if plan else None, quantity=quantity, when=when, by=BY, at=now
        ))  # fmt: skip

    def used(self, at: str, calls: int) -> None:
        meter = next(charge.meter for charge in self.plans["basic"].charges if charge.meter)
        self.do(at, lambda one, now: report(one, meter, calls, at=now))

    def bill(self, label: str) -> tuple[int, list[tuple[str, str, int]]]:
        """Close the month: (what is to be paid, its lines); the bill can be worked out again."""
        period = month(label)
        subscriptions.apply_due(period.end + timedelta(days=1))
        subscriptions.end_due(period.end + timedelta(days=1))
        closed(period)
        with db.transaction(readonly=True):
            bill = billing.bill_for(self.organization, period)
            assert bill is not None and billing.verify(bill) == []
            found = sorted((line.kind.value, f"{line.label['plan_zh']} {line.terms['model']}", line.gross_fen) for line in bill.lines)
            return bill.gross_fen, found

    @property
    def now(self) -> Subscription:
        with db.transaction(readonly=True):
            return subscriptions.subscription_of(self.organization, self.id)


def a_life() -> Life:
    """Basic ¥62.00 and Pro ¥155.00 a month, Team ¥365.00 a seat and year; Basic is to cost ¥93.00 one day."""
    with db.transaction():
        basic = a_plan(slug="basic", name_zh="基础", monthly="62.00", once="50.00", per_unit="0.10", included="100", trial_days=10)
        of = basic.offering
        pro = a_plan(of, slug="pro", name_zh="专业", monthly="155.00", once="80.00", per_unit="0.05", included="310")
        team = a_plan(of, slug="team", name_zh="团队", yearly="365.00", per_unit="0.05", quantity_unit_zh="席位", quantity_unit_en="seats")
        new = a_plan(
            of, slug="basic", name_zh="基础二", monthly="93.00", per_unit="0.10", included="100", version_number=2,
            status=PlanStatus.DRAFT,
        )  # fmt: skip
        subscription = a_subscription(basic, started_at=moment("2026-09-20 10:00"))
        plans = {"basic": basic, "pro": pro, "team": team, "new basic": new}
        return Life(buyer(subscription), subscription.id, plans)


def the_price_goes_up(life: Life) -> None:
    """A new version of Basic, announced on 1 March for the 15th."""
    with db.transaction():
        old, new = (db.session.get_one(Plan, life.plans[name].id) for name in ("basic", "new basic"))
        old.status = PlanStatus.RETIRED
        db.session.flush()
        new.status = PlanStatus.PUBLISHED
        one = subscriptions.subscription_of(life.organization, life.id)
        effects.settle(one, moment("2027-03-01 10:00"))
        row = SubscriptionChange(kind=ChangeKind.PRICE, plan=new, before_plan_id=old.id)
        changes.plan_for(one, row, moment("2027-03-15 00:00"), reason="", by=BY, at=moment("2027-03-01 10:00"))


def test_every_month_is_billed_as_worked_out_by_hand() -> None:
    life = a_life()
    # September: a trial of ten whole days, up to the end of the month, goes on as a paid subscription.
    life.do("2026-09-25 09:00", lambda one, now: subscriptions.convert(one, by=BY, at=now))
    assert life.bill("2026-09") == (0, [("charge", "基础 flat", 0)])
    # October: 62.00, set-up once 50.00, (250 − 100) × 0.10.
    life.used("2026-10-08 10:00", 250)
    assert life.bill("2026-10")[0] == 6200 + 5000 + 1500
    # November: Pro from the 11th. 62 × 10/30 = 20.67, to 124.00 in all; of 100 calls 100 × 10/30 are included, of 300
    # calls 310 × 20/30: 6.67, to 11.33 in all. No second set-up.
    life.used("2026-11-05 10:00", 100)
    life.used("2026-11-20 10:00", 300)
    life.change("2026-11-11 14:00", "now", "pro")
    assert life.bill("2026-11") == (13533, [
        ("charge", "专业 flat", 10333), ("charge", "专业 per_unit", 466), ("charge", "基础 flat", 2067), ("charge", "基础 per_unit", 667),
    ])  # fmt: skip
    # December: 155.00; back to Basic at the month's end.
    life.used("2026-12-09 10:00", 310)
    life.change("2026-12-10 10:00", "period_end", "basic")
    assert life.bill("2026-12")[0] == 15500
    # January: paused from the 16th on. 62 × 15/31; 40 calls are included in half a month, 20 while paused are not.
    life.used("2027-01-10 10:00", 40)
    life.do("2027-01-15 14:00", lambda one, now: subscriptions.pause(one, when="now", by=BY, at=now))
    life.used("2027-01-20 10:00", 20)
    assert life.bill("2027-01") == (3200, [("charge", "基础 flat", 3000), ("charge", "基础 per_unit", 0), ("charge", "基础 per_unit", 200)])
    assert life.now.status is SubscriptionStatus.PAUSED
    # February: resumed on the 11th. 62 × 18/28 = 39.857…
    life.do("2027-02-11 10:00", lambda one, now: subscriptions.resume(one, by=BY, at=now))
    life.used("2027-02-15 10:00", 30)
    assert life.bill("2027-02")[0] == 3986
    # March: the new price from the 15th: 62 × 14/31 + 93 × 17/31. Usage costs the same and stays one line: 50 × 0.10.
    the_price_goes_up(life)
    life.used("2027-03-20 10:00", 150)
    assert life.bill("2027-03") == (8400, [("charge", "基础 flat", 2800), ("charge", "基础二 flat", 5100), ("charge", "基础二 per_unit", 500)])
    # April: 93.00; two seats of Team, by the year, from May on.
    life.change("2027-04-20 10:00", "period_end", "team", quantity=2)
    assert life.bill("2027-04")[0] == 9300
    # May: 2 × 365.00 in advance; from the 11th a third seat for 356 of 366 days: 355.03. 200 × 0.05.
    life.change("2027-05-11 10:00", "now", quantity=3)
    life.used("2027-05-12 10:00", 200)
    assert life.bill("2027-05") == (109503, [("charge", "团队 flat", 35503), ("charge", "团队 flat", 73000), ("charge", "团队 per_unit", 1000)])
    # June: ten paused days of three seats come back, 1095 × 10/366 = 29.92; 1,000 × 0.05.
    life.do("2027-06-05 10:00", lambda one, now: subscriptions.pause(one, when=date(2027, 6, 11), by=BY, at=now))
    life.do("2027-06-05 10:00", lambda one, now: subscriptions.resume(one, when=date(2027, 6, 21), by=BY, at=now))
    life.used("2027-06-15 10:00", 1000)
    assert life.bill("2027-06") == (2008, [("charge", "团队 per_unit", 5000), ("credit", "团队 flat", -2992)])
    # July: by the month again from the 11th. 295 days of three seats come back, 882.58; 93 × 21/31 take up 63.00 of it,
    # for the rest May's bill is credited.
    life.change("2027-07-11 10:00", "now", "new basic")
    assert life.bill("2027-07")[0] == 0
    assert credited(life) == {"2027-05": 88258 - 6300}
    # August: 93.00; from September on one seat by the year.
    life.change("2027-08-20 10:00", "period_end", "team", quantity=1)
    assert life.bill("2027-08") == (9300, [("charge", "基础二 flat", 9300), ("charge", "基础二 per_unit", 0)])
    # September: 365.00 and 100 × 0.05.
    life.used("2027-09-10 10:00", 100)
    assert life.bill("2027-09")[0] == 37000
    # October: canceled on the 10th. 326 of 366 days come back, 325.11, of which 400 × 0.05 take up 20.00.
    life.used("2027-10-05 10:00", 400)
    life.do("2027-10-10 10:00", lambda one, now: subscriptions.cancel(one, when="now", reason="", by=BY, at=now))
    assert life.bill("2027-10") == (0, [("charge", "团队 per_unit", 2000), ("credit", "团队 flat", -2000)])
    assert credited(life) == {"2027-05": 88258 - 6300, "2027-09": 32511 - 2000}
    # November: nothing more.
    closed(month("2027-11"))
    with db.transaction(readonly=True):
        assert billing.bill_for(life.organization, month("2027-11")) is None
    # Whatever came later, every month drawn up again today is the month that was billed.
    for label in ("2026-10", "2026-11", "2027-01", "2027-03", "2027-05", "2027-07"):
        assert charged_again(life, label) == charged(life, label), label
    told = [event.action.removeprefix("subscription.") for event in timeline(life)]
    assert [told.count(one) for one in ("plan_changed", "quantity_changed", "price_changed", "paused", "resumed", "ended")] == [5, 1, 1, 2, 2, 1]


def charged(life: Life, label: str) -> list[int]:
    with db.transaction(readonly=True):
        bill = billing.bill_for(life.organization, month(label))
        assert bill is not None
        return [line.gross_fen for line in bill.lines if line.kind is billing.LineKind.CHARGE]


def charged_again(life: Life, label: str) -> list[int]:
    with db.transaction(readonly=True):
        one = subscriptions.subscription_of(life.organization, life.id)
        lines = billing.draw_up_one(one, month(label), cutoff=month(label).end)
        return [line.gross_fen for line in lines if line.kind is billing.LineKind.CHARGE]


def credited(life: Life) -> dict[str, int]:
    """What credit notes gave back, by the month of the bill."""
    with db.transaction(readonly=True):
        assert billing.owed_back(life.organization) == 0
        notes = db.session.scalars(credit_notes.notes_of(life.organization)).all()
        return {note.bill.period.label: note.gross_fen for note in reversed(notes)}


def timeline(life: Life) -> Any:
    with db.transaction(readonly=True):
        return subscriptions.timeline(life.now)
