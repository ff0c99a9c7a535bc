"""Paying a bill by bank transfer."""

from __future__ import annotations

import threading
from datetime import date
from typing import Any

import pytest
from sqlalchemy import func, select

from market import audit, billing, db, payments
from market.accounts import User
from market.billing import Bill, BillStatus
from market.errors import NotFound
from market.payments import BankArrival, Payment, PaymentStatus, remittance, waiting
from tests.builders.accounts import an_actor, an_administrator, an_organization
from tests.builders.billing import OCTOBER, an_issued_bill, buyer, moment
from tests.builders.catalog import a_plan
from tests.builders.subscriptions import a_subscription

NOON = moment("2026-11-06 12:00")


def an_open_bill(monthly: str = "150.00") -> Bill:
    return an_issued_bill(buyer(a_subscription(a_plan(monthly=monthly))), OCTOBER)


def a_payment(bill: Bill | None = None) -> Payment:
    return payments.start(bill or an_open_bill(), by=an_actor(), at=NOON)


def confirm(payment: Payment, amount_fen: int = 15000, *, user: User | None = None, **changes: Any) -> BankArrival:
    user = user or an_administrator()
    entered = {"payer_name": "示例企业有限公司", "bank_reference": "20261106-0001", "arrived_on": date(2026, 11, 6)}
    return payments.confirm_arrival(payment, amount_fen=amount_fen, user=user, by=an_actor(user), at=NOON, **(entered | changes))


@pytest.mark.usefixtures("session")
class TestStart:
    def test_the_buyer_gets_account_amount_and_code(self) -> None:
        payment = a_payment()
        told = payments.instructions(payment)
        assert (told["amount"], told["account"]) == ("150.00", "0000 0000 0000 0000")
        assert remittance.is_code(told["code"])

    def test_asking_twice_gives_the_same_code(self) -> None:
        bill = an_open_bill()
        assert a_payment(bill) is a_payment(bill)

    def test_a_bill_of_nothing_needs_no_payment(self) -> None:
        with pytest.raises(payments.NothingToPay):
            a_payment(an_issued_bill(buyer(a_subscription()), OCTOBER))

    def test_a_gateway_that_is_not_set_up_is_not_found(self) -> None:
        with pytest.raises(NotFound):
            payments.start(an_open_bill(), "stripe", by=an_actor(), at=NOON)

    def test_a_strangers_payment_is_not_found(self) -> None:
        payment = a_payment()
        assert payments.payment_of(payment.bill.organization, payment.id) is payment
        with pytest.raises(NotFound):
            payments.payment_of(an_organization(), payment.id)


@pytest.mark.usefixtures("session")
class TestAnnounce:
    def test_the_first_time_counts(self) -> None:
        payment, heard = a_payment(), []
        with payments.payment_announced.connected_to(lambda p, at: heard.append(p)):
            payments.announce(payment, by=an_actor(), at=NOON)
            payments.announce(payment, by=an_actor(), at=moment("2026-11-07 12:00"))
        assert (payment.announced_at, heard) == (NOON, [payment])

    def test_announced_payments_stand_first_and_can_be_found_by_code(self) -> None:
        first, second = a_payment(), a_payment()
        payments.announce(second, by=an_actor(), at=NOON)
        assert list(db.session.scalars(payments.awaiting())) == [second, first]
        assert waiting.work_waiting().announced == 1
        code = str(first.remittance_code)
        assert list(db.session.scalars(payments.awaiting(f"{code[:4].lower()} {code[4:]}"))) == [first]


@pytest.mark.usefixtures("session")
class TestConfirm:
    def test_the_whole_amount_pays_the_bill(self) -> None:
        payment = a_payment()
        heard: list[object] = []
        with billing.bill_paid.connected_to(lambda bill, at: heard.append(bill)):
            arrival = confirm(payment)
        assert (payment.status, payment.bill.status, heard) == (PaymentStatus.SUCCEEDED, BillStatus.PAID, [payment.bill])
        assert list(payments.arrivals_of(payment.bill)) == [arrival]

    def test_less_is_refused_unless_it_is_meant(self) -> None:
        payment = a_payment()
        with pytest.raises(payments.AmountDiffers, match="少 ¥50.00"):
            confirm(payment, 10000)
        confirm(payment, 10000, partial=True)
        assert (payment.status, payment.bill.status, payment.bill.owed_fen) == (
            PaymentStatus.SUCCEEDED, BillStatus.PART_PAID, 5000,
        )  # fmt: skip

    def test_the_rest_gets_a_code_of_its_own_and_is_found_by_the_first_one(self) -> None:
        payment = a_payment()
        confirm(payment, 10000, partial=True)
        [rest] = db.session.scalars(payments.awaiting(str(payment.remittance_code)))
        assert (rest.amount_fen, rest.remittance_code != payment.remittance_code) == (5000, True)
        confirm(rest, 5000, bank_reference="20261109-0001")
        assert payment.bill.status is BillStatus.PAID

    def test_more_is_refused_even_if_it_is_called_partial(self) -> None:
        with pytest.raises(payments.AmountTooLarge, match="多 ¥0.01"):
            confirm(a_payment(), 15001, partial=True)

    def test_the_same_money_counts_once(self) -> None:
        payment, other = a_payment(), a_payment()
        assert confirm(payment) is confirm(payment)
        with pytest.raises(payments.ReferenceTaken, match=str(payment.remittance_code)):
            confirm(other)
        assert other.bill.paid_fen == 0

    def test_a_settled_payment_takes_no_second_arrival(self) -> None:
        payment = a_payment()
        confirm(payment)
        with pytest.raises(payments.NotAwaited):
            confirm(payment, bank_reference="20261106-0002")

    @pytest.mark.parametrize(
        ("field", "entered"),
        [
            ("payer_name", {"payer_name": "  "}),
            ("bank_reference", {"bank_reference": ""}),
            ("bank_reference", {"bank_reference": "9" * 65}),
            ("arrived_on", {"arrived_on": date(2026, 11, 7)}),
            ("arrived_on", {"arrived_on": date(2026, 11, 5)}),
            ("arrived_on", {"arrived_on": date(2020, 1, 1)}),
            ("amount_fen", {"amount_fen": 0}),
        ],
    )
    def test_what_cannot_be_is_named(self, field: str, entered: dict[str, Any]) -> None:
        with pytest.raises(payments.ArrivalInvalid) as refused:
            confirm(a_payment(), **entered)
        assert list(refused.value.fields) == [field]

    def test_a_second_part_may_have_come_before_its_own_payment_was_begun(self) -> None:
        payment = a_payment()
        confirm(payment, 10000, partial=True)
        [rest] = db.session.scalars(payments.awaiting(str(payment.remittance_code)))
        rest.created_at = moment("2026-11-09 12:00")
        assert payments.arrival_days(rest, rest.created_at) == (date(2026, 11, 6), date(2026, 11, 9))

    def test_the_buyer_can_read_every_step(self) -> None:
        payment = a_payment()
        payments.announce(payment, by=an_actor(), at=NOON)
        confirm(payment)
        trail = audit.history(payment)
        assert [event.action for event in trail] == ["payment.confirmed", "payment.announced", "payment.started"]
        assert {event.organization_id for event in trail} == {payment.bill.organization_id}


@pytest.mark.usefixtures("database")
def test_two_administrators_at_one_moment_book_the_money_once() -> None:
    with db.transaction():
        payment, user = a_payment(), an_administrator()
        ids = payment.id, user.id
    barrier, refused = threading.Barrier(4), []

    def run() -> None:
        barrier.wait()
        try:
            with db.transaction():
                confirm(payments.payment_by_id(ids[0]), user=db.session.get_one(User, ids[1]))
        except payments.NotAwaited as refusal:
            refused.append(refusal)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with db.transaction(readonly=True):
        assert payments.payment_by_id(ids[0]).bill.paid_fen == 15000
        assert db.session.scalar(select(func.count()).select_from(BankArrival)) == 1
    assert refused == []
