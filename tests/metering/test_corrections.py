"""Corrections: reversal and replacement, the second person, bills that are final, and what was known before."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from market import billing, db, metering
from market.billing import LineKind
from market.catalog import Meter
from market.errors import Invalid
from market.kit import period
from market.metering import Outcome, UsageEvent, corrections
from market.metering.corrections import CorrectionStatus, Judged
from market.subscriptions import Subscription
from tests.builders.accounts import a_user, an_actor
from tests.builders.billing import DECEMBER, NOVEMBER, OCTOBER, an_issued_bill, buyer, moment
from tests.builders.catalog import a_plan
from tests.builders.corrections import approve, change, correct, correct_all, event_named
from tests.builders.metering import an_event, ingest, report
from tests.builders.subscriptions import a_subscription
from tests.metering.test_laws import KINDS, Fact, World, facts

pytestmark = pytest.mark.usefixtures("session")

PROPOSED, APPROVED, REJECTED = CorrectionStatus
NOON = moment("2026-10-20 12:00")


def used(values: dict[str, str], **terms: object) -> tuple[Subscription, Meter]:
    """A subscription with an event of each value on 15 October."""
    subscription = a_subscription(a_plan(**(terms or {"per_unit": "1.00"})))
    meter = subscription.plan.charges[-1].meter
    assert meter is not None
    for number, (id, value) in enumerate(values.items()):
        report(subscription, meter, value, at=moment("2026-10-15 12:00") + timedelta(minutes=number), id=id)
    return subscription, meter


def october(subscription: Subscription, meter: Meter, *, stored_by: datetime | None = None) -> Decimal:
    counted = metering.quantity(subscription, meter, OCTOBER)
    assert not metering.verify(subscription)
    if stored_by is None:
        return counted
    return metering.replay(subscription, meter, OCTOBER, stored_by=stored_by, whole=OCTOBER)


def test_a_replacement_and_a_reversal_count_at_once_and_what_was_known_stays_known() -> None:
    subscription, meter = used({"a": "1000", "b": "50", "c": "7"})
    assert correct(event_named("b"), "5", now=NOON).status is APPROVED
    assert correct(event_named("c"), None, now=NOON + timedelta(hours=1)).status is APPROVED
    assert october(subscription, meter) == 1005
    assert october(subscription, meter, stored_by=NOON) == 1012
    assert october(subscription, meter, stored_by=NOON - timedelta(seconds=1)) == 1057


def test_the_same_correction_twice_is_one_and_another_under_its_id_is_refused() -> None:
    subscription, meter = used({"a": "1000", "b": "50"})
    first = correct(event_named("b"), "5", now=NOON, id="fix")
    again = correct(event_named("b"), "5", now=NOON, id="fix")
    other = correct(event_named("b"), "6", now=NOON, id="fix")
    assert again.known and again.correction is first.correction and again.status is APPROVED
    assert (other.status, other.code) == (None, "id_taken")
    assert october(subscription, meter) == 1005
    [verdict] = ingest(subscription.plan.offering.provider, [an_event(subscription, meter, "5", at=NOON, id="fix")], now=NOON)
    assert verdict.outcome is Outcome.CONFLICT


def test_an_event_is_corrected_once_and_its_correction_once_more() -> None:
    subscription, meter = used({"a": "1000", "b": "50"})
    correct(event_named("b"), None, now=NOON, id="gone")
    assert correct(event_named("b"), "5", now=NOON).code == "corrected_already"
    assert correct(event_named("gone"), None, now=NOON).code == "reversal_final"
    assert correct(event_named("gone"), "4", now=NOON, id="back").status is None  # a reversal has no value to take over
    back = corrections.Change("back", "test/meter", corrections.Named("gone", "test/meter"), {meter.value_property: "4"})
    assert correct_all([back], subscription.provider_id, now=NOON)[0].status is APPROVED
    assert correct(event_named("back"), "4", now=NOON).code == "nothing_changed"
    assert october(subscription, meter) == 1004


@pytest.mark.parametrize(
    ("value", "code"), [("-1", "negative"), ("many", "not_a_number"), ("50", "nothing_changed"), ("1e12", "too_large")]
)
def test_what_could_not_have_been_reported_cannot_be_a_replacement(value: str, code: str) -> None:
    subscription, meter = used({"a": "1000", "b": "50"})
    judged = correct(event_named("b"), value, now=NOON)
    assert (judged.status, judged.code) == (None, code)
    assert october(subscription, meter) == 1050


def test_nobody_corrects_a_stranger_s_event_or_one_without_a_note() -> None:
    used({"a": "1000"})
    stranger = a_plan().offering.provider
    [judged] = correct_all([change(event_named("a"), "5")], stranger.id, now=NOON)
    assert judged.code == "unknown_event"
    with pytest.raises(Invalid):
        correct(event_named("a"), "5", now=NOON, note="  ")


def test_a_dry_run_says_what_would_be_and_leaves_nothing() -> None:
    subscription, meter = used({"a": "1000", "b": "50"})
    judged = correct(event_named("b"), "5", now=NOON, dry_run=True)
    assert judged.status is APPROVED and judged.correction is not None
    assert (judged.correction.before_fen, judged.correction.after_fen) == (105000, 100500)
    assert october(subscription, meter) == 1050
    assert not corrections.made([subscription.id])


# --- two people ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "value", "status"),
    [
        ({"a": "100000", "b": "600"}, "101", APPROVED),  # ¥499 of ¥100,600
        ({"a": "100000", "b": "600"}, "99", PROPOSED),  # ¥501
        ({"a": "90", "b": "10"}, "0", APPROVED),  # ten per cent
        ({"a": "89", "b": "11"}, "0", PROPOSED),
        ({"a": "0", "b": "1"}, "1.01", APPROVED),
    ],
)
def test_what_moves_a_month_by_much_needs_a_second_person(values: dict[str, str], value: str, status: CorrectionStatus) -> None:
    subscription, meter = used(values)
    before = october(subscription, meter)
    assert correct(event_named("b"), value, now=NOON).status is status
    assert (october(subscription, meter) == before) is (status is PROPOSED)


def test_many_small_corrections_weigh_as_one() -> None:
    used({"a": "80", "b": "10", "c": "10"})
    assert correct(event_named("b"), "1", now=NOON).status is APPROVED
    assert correct(event_named("c"), "1", now=NOON).status is PROPOSED


def test_a_large_one_counts_when_another_person_approves() -> None:
    subscription, meter = used({"a": "1000"})
    author, second = a_user(), a_user()
    judged = correct(event_named("a"), "10", now=NOON, user=author)
    assert correct(event_named("a"), "20", now=NOON, user=second).code == "corrected_already"
    with pytest.raises(corrections.FourEyes):
        approve(judged, author, now=NOON)
    approve(judged, second, now=NOON + timedelta(hours=1))
    assert october(subscription, meter) == 10
    assert october(subscription, meter, stored_by=NOON) == 1000
    with pytest.raises(corrections.AlreadyDecided):
        approve(judged, second, now=NOON)


def test_a_rejected_one_leaves_its_event_for_another() -> None:
    subscription, meter = used({"a": "1000"})
    second = a_user()
    judged = correct(event_named("a"), "10", now=NOON)
    assert judged.correction is not None
    corrections.reject(judged.correction, answer="数不对", user=second, by=an_actor(second), now=NOON)
    assert judged.correction.status is REJECTED and october(subscription, meter) == 1000
    assert correct(event_named("a"), "20", now=NOON).status is PROPOSED


# --- bills that are final ------------------------------------------------------------------


def adjusted(judged: Judged, now: datetime) -> None:
    if judged.status is PROPOSED:
        approve(judged, a_user(), now=now)


def test_the_difference_stands_on_the_next_bill_with_its_own_service_period() -> None:
    subscription, meter = used({"a": "1000"})
    an_issued_bill(buyer(subscription), OCTOBER)
    report(subscription, meter, "950", at=moment("2026-11-05 09:00"))
    adjusted(correct(event_named("a"), "100", now=moment("2026-11-06 09:00")), moment("2026-11-06 10:00"))
    bill = an_issued_bill(buyer(subscription), NOVEMBER)
    assert [(line.kind, line.gross_fen, line.service_start) for line in bill.lines] == [
        (LineKind.CHARGE, 95000, NOVEMBER.start), (LineKind.ADJUSTMENT, -90000, OCTOBER.start),
    ]  # fmt: skip
    assert (bill.gross_fen, bill.net_fen + bill.tax_fen) == (5000, 5000)
    assert not billing.verify(billing.bill_by_id(bill.id))
    assert not [line for line in an_issued_bill(buyer(subscription), DECEMBER).lines if line.gross_fen]


def test_what_a_bill_has_no_room_for_is_credited_with_it_and_once_only() -> None:
    subscription, meter = used({"a": "1000"})
    october = an_issued_bill(buyer(subscription), OCTOBER)
    adjusted(correct(event_named("a"), None, now=moment("2026-11-06 09:00")), moment("2026-11-06 10:00"))
    for label in ("2026-11", "2026-12", "2027-01", "2027-02"):
        month = period.month(label)
        report(subscription, meter, "300", at=month.start + timedelta(days=5))
        assert an_issued_bill(buyer(subscription), month).gross_fen == 30000
    db.session.refresh(october)
    assert (october.gross_fen, october.credited_fen, october.owed_fen) == (100000, 100000, 0)


def test_what_was_adjusted_up_can_be_taken_back() -> None:
    subscription, meter = used({"a": "1000"})
    an_issued_bill(buyer(subscription), OCTOBER)
    report(subscription, meter, "50", at=moment("2026-10-30 12:00"), recorded=moment("2026-11-05 12:00"), id="late")
    assert an_issued_bill(buyer(subscription), NOVEMBER).gross_fen == 5000
    report(subscription, meter, "80", at=moment("2026-12-05 12:00"))
    adjusted(correct(event_named("late"), None, now=moment("2026-12-06 09:00")), moment("2026-12-06 10:00"))
    assert an_issued_bill(buyer(subscription), DECEMBER).gross_fen == 3000


def test_beyond_the_last_bill_that_looks_back_nothing_is_corrected() -> None:
    subscription, meter = used({"a": "1000"})
    for month in (OCTOBER, NOVEMBER):
        report(subscription, meter, "1", at=month.start + timedelta(days=20))
        an_issued_bill(buyer(subscription), month)
    assert correct(event_named("a"), "1001", now=moment("2026-12-10 09:00")).status is APPROVED
    report(subscription, meter, "1", at=DECEMBER.start + timedelta(days=20))
    an_issued_bill(buyer(subscription), DECEMBER)
    assert correct(event_named("a"), "990", now=moment("2027-01-10 09:00")).code == "corrected_already"
    [judged] = correct_all([change(db.session.scalars(select(UsageEvent).where(UsageEvent.corrects.is_not(None))).one(), "990")],
                           subscription.provider_id, now=moment("2027-01-10 09:00"))  # fmt: skip
    assert judged.code == "too_old"


# --- a law ---------------------------------------------------------------------------------


changes_to_them = st.lists(st.tuples(st.integers(0, 40), st.none() | st.integers(0, 10**9)), max_size=6)


@given(happened=facts, changes=changes_to_them)
@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_corrected_every_earlier_figure_can_be_had_again(
    session: Session, happened: list[Fact], changes: list[tuple[int, int | None]]
) -> None:
    every_figure_can_be_had_again(session, happened, changes)


@pytest.mark.soak
@pytest.mark.timeout(1800)
@given(happened=facts, changes=changes_to_them)
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_after_hundreds_of_corrections_every_earlier_figure_can_be_had_again(
    session: Session, happened: list[Fact], changes: list[tuple[int, int | None]]
) -> None:
    every_figure_can_be_had_again(session, happened, changes)


def every_figure_can_be_had_again(session: Session, happened: list[Fact], changes: list[tuple[int, int | None]]) -> None:
    world, known = World(), []
    now = moment("2026-10-31 22:00")
    ingest(world.provider, [world.event(number, fact) for number, fact in enumerate(happened)], now=now)
    for which, millionths in changes:
        known.append((now, figures(world)))
        now += timedelta(minutes=1)
        events = session.scalars(select(UsageEvent).where(UsageEvent.provider_id == world.provider.id).order_by(UsageEvent.id)).all()
        if events:
            event = events[which % len(events)]
            value = None if millionths is None else str(Decimal(millionths).scaleb(-6))
            adjusted(correct(event, value, now=now), now)
    known.append((now, figures(world)))
    for subscription in world.subscriptions:
        assert not metering.verify(subscription)
    for at, then in known:
        assert {key: replayed(world, *key, at) for key in then} == then


def figures(world: World) -> dict[tuple[int, str], Decimal]:
    """What every meter says now."""
    return {
        (which, kind): metering.quantity(subscription, world.meters[kind], OCTOBER)
        for which, subscription in enumerate(world.subscriptions) for kind in KINDS
    }  # fmt: skip


def replayed(world: World, which: int, kind: str, at: datetime) -> Decimal:
    """The same from the events that had come in by then."""
    return metering.replay(world.subscriptions[which], world.meters[kind], OCTOBER, stored_by=at, whole=OCTOBER)
