"""The books follow what happens, in its own transaction, once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from random import Random

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as trying
from hypothesis import strategies as st
from sqlalchemy import delete, event, func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from market import billing, db, ledger, payments
from market.accounts import Organization, User
from market.billing import Bill, BillStatus, credit_notes
from market.billing.credit_notes import Amount, Destination, RefundRequest, Whole
from market.errors import MarketError
from market.ledger import AccountKind, Event, LedgerAccount, Posting
from market.payments import statements
from tests.builders.accounts import an_actor, an_administrator
from tests.builders.billing import NOVEMBER, OCTOBER, an_issued_bill, buyer, closed, moment
from tests.builders.catalog import a_plan
from tests.builders.credit_notes import a_credit, a_note, an_open_bill
from tests.builders.statements import IMPORTED, an_imported_statement
from tests.builders.subscriptions import a_subscription

NOON = moment("2026-11-06 12:00")


def stands(kind: AccountKind) -> int:
    return sum(fen for (one, _), fen in ledger.sums().items() if one is kind)


def all_stand() -> dict[str, int]:
    return {kind.value: fen for kind in AccountKind if (fen := stands(kind))}


def pay(bill: Bill, fen: int | None = None, *, reference: str = "1", at: datetime = NOON) -> None:
    """Money arrives by the real verb."""
    user = an_administrator()
    payments.confirm_arrival(
        payments.start(bill, by=an_actor(), at=at), amount_fen=fen or bill.owed_fen, payer_name="示例企业有限公司",
        bank_reference=reference, arrived_on=date(2026, 11, 6), user=user, by=an_actor(user), at=at, partial=True,
    )  # fmt: skip


def refund_of(bill: Bill) -> RefundRequest:
    (request,) = credit_notes.refunds_of(bill.organization)
    return request


def differences() -> list[ledger.LedgerDifference]:
    db.session.flush()
    return list(ledger.verify())


@pytest.mark.usefixtures("session")
class TestEachFact:
    def test_an_issued_bill_is_owed_and_nobodys_money_yet(self) -> None:
        an_open_bill("150.00")
        assert all_stand() == {"receivable": 15000, "unpaid": 15000}

    def test_a_bill_that_is_partly_paid_is_not_shared(self) -> None:
        pay(an_open_bill("150.00"), 5000)
        assert all_stand() == {"receivable": 10000, "cash": 5000, "unpaid": 15000}

    def test_a_paid_bill_is_shared_at_the_rate_of_now(self) -> None:
        pay(an_open_bill("150.00"))
        assert all_stand() == {"cash": 15000, "payable": 14250, "commission": 750}
        assert set(db.session.scalars(select(Posting.rate).where(Posting.event == Event.BILL_PAID))) == {"0.05"}
        assert not differences()

    def test_what_is_credited_before_it_is_paid_was_never_sold(self) -> None:
        bill = an_open_bill("150.00")
        a_note(bill, Amount(5000))
        assert all_stand() == {"receivable": 10000, "unpaid": 10000}
        a_note(bill, Whole())
        assert bill.status is BillStatus.PAID and all_stand() == {}
        assert not differences()

    def test_a_credit_of_a_part_paid_bill_goes_to_both_and_the_rest_is_shared(self) -> None:
        bill = an_open_bill("150.00")
        pay(bill, 10000)
        a_note(bill, Amount(7000))
        assert all_stand() == {"cash": 10000, "balance": 2000, "payable": 7600, "commission": 400}
        assert not differences()

    def test_what_is_credited_afterwards_both_give_back(self) -> None:
        bill = an_open_bill("150.00")
        pay(bill)
        note = a_note(bill, Amount(5010))
        assert all_stand() == {"cash": 15000, "balance": 5010, "payable": 9490, "commission": 500}
        credit_notes.void(note, reason="填错了", by=an_actor(), at=NOON)
        assert all_stand() == {"cash": 15000, "payable": 14250, "commission": 750}
        assert not differences()

    def test_a_balance_pays_the_next_bill(self) -> None:
        subscription = a_subscription(a_plan(monthly="150.00"))
        bill = an_issued_bill(buyer(subscription), OCTOBER)
        pay(bill)
        a_note(bill, Amount(5000))
        next_bill = an_issued_bill(buyer(subscription), NOVEMBER)
        assert next_bill.paid_fen == 5000 and stands(AccountKind.BALANCE) == 0
        assert stands(AccountKind.RECEIVABLE) == 10000
        assert not differences()

    def test_a_refund_waits_comes_back_or_is_paid(self) -> None:
        bill = an_open_bill("150.00")
        pay(bill)
        a_note(bill, Amount(5000), destination=Destination.REFUND)
        assert stands(AccountKind.REFUNDS) == 5000
        credit_notes.call_off(refund_of(bill), by=an_actor(), at=NOON)
        assert (stands(AccountKind.REFUNDS), stands(AccountKind.BALANCE)) == (0, 5000)
        user = an_administrator()
        request = credit_notes.ask(bill.organization, 3000, request_key="one", by=an_actor(), at=NOON)
        assert (stands(AccountKind.REFUNDS), stands(AccountKind.BALANCE)) == (3000, 2000)
        credit_notes.fail(request, failure="账号不对", user=user, by=an_actor(user), at=NOON)
        assert stands(AccountKind.REFUNDS) == 3000
        credit_notes.pay(request, bank_reference="9", paid_on=date(2026, 11, 6), user=user, by=an_actor(user), at=NOON)
        assert (stands(AccountKind.REFUNDS), stands(AccountKind.CASH)) == (0, 12000)
        assert not differences()

    def test_a_transfer_belongs_to_nobody_until_it_is_known_what_for(self) -> None:
        user = an_administrator()
        statement = an_imported_statement("2026-11-06,80.00,,无名公司,BK1,", "2026-11-06,20.00,,无名公司,BK2,", user=user)
        assert all_stand() == {"cash": 10000, "unmatched": 10000}
        bill = an_open_bill("50.00")
        known, other = db.session.scalars(statements.lines_of(statement))
        statements.attach(known, bill.organization, remember=False, user=user, by=an_actor(user), at=IMPORTED)
        statements.allocate(known, {bill.id: 5000}, user=user, by=an_actor(user), at=IMPORTED)
        assert all_stand() == {"cash": 10000, "unmatched": 2000, "balance": 3000, "payable": 4750, "commission": 250}
        statements.give_back(other, reference="BK3", note="退回", user=user, by=an_actor(user), at=IMPORTED)
        assert (stands(AccountKind.CASH), stands(AccountKind.UNMATCHED)) == (8000, 0)
        assert not differences()

    def test_debits_and_credits_come_to_the_same(self) -> None:
        pay(an_open_bill("150.00"), 5000)
        totals = ledger.totals()
        assert sum(each.debit_fen for each in totals) == sum(each.credit_fen for each in totals) == 20000


@pytest.mark.usefixtures("session")
class TestOnce:
    def test_posting_again_changes_nothing(self) -> None:
        pay(an_open_bill("150.00"))
        before = _rows()
        assert ledger.post_due(NOON) == 0 and _rows() == before

    def test_what_happened_before_there_were_books_is_posted_later_and_comes_to_the_same(self) -> None:
        for number in range(2):
            bill = an_open_bill("150.00")
            pay(bill, reference=f"{number}")
            credit_notes.void(a_note(bill, Amount(3010)), reason="填错了", by=an_actor(), at=NOON)
            a_note(bill, Amount(5010))
        before = ledger.sums()
        _forget()
        assert differences()
        assert ledger.post_due(NOON) == 12 and ledger.post_due(NOON) == 0
        assert ledger.sums() == before and not differences()

    def test_crediting_a_bill_from_before_posts_the_bill_first(self) -> None:
        bill = an_open_bill("150.00")
        pay(bill)
        _forget()
        a_note(bill, Amount(5000))
        assert all_stand() == {"cash": 15000, "balance": 5000, "payable": 9500, "commission": 500}
        assert not differences()


def _rows() -> list[tuple[object, ...]]:
    return [tuple(row) for row in db.session.execute(select(Posting.id, Posting.amount_fen).order_by(Posting.id))]


def _forget() -> None:
    """As it was before the books were there; only somebody who may change tables can do that."""
    db.session.flush()
    if db.on_postgresql():
        db.session.execute(text("ALTER TABLE ledger_postings DISABLE TRIGGER USER"))
    else:
        db.session.execute(text("DROP TRIGGER ledger_postings_no_delete"))
    db.session.execute(delete(Posting))
    if db.on_postgresql():
        db.session.execute(text("ALTER TABLE ledger_postings ENABLE TRIGGER USER"))


FORBIDDEN = (
    "UPDATE ledger_postings SET amount_fen = amount_fen + 1",
    "UPDATE ledger_postings SET debit_id = credit_id, credit_id = debit_id",
    "DELETE FROM ledger_postings",
    "UPDATE ledger_accounts SET kind = 'balance' WHERE kind = 'receivable'",
    "DELETE FROM ledger_accounts",
)


def test_the_database_refuses_every_change(session: Session) -> None:
    pay(an_open_bill("150.00"))
    for statement in FORBIDDEN:
        with pytest.raises(DBAPIError, match="stay as issued"), db.session.begin_nested():
            db.session.execute(text(statement))


def test_a_posting_has_two_sides_and_an_amount(session: Session) -> None:
    an_open_bill("150.00")
    one = "INSERT INTO ledger_postings (event, subject_id, position, debit_id, credit_id, amount_fen, at, posted_at) "
    for changed in ("debit_id, debit_id, 1", "debit_id, credit_id, 0", "debit_id, credit_id, -5", "debit_id, NULL, 5"):
        with pytest.raises(DBAPIError), db.session.begin_nested():
            db.session.execute(text(f"{one} SELECT event, subject_id, 99, {changed}, at, posted_at FROM ledger_postings"))


def test_whoever_issues_many_bills_asks_no_more_for_each(database: None) -> None:
    with db.transaction():
        plan = a_plan(monthly="30.00")
        for _ in range(2):
            a_subscription(plan)
    few = _counted(lambda: closed(OCTOBER))
    with db.transaction():
        for _ in range(4):
            a_subscription(plan)
    assert _counted(lambda: closed(OCTOBER)) <= few
    with db.transaction(readonly=True):
        assert db.session.scalar(select(func.count()).select_from(Posting)) == 6
        assert db.session.scalar(select(func.count()).select_from(LedgerAccount)) == 7


def _counted(act: Callable[[], object]) -> int:
    """How many statements about the books."""
    said: list[str] = []

    def note(_c: object, _k: object, statement: str, *_: object) -> None:
        if "ledger_" in statement:
            said.append(statement)

    event.listen(db.engine(), "before_cursor_execute", note)
    try:
        act()
    finally:
        event.remove(db.engine(), "before_cursor_execute", note)
    return len(said)


@pytest.mark.usefixtures("session")
class TestVerify:
    def test_a_payment_that_nobody_posted_is_named(self) -> None:
        bill = an_open_bill("150.00")
        billing.receive(bill, 5000, by=an_actor(), at=NOON)
        assert [(each.about, each.field, each.ledger, each.expected) for each in differences()] == [(str(bill), "receivable", 15000, 10000)]

    def test_a_posting_about_nothing_is_named(self) -> None:
        bill = an_open_bill("150.00")
        db.session.execute(
            text("INSERT INTO ledger_postings (event, subject_id, position, debit_id, credit_id, amount_fen, at, posted_at) "
                 "SELECT 'payment_arrived', 4711, 1, credit_id, debit_id, 5, at, posted_at FROM ledger_postings")
        )  # fmt: skip
        assert ("payment_arrived 4711", "postings") in {(each.about, each.field) for each in differences()}
        assert bill.number


@trying(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(min_value=0, max_value=2**32))
def test_whatever_happens_the_books_agree(database: None, seed: int) -> None:
    """Random months of paying, crediting, voiding and refunding; checked by what does not know how they were posted."""
    chance = Random(seed)
    with db.transaction() as session:
        user, other = an_administrator(), an_administrator()
        organization = buyer(a_subscription(a_plan(monthly=f"{chance.randrange(1, 900)}.{chance.randrange(100):02}")))
        bills = [an_issued_bill(organization, month) for month in (OCTOBER, NOVEMBER)]
        at = billing.final_at(NOVEMBER) + timedelta(hours=1)
        for step in range(14):
            try:
                with session.begin_nested():
                    _act(chance, chance.choice(bills), user, other, at, f"{seed}-{step}")
            except MarketError:
                continue
        found = differences()
        before = ledger.sums()
        assert not found and ledger.post_due(at) == 0
        assert ledger.sums() == before
        db.rollback()


def _act(chance: Random, bill: Bill, user: User, other: User, at: datetime, key: str) -> None:
    by, second = an_actor(user), an_actor(other)
    match chance.choice(["pay", "pay", "credit", "credit", "void", "ask", "refund", "use"]):
        case "pay":
            payment = payments.start(bill, by=by, at=at)
            payments.confirm_arrival(
                payment, amount_fen=chance.randint(1, bill.owed_fen), payer_name="甲", bank_reference=key,
                arrived_on=at.date(), user=user, by=by, at=at, partial=True,
            )  # fmt: skip
        case "credit":
            what = chance.choice([Whole(), Amount(chance.randint(1, bill.gross_fen))])
            proposal = a_credit(bill, what, user=user, key=key, at=at, destination=chance.choice(list(Destination)))
            if proposal.credit_note is None:
                credit_notes.approve(proposal, user=other, by=second, at=at)
        case "void":
            for note in db.session.scalars(select(credit_notes.CreditNote).limit(3)):
                credit_notes.void(note, reason="填错了", by=by, at=at)
        case "ask":
            credit_notes.ask(db.session.get_one(Organization, bill.organization_id), chance.randint(1, 5000), request_key=key, by=by, at=at)
        case "refund":
            for number, request in enumerate(db.session.scalars(select(RefundRequest).limit(3)).all()):
                if chance.random() < 0.4:
                    credit_notes.call_off(request, by=by, at=at)
                else:
                    credit_notes.pay(request, bank_reference=f"R{key}-{number}", paid_on=at.date(), user=user, by=by, at=at)
        case "use":
            credit_notes.use_balance(bill, at=at)
