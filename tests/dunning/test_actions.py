"""Steps that are taken: once, together with their letters and what they stop; and what paying does to them."""

from __future__ import annotations

import threading
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import select

from market import audit, billing, db, dunning, payments, subscriptions
from market.accounts import Organization, Role
from market.billing import Bill, credit_notes
from market.dunning import Kind, NothingToTake, Outcome, Step, StepTaken, StepWaits, TooEarly, Wanted
from market.errors import Invalid
from market.kit.period import local_midnight
from market.notifications import Email
from market.payments import Payment, PaymentStatus
from market.subscriptions import ProvisioningRequest, RequestStatus, Subscription, SubscriptionStatus
from tests.builders.accounts import a_member, a_user, an_actor, an_administrator
from tests.builders.billing import NOVEMBER, an_issued_bill, moment
from tests.builders.catalog import a_plan
from tests.builders.credit_notes import a_note
from tests.builders.dunning import an_unpaid_bill, keys, steps, sweep
from tests.builders.subscriptions import a_subscription, the_request
from tests.support.queries import counted

#: Every fifth day at ten, from before the first reminder until long after the end was announced.
TIMES = [moment("2026-11-10 10:00") + timedelta(days=5 * number) for number in range(16)]
LETTERS = ["reminder.-7", "reminder.0", "reminder.3", "reminder.7", "last_notice", "suspension", "end_notice"]


def the_subscription() -> Subscription:
    found = db.session.scalars(select(Subscription)).one()
    db.session.refresh(found)
    return found


def pay(bill: Bill, at: str) -> None:
    billing.receive(bill, bill.owed_fen, by=an_actor(), at=moment(at))


def letters() -> list[str]:
    return [*db.session.scalars(select(Email.subject).where(Email.key.startswith("dunning.")).order_by(Email.id))]


@pytest.mark.usefixtures("session")
def test_a_bill_that_nobody_pays_goes_the_whole_way_and_comes_back_when_it_is_paid() -> None:
    bill = an_unpaid_bill()
    sweep(*TIMES)
    assert [key for key in keys(bill) if not key.startswith("charge")] == LETTERS
    subscription = the_subscription()
    [end] = [step for step in steps(bill) if step.kind is Kind.END_NOTICE]
    assert subscription.status is SubscriptionStatus.SUSPENDED
    assert end.names_on and subscription.cancel_at == local_midnight(end.names_on + timedelta(days=1))
    pay(bill, "2027-01-25 10:00")
    assert (subscription.status, subscription.cancel_at) == (SubscriptionStatus.ACTIVE, None)
    asked = [(each.kind.value, each.status) for each in db.session.scalars(select(ProvisioningRequest).order_by(ProvisioningRequest.number))]
    assert asked[1:] == [("pause", RequestStatus.CANCELED), ("resume", RequestStatus.PENDING)]
    assert [event.action for event in audit.history(subscription)][:3] == [
        "subscription.reinstated", "subscription.cancel_planned", "subscription.suspended"
    ]  # fmt: skip
    assert sweep("2027-03-01 10:00", "2027-06-01 10:00") == 0


@pytest.mark.usefixtures("session")
@pytest.mark.parametrize("paid_at", ["2026-11-13 12:00", "2026-11-28 12:00", "2026-12-08 12:00", "2026-12-20 12:00"])
def test_paying_at_any_moment_stops_everything(paid_at: str) -> None:
    bill, at = an_unpaid_bill(), moment(paid_at)
    sweep(*[time for time in TIMES if time < at])
    before = len(steps(bill))
    pay(bill, paid_at)
    assert the_subscription().status is SubscriptionStatus.ACTIVE
    assert sweep(*[time for time in TIMES if time > at]) == 0
    assert len(steps(bill)) == before


@pytest.mark.usefixtures("session")
def test_services_stay_stopped_while_another_bill_has_come_as_far() -> None:
    bill = an_unpaid_bill()
    firm = bill.organization_id
    waiting = a_subscription(a_plan(monthly="9.00"), organization=db.session.get_one(Organization, firm), started_at=None)
    sweep(*[time for time in TIMES if time < moment("2026-12-20 12:00")])
    subscriptions.complete(the_request(waiting), access={}, by=an_actor(), at=moment("2026-12-20 11:00"))
    assert dunning.settle(firm, at=moment("2026-12-20 12:00")) == 0
    assert waiting.status is SubscriptionStatus.SUSPENDED, "what was set up meanwhile waits as well"
    pay(bill, "2026-12-20 13:00")
    assert waiting.status is SubscriptionStatus.ACTIVE


@pytest.mark.usefixtures("session")
def test_a_bill_that_is_owed_again_begins_anew() -> None:
    bill = an_unpaid_bill()
    sweep(*[time for time in TIMES if time < moment("2026-12-20 12:00")])
    pay(bill, "2026-12-20 12:00")
    assert all(step.settled_at for step in steps(bill))


@pytest.mark.usefixtures("session")
def test_a_bill_that_a_credit_note_leaves_nothing_of_is_over_at_once() -> None:
    bill = an_unpaid_bill()
    sweep(*[time for time in TIMES if time < moment("2026-12-20 12:00")])
    a_note(bill, credit_notes.Whole(), at=moment("2026-12-20 12:00"))
    assert (the_subscription().status, [step for step in steps(bill) if step.settled_at is None]) == (SubscriptionStatus.ACTIVE, [])


@pytest.mark.usefixtures("session")
@pytest.mark.parametrize(("notice_days", "waits"), [(3, False), (20, True)], ids=["short notice", "long notice"])
def test_a_part_paid_is_believed_for_the_days_of_the_bills_own_sequence(notice_days: int, waits: bool) -> None:
    user = an_administrator()
    wanted = Wanted("0", "0", 10, 40, 60, notice_days, 30, 100)
    dunning.change_sequence(wanted, after=1, reason="试", user=user, by=an_actor(user), at=moment("2026-10-01 09:00"))
    bill, at = an_unpaid_bill(), moment("2026-11-20 12:00")
    payments.confirm_arrival(
        payments.start(bill, by=an_actor(), at=at), amount_fen=100, payer_name="甲", bank_reference="BK1", arrived_on=date(2026, 11, 20),
        partial=True, user=user, by=an_actor(user), at=at,
    )  # fmt: skip
    assert (dunning.case_of(bill, at + timedelta(days=5)).wait is not None) is waits


@pytest.mark.usefixtures("session")
def test_debts_are_told_by_their_age() -> None:
    an_unpaid_bill()
    days = ("2026-11-19 23:59", "2026-11-20 00:00", "2026-12-19 23:59", "2026-12-20 00:00", "2027-02-17 23:59", "2027-02-18 00:00")
    told = [[(each.count, each.fen) for each in dunning.ages(moment(day))] for day in days]
    assert [ages.index((1, 15_000)) for ages in told] == [0, 1, 1, 2, 3, 4]
    assert all(ages.count((0, 0)) == 4 for ages in told)


@pytest.mark.usefixtures("session")
class TestByHand:
    def test_the_next_step_is_taken_now_but_services_wait_for_the_day_that_was_named(self) -> None:
        bill, user = an_unpaid_bill(), an_administrator()
        at = moment("2026-11-28 12:00")
        sweep("2026-11-27 10:00")
        step = dunning.advance(bill, user=user, by=an_actor(user), at=at)
        assert (step.kind, step.names_on, step.taken_by_id) == (Kind.LAST_NOTICE, date(2026, 12, 10), user.id)
        with pytest.raises(TooEarly, match="2026-12-10"):
            dunning.advance(bill, user=user, by=an_actor(user), at=at)

    def test_a_second_click_does_not_take_the_step_after_it(self) -> None:
        bill, user = an_unpaid_bill(), an_administrator()
        sweep("2026-11-24 10:00")
        for _ in range(2):
            try:
                dunning.advance(bill, key="reminder.7", user=user, by=an_actor(user), at=moment("2026-11-24 12:00"))
            except StepTaken:
                break
        assert keys(bill)[-1] == "reminder.7"

    def test_a_paid_bill_has_no_step(self) -> None:
        bill, user = an_unpaid_bill(), an_administrator()
        pay(bill, "2026-11-06 12:00")
        with pytest.raises(NothingToTake):
            dunning.advance(bill, user=user, by=an_actor(user), at=moment("2026-11-28 12:00"))

    def test_nobody_is_pressed_while_her_transfer_is_looked_for(self) -> None:
        bill, user = an_unpaid_bill(), an_administrator()
        at = moment("2026-11-25 12:00")
        payments.announce(payments.start(bill, by=an_actor(), at=at), by=an_actor(), at=at)
        with pytest.raises(StepWaits):
            dunning.advance(bill, user=user, by=an_actor(user), at=at)
        assert sweep("2026-11-26 10:00") == 0
        assert sweep("2026-12-01 13:00") > 0, "five days later it is not on its way any more"


@pytest.mark.usefixtures("session")
class TestHold:
    def test_nothing_happens_until_it_is_over_and_a_suspension_moves_behind_it(self) -> None:
        bill, user = an_unpaid_bill(), an_administrator()
        firm = db.session.get_one(Organization, bill.organization_id)
        sweep("2026-12-03 10:00")
        hold = dunning.hold(firm, until=date(2026, 12, 20), reason="已谈妥", user=user, by=an_actor(user), at=moment("2026-12-04 10:00"))
        assert sweep("2026-12-10 10:00", "2026-12-20 10:00", "2026-12-21 10:00", "2026-12-27 10:00") == 0
        assert sweep("2026-12-28 10:00") == 1, "27 December is a Sunday"
        assert (hold.bill_id, the_subscription().status) == (None, SubscriptionStatus.SUSPENDED)

    def test_services_that_were_to_end_end_behind_it_too(self) -> None:
        bill, user = an_unpaid_bill(), an_administrator()
        firm = db.session.get_one(Organization, bill.organization_id)
        sweep(*TIMES)
        dunning.hold(firm, until=date(2027, 6, 1), reason="已谈妥", user=user, by=an_actor(user), at=moment("2027-01-25 10:00"))
        [end] = [step for step in steps(bill) if step.kind is Kind.END_NOTICE]
        assert (end.names_on, the_subscription().cancel_at) == (date(2027, 7, 1), local_midnight(date(2027, 7, 2)))
        pay(bill, "2027-02-25 10:00")
        assert (the_subscription().status, the_subscription().cancel_at) == (SubscriptionStatus.ACTIVE, None)

    def test_an_end_that_another_bill_has_announced_stays(self) -> None:
        bill, user = an_unpaid_bill(), an_administrator()
        firm = db.session.get_one(Organization, bill.organization_id)
        sweep(*[time for time in TIMES if time < moment("2026-12-03 10:00")])
        other = an_issued_bill(firm, NOVEMBER)
        days = [moment("2026-12-03 10:00") + timedelta(days=number) for number in range(83)]
        sweep(*days)
        by, at = an_actor(user), days[-1]
        [named] = [step.names_on for step in steps(other) if step.kind is Kind.END_NOTICE]
        assert named and the_subscription().cancel_at < local_midnight(named)
        dunning.hold(firm, bill=bill, until=date(2027, 6, 1), reason="已谈妥", user=user, by=by, at=at)
        assert the_subscription().cancel_at == local_midnight(named + timedelta(days=1))
        dunning.hold(firm, bill=other, until=date(2027, 6, 1), reason="已谈妥", user=user, by=by, at=at)
        assert the_subscription().cancel_at == local_midnight(date(2027, 7, 2))

    def test_the_days_of_notice_are_those_of_the_bills_own_sequence(self) -> None:
        bill, user = an_unpaid_bill(), an_administrator()
        firm = db.session.get_one(Organization, bill.organization_id)
        sweep("2026-12-03 10:00")
        by, at = an_actor(user), moment("2026-12-04 10:00")
        dunning.change_sequence(Wanted("0", "0", 10, 17, 40, 3, 30, 500), after=1, reason="更短", user=user, by=by, at=at)
        dunning.hold(firm, until=date(2026, 12, 20), reason="已谈妥", user=user, by=by, at=at)
        assert [step.names_on for step in steps(bill) if step.kind is Kind.LAST_NOTICE] == [date(2026, 12, 28)]

    def test_a_second_one_takes_the_place_of_the_first(self) -> None:
        bill, user = an_unpaid_bill(), an_administrator()
        firm = db.session.get_one(Organization, bill.organization_id)
        at, by = moment("2026-11-25 10:00"), an_actor(user)
        first = dunning.hold(firm, bill=bill, until=date(2027, 1, 20), reason="等预算", user=user, by=by, at=at)
        second = dunning.hold(firm, bill=bill, until=date(2026, 11, 26), reason="预算到了", user=user, by=by, at=at)
        assert first.lifted_at == at
        dunning.lift(second, user=user, by=by, at=at)
        with pytest.raises(dunning.NotHeld):
            dunning.lift(second, user=user, by=by, at=at)
        assert sweep("2026-11-25 11:00") == 2, "the card is asked about, and a letter written"

    @pytest.mark.parametrize(("until", "reason", "field"), [
        (None, "谈妥", "until"), (date(2026, 11, 24), "谈妥", "until"), (date(2027, 11, 25), "谈妥", "until"), (date(2026, 12, 1), " ", "reason"),
    ])  # fmt: skip
    def test_it_has_a_day_and_a_reason(self, until: date | None, reason: str, field: str) -> None:
        bill, user = an_unpaid_bill(), an_administrator()
        firm = db.session.get_one(Organization, bill.organization_id)
        with pytest.raises(Invalid) as refused:
            dunning.hold(firm, until=until, reason=reason, user=user, by=an_actor(user), at=moment("2026-11-25 10:00"))
        assert list(refused.value.fields) == [field]


@pytest.mark.usefixtures("session")
class TestSequence:
    WANTED = Wanted("-3 0", "0", 10, 17, 40, 7, 30, 500)

    def test_it_holds_for_bills_to_come(self) -> None:
        user, old = an_administrator(), an_unpaid_bill()
        before = moment("2026-11-04 09:00")
        dunning.change_sequence(self.WANTED, after=1, reason="更早提醒", user=user, by=an_actor(user), at=before)
        assert dunning.case_of(old, before).sequence.number == 1
        assert dunning.sequence_at(before).reminders == (-3, 0)
        with pytest.raises(dunning.ChangedMeanwhile):
            dunning.change_sequence(self.WANTED, after=1, reason="再改", user=user, by=an_actor(user), at=before)

    @pytest.mark.parametrize(("changed", "field"), [
        ({"reminders": "-3 -3"}, "reminders"), ({"reminders": "三天"}, "reminders"), ({"reminders": "12"}, "reminders"),
        ({"charges": "-1"}, "charges"), ({"suspension": 16}, "suspension"), ({"notice_days": 2}, "notice_days"),
        ({"end_days": 3}, "end_days"), ({"floor_fen": None}, "floor_fen"), ({"last_notice": None}, "last_notice"), ({"end_notice": 20}, "end_notice"),
    ])  # fmt: skip
    def test_what_makes_no_sense_is_refused_at_its_field(self, changed: dict[str, object], field: str) -> None:
        user = an_administrator()
        wanted = Wanted(**{**vars(self.WANTED), **changed})  # type: ignore[arg-type]  # wrong on purpose
        with pytest.raises(Invalid) as refused:
            dunning.change_sequence(wanted, after=1, reason="试", user=user, by=an_actor(user), at=moment("2026-11-04 09:00"))
        assert field in refused.value.fields


@pytest.mark.usefixtures("app")
class TestAtOnce:
    def test_letters_name_the_day_in_the_language_of_whoever_pays(self) -> None:
        with db.transaction():
            bill = an_unpaid_bill()
            a_member(db.session.get_one(Organization, bill.organization_id), Role.FINANCE, user=a_user(locale="en"))
        sweep(*TIMES)
        with db.transaction(readonly=True):
            subjects = letters()
        assert len(subjects) == 2 * len(LETTERS)
        assert f"Last notice: services stop on 2026-12-14 unless bill {bill.number} is paid" in subjects
        assert f"最后通知：账单 {bill.number} 不付清，12月14日停用服务" in subjects

    def test_two_workers_take_a_step_once(self) -> None:
        with db.transaction():
            bill = an_unpaid_bill()
        at = moment("2026-12-03 10:00")
        workers = [threading.Thread(target=dunning.run, args=(at,)) for _ in range(2)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        with db.transaction(readonly=True):
            assert [key for key in keys(bill) if not key.startswith("charge")] == ["last_notice"]
            assert len(letters()) == 1

    def test_a_crash_before_the_end_leaves_nothing_and_the_next_look_does_it_all(self) -> None:
        with db.transaction():
            bill = an_unpaid_bill()

        def crash(*_: object, **__: object) -> None:
            raise SystemExit("killed")

        with dunning.step_taken.connected_to(crash), pytest.raises(SystemExit):
            dunning.run(moment("2026-12-03 10:00"))
        with db.transaction(readonly=True):
            assert not {Kind.LAST_NOTICE, Kind.REMINDER} & {step.kind for step in steps(bill) if step.outcome is Outcome.WRITTEN}
            assert letters() == []
        sweep("2026-12-03 10:05")
        with db.transaction(readonly=True):
            assert len(letters()) == 1

    def test_a_bill_that_fails_keeps_no_other_waiting(self) -> None:
        with db.transaction():
            ids = [an_unpaid_bill().id for _ in range(2)]

        def fail(_step: Step, *, bill: Bill, **__: object) -> None:
            if bill.id == ids[0]:
                raise RuntimeError("no letter can be written to her")

        with dunning.step_taken.connected_to(fail):
            sweep("2026-12-03 10:00")
        with db.transaction(readonly=True):
            written = [[key for key in keys(db.session.get_one(Bill, id)) if not key.startswith("charge")] for id in ids]
        assert written == [[], ["last_notice"]]

    def test_a_gateway_that_does_not_answer_is_asked_about_one_card_a_turn(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with db.transaction():
            for _ in range(3):
                an_unpaid_bill()
        asked: list[str] = []

        def silent(bill: Bill, *, key: str, at: datetime) -> Payment:
            asked.append(key)
            return Payment(status=PaymentStatus.PENDING, intent_id=None, session_id=None)

        monkeypatch.setattr(payments, "charge_saved", silent)
        sweep("2026-11-19 10:00")
        assert len(asked) == 1
        with db.transaction(readonly=True):
            assert len(letters()) == 1, "the others wait for their card"
        sweep("2026-11-19 10:05")
        with db.transaction(readonly=True):
            assert len(set(asked)) == 3
            assert len(letters()) == 3, "but no longer than a turn"

    def test_the_firm_is_held_before_its_bill(self) -> None:
        """As everywhere; on PostgreSQL two orders would end in a deadlock."""
        with db.transaction():
            bill, user = an_unpaid_bill(), an_administrator()
        at = moment("2026-11-24 12:00")

        def announced() -> None:
            payments.announce(payments.start(db.session.get_one(Bill, bill.id), by=an_actor(), at=at), by=an_actor(), at=at)

        acts = (lambda: dunning.advance(db.session.get_one(Bill, bill.id), user=user, by=an_actor(user), at=at), announced)
        for act in acts:
            with db.transaction(), counted(at_most=80) as asked:
                act()
            locks = [statement for statement in asked if " FOR " in statement and "UPDATE" in statement]
            assert all("FROM organizations" in first for first in locks[:1])

    def test_a_charge_that_was_written_down_before_a_crash_is_asked_for_again(self) -> None:
        with db.transaction():
            bill = an_unpaid_bill()
            db.session.add(
                Step(bill_id=bill.id, key="charge.0", kind=Kind.CHARGE, planned_on=date(2026, 11, 19), at=moment("2026-11-19 10:00"),
                     outcome=Outcome.PENDING, owed_fen=bill.owed_fen)
            )  # fmt: skip
        dunning.ask_cards(moment("2026-11-19 10:05"))
        with db.transaction(readonly=True):
            assert [step.outcome for step in steps(bill)] == [Outcome.NO_CARD]
