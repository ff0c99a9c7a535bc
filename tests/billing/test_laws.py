"""What holds of every bill, whatever was sold, changed, used, reported late, corrected, credited and ended."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as trying
from hypothesis import strategies as st
from sqlalchemy import select

from market import billing, db, metering, subscriptions
from market.accounts import Organization, User
from market.billing import Bill, LineKind, credit_notes
from market.billing.credit_notes import Amount, CreditReason
from market.catalog import Aggregation, Meter, Plan, TimeBase
from market.errors import MarketError
from market.kit.period import month
from market.metering import Outcome, UsageEvent, corrections
from market.metering.corrections import Author, CorrectionStatus, Reason
from market.providers import Provider
from market.subscriptions import Subscription
from tests.builders.accounts import an_actor, an_administrator
from tests.builders.billing import OCTOBER
from tests.builders.catalog import a_charge, a_meter, a_plan
from tests.builders.corrections import change
from tests.builders.metering import SOURCE, an_event
from tests.builders.subscriptions import a_subscription

MONTHS = [month(label) for label in ("2026-10", "2026-11", "2026-12", "2027-01")]
#: In the last month nothing happens any more, so that its bill has to settle everything.
SECONDS = int((MONTHS[-1].start - OCTOBER.start).total_seconds())

METERED = ["each", "stored", "package", "graduated", "volume", "part"]
OTHERS = ["correct", "correct", "correct", "plan", "pause", "resume", "credit", "credit", "leave"]


def written(chance: Random, most: int, places: int) -> str:
    """A decimal of up to so much, or nothing."""
    return f"{Decimal(chance.choice([0, chance.randrange(most * 10**places)])).scaleb(-places):f}"


def terms(chance: Random) -> dict[str, dict[str, Any]]:
    """A charge of every kind, by the meter that is used; the fee has none."""
    tiers = [
        [
            {"up_to": str(chance.randrange(1, 900)), "unit_price": written(chance, 10, 4), "flat": written(chance, 99, 2)},
            {"up_to": None, "unit_price": written(chance, 10, 4), "flat": "0"},
        ]
        for _ in range(2)
    ]
    included = str(chance.randrange(50))
    return {
        "fee": {"model": "flat", "interval": "month", "amount": written(chance, 99, 2)},
        "each": {"model": "per_unit", "unit_price": written(chance, 10, 4), "included": included},
        "stored": {"model": "per_unit", "unit_price": written(chance, 2, 6), "included": included},
        "package": {
            "model": "package", "package_size": str(chance.randrange(1, 99)), "package_price": written(chance, 99, 2), "included": "3",
        },
        "graduated": {"model": "graduated", "tiers": tiers[0], "included": included},
        "volume": {"model": "volume", "tiers": tiers[1], "included": "0"},
        "part": {"model": "percentage", "percent": written(chance, 10, 2), "fee": written(chance, 1, 2), "fee_minimum": "0.35"},
    }  # fmt: skip


@dataclass
class Life:
    """One firm with one subscription, and what is done to it."""

    subscription_id: int
    organization_id: int
    plans: tuple[int, int]
    meters: dict[str, int]
    users: tuple[int, int]
    reported: list[str] = field(default_factory=list)

    def subscription(self) -> Subscription:
        return subscriptions.subscription_of(db.session.get_one(Organization, self.organization_id), self.subscription_id)

    def use(self, now: datetime, at: datetime, slug: str, value: str) -> None:
        subscription, meter = self.subscription(), db.session.get_one(Meter, self.meters[slug])
        event = an_event(subscription, meter, value, at=at)
        provider = db.session.get_one(Provider, subscription.provider_id)
        [verdict] = metering.ingest(provider, SOURCE, [event], now=now, closed_until=billing.closed_until)
        if verdict.outcome is Outcome.ACCEPTED:
            self.reported.append(event["id"])

    def correct(self, now: datetime, number: int, value: str) -> None:
        if not self.reported:
            return
        event = db.session.scalars(select(UsageEvent).where(UsageEvent.event_id == self.reported[number % len(self.reported)])).one()
        provider, first, second = db.session.get_one(Provider, event.provider_id), *(db.session.get_one(User, id) for id in self.users)
        [judged] = corrections.correct(
            provider, [change(event, None if number % 3 == 0 else value)], reason=Reason.WRONG_VALUE, note="读数多了一位",
            author=Author(an_actor(first), user=first), now=now, stands=billing.month_stands, closed_until=billing.closed_until,
        )  # fmt: skip
        if judged.correction and judged.status is CorrectionStatus.PROPOSED:
            corrections.approve(
                judged.correction, user=second, by=an_actor(second), now=now, stands=billing.month_stands,
                closed_until=billing.closed_until,
            )  # fmt: skip

    def plan(self, now: datetime, number: int, value: str) -> None:
        subscriptions.change(
            self.subscription(), plan=db.session.get_one(Plan, self.plans[number % 2]), when="now" if number % 3 else "period_end",
            by=an_actor(), at=now,
        )  # fmt: skip

    def pause(self, now: datetime, number: int, value: str) -> None:
        subscriptions.pause(self.subscription(), when="now", by=an_actor(), at=now)

    def resume(self, now: datetime, number: int, value: str) -> None:
        subscriptions.resume(self.subscription(), when="now", by=an_actor(), at=now)

    def leave(self, now: datetime, number: int, value: str) -> None:
        subscriptions.cancel(self.subscription(), when="now" if number % 2 else "period_end", reason="", by=an_actor(), at=now)

    def credit(self, now: datetime, number: int, value: str) -> None:
        bill = db.session.scalars(select(Bill).where(Bill.organization_id == self.organization_id).order_by(Bill.id.desc())).first()
        if bill is None or bill.number is None:
            return
        reason = CreditReason.WRONG_USAGE if number % 2 else CreditReason.AGREED
        most = credit_notes.standing(bill).fen
        user = db.session.get_one(User, self.users[0])
        proposal = credit_notes.credit(
            bill, Amount(most * (number + 1) // 100), reason=reason, note="客户反映用量不对", request_key=f"{bill.id} {now} {number}",
            user=user, by=an_actor(user), at=now,
        )  # fmt: skip
        if proposal.credit_note is None:
            other = db.session.get_one(User, self.users[1])
            credit_notes.approve(proposal, user=other, by=an_actor(other), at=now)


def begun(first: dict[str, Any], second: dict[str, Any], day: int) -> Life:
    """Two plans of one offering, the first one held since a day of October."""
    with db.transaction():
        one = a_plan()
        other = a_plan(one.offering, slug="other", name_zh="另一版")
        provider = one.offering.provider
        meters = {
            slug: a_meter(provider, f"used-{slug}", **({"aggregation": Aggregation.TIME_WEIGHTED, "time_base": TimeBase.HOUR} if slug == "stored" else {}))
            for slug in METERED
        }  # fmt: skip
        for plan, written in ((one, first), (other, second)):
            for slug, each in written.items():
                a_charge(plan, each, slug=slug, meter=meters.get(slug))
        subscription = a_subscription(one, started_at=OCTOBER.start + timedelta(days=day))
        users = an_administrator().id, an_administrator().id
        return Life(subscription.id, subscription.organization_id, (one.id, other.id), {slug: meter.id for slug, meter in meters.items()}, users)


def lived(life: Life, chance: Random) -> None:
    """Use, much of it late, and whatever else, each at its time; each month closed when its days of grace are over."""
    acts: list[tuple[datetime, Callable[[datetime], None]]] = []
    for _ in range(16):
        at = OCTOBER.start + timedelta(seconds=chance.randrange(SECONDS))
        use = partial(life.use, at=at, slug=chance.choice(METERED), value=written(chance, 1000, 3))
        acts.append((at + timedelta(days=chance.choice([0, 0, 2, 12, 30])), use))
    for _ in range(10):
        act = partial(getattr(life, chance.choice(OTHERS)), number=chance.randrange(100), value=written(chance, 1000, 3))
        acts.append((OCTOBER.start + timedelta(seconds=chance.randrange(SECONDS)), act))
    acts += [(billing.final_at(period), swept) for period in MONTHS[:-1]]
    for now, act in sorted(acts, key=lambda pair: pair[0]):
        with suppress(MarketError), nullcontext() if act is swept else db.transaction():
            act(now)
    swept(billing.final_at(MONTHS[-1]) + timedelta(days=40))


def swept(now: datetime) -> None:
    """What the worker does."""
    subscriptions.apply_due(now)
    subscriptions.end_due(now)
    for report in (billing.close_due(now), billing.bill_leavers(now)):
        assert not report.failures, str(report)


def check(life: Life) -> None:
    """Every bill agrees with its events, nothing is given back twice, and all is settled."""
    with db.transaction(readonly=True):
        firm = db.session.get_one(Organization, life.organization_id)
        bills = db.session.scalars(select(Bill).where(Bill.organization_id == firm.id)).all()
        asked: dict[tuple[int, datetime], int] = defaultdict(int)
        for bill in bills:
            assert bill.number is not None
            assert 0 <= bill.credited_fen + bill.returned_fen <= bill.gross_fen
            for line in billing.bill_by_id(bill.id).lines:
                asked[line.charge_id, line.service_start] += line.gross_fen
        for note in db.session.scalars(credit_notes.notes_of(firm)):
            for line in credit_notes.note_by_id(note.id).lines:
                asked[line.about.charge_id, line.about.service_start] -= line.gross_fen
        assert all(fen >= 0 for fen in asked.values()), asked
        after = month("2027-02")
        left = billing.draw_up(firm, after, cutoff=after.end)
        assert [line for line in left if line.kind is not LineKind.CHARGE] == []
    found = list(billing.check_all(firm))
    assert [checked.differences for checked in found] == [[]] * len(bills)


@pytest.mark.parametrize("examples", [3, pytest.param(300, marks=[pytest.mark.soak, pytest.mark.timeout(3600)])])
def test_every_bill_agrees_with_its_events_and_gives_nothing_back_twice(database: None, examples: int) -> None:
    # A life is drawn from one number: hypothesis prefers small values, and lives in which nothing happens.
    @trying(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.explicit, Phase.generate])
    @given(st.integers(0, 10**9))
    def whatever(seed: int) -> None:
        chance = Random(seed)
        life = begun(terms(chance), terms(chance), chance.randrange(31))
        lived(life, chance)
        check(life)

    whatever()
