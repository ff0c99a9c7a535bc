"""The bank's lines: kept once, booked where it is certain, put before a person where it is not."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from market import accounts, audit, billing, db, ledger, payments
from market.accounts import Organization
from market.billing import Bill, BillStatus, credit_notes
from market.errors import NotFound
from market.payments import receipts, statements
from market.payments.statements import BankLine, LineStatus, Reason, StatementStatus
from market.payments.statements.matching import codes_in
from tests.builders.accounts import an_actor, an_administrator, an_organization
from tests.builders.billing import OCTOBER, an_issued_bill, buyer, moment
from tests.builders.catalog import a_plan
from tests.builders.statements import IMPORTED, a_statement, an_imported_statement
from tests.builders.subscriptions import a_subscription
from tests.support.queries import counted

pytestmark = pytest.mark.usefixtures("session")
LATER = moment("2026-11-20 12:00")


def a_bill(name: str = "甲（广州）有限公司", monthly: str = "150.00") -> Bill:
    """Of ¥150.00 that this firm owes."""
    bill = an_issued_bill(buyer(a_subscription(a_plan(monthly=monthly))), OCTOBER)
    db.session.get_one(Organization, bill.organization_id).name = name
    db.session.flush()
    return bill


def firm_of(bill: Bill) -> Organization:
    return db.session.get_one(Organization, bill.organization_id)


def row(amount: str, payer: str = "", reference: str = "BK1", remark: str = "", day: str = "2026-11-06") -> str:
    return f"{day},{amount},,{payer},{reference},{remark}"


def lines() -> Sequence[BankLine]:
    return db.session.scalars(statements.lines()).all()


def outcome(*rows: str) -> list[tuple[LineStatus, Reason]]:
    an_imported_statement(*rows)
    return [(line.status, line.reason) for line in lines()]


def code_of(bill: Bill) -> str:
    return str(payments.start(bill, by=an_actor(), at=moment("2026-11-06 12:00")).remittance_code)


class TestMatching:
    def test_name_and_amount_together_pay_the_bill(self) -> None:
        bill = a_bill()
        assert outcome(row("150.00", "甲(广州) 有限公司")) == [(LineStatus.BOOKED, Reason.EXACT)]
        assert (bill.status, bill.paid_fen) == (BillStatus.PAID, 15_000)
        [arrival] = payments.arrivals_of(bill)
        assert (arrival.bank_reference, arrival.amount_fen) == ("BK1", 15_000)

    def test_an_amount_alone_pays_nothing(self) -> None:
        bill = a_bill()
        assert outcome(row("150.00", "别的公司"), row("150.00", "", "BK2")) == [(LineStatus.UNMATCHED, Reason.UNKNOWN_PAYER)] * 2
        assert bill.paid_fen == 0

    def test_two_firms_of_one_name_are_told_apart_by_the_code(self) -> None:
        a_bill("同名公司")
        second = a_bill("同名公司")
        assert outcome(row("150.00", "同名公司")) == [(LineStatus.UNMATCHED, Reason.UNKNOWN_PAYER)]
        an_imported_statement(row("150.00", "同名公司", "BK2", f"货款 {code_of(second).lower()}"))
        assert (lines()[1].reason, second.status) == (Reason.EXACT, BillStatus.PAID)

    def test_another_amount_is_proposed(self) -> None:
        bill = a_bill()
        assert outcome(row("100.00", bill_name := "甲（广州）有限公司")) == [(LineStatus.PROPOSED, Reason.OTHER_AMOUNT)]
        assert (bill.paid_fen, lines()[0].organization_id, bill_name) == (0, bill.organization_id, "甲（广州）有限公司")

    def test_a_code_without_a_name_counts_and_with_another_name_waits(self) -> None:
        first, second = a_bill("甲公司"), a_bill("乙公司")
        rows = row("150.00", "", "BK1", code_of(first)), row("150.00", "老板本人", "BK2", code_of(second))
        assert outcome(*rows) == [(LineStatus.BOOKED, Reason.EXACT), (LineStatus.PROPOSED, Reason.OTHER_NAME)]
        assert (first.paid_fen, second.paid_fen, lines()[1].organization_id) == (15_000, 0, second.organization_id)

    def test_money_that_comes_twice_waits_for_a_person(self) -> None:
        a_bill("甲公司")
        rows = row("150.00", "甲公司", "BK1"), row("150.00", "甲公司", "BK2")
        assert outcome(*rows) == [(LineStatus.BOOKED, Reason.EXACT), (LineStatus.PROPOSED, Reason.NOTHING_OWED)]

    def test_what_was_entered_by_hand_is_recognized(self) -> None:
        bill, office = a_bill("甲公司"), an_administrator()
        payment = payments.start(bill, by=an_actor(), at=moment("2026-11-06 12:00"))
        payments.confirm_arrival(
            payment, amount_fen=15_000, payer_name="甲公司", bank_reference="BK1", arrived_on=moment("2026-11-06 12:00").date(),
            user=office, by=an_actor(office), at=moment("2026-11-06 12:00"),
        )  # fmt: skip
        assert outcome(row("150.00", "甲公司"), row("150.00", "甲公司", day="2026-11-07")) == [
            (LineStatus.BOOKED, Reason.BY_HAND), (LineStatus.UNMATCHED, Reason.REFERENCE_TAKEN),
        ]  # fmt: skip
        assert (bill.paid_fen, len(payments.arrivals_of(bill))) == (15_000, 1)

    def test_the_same_number_on_another_day_is_another_transfer(self) -> None:
        bill, office = a_bill("甲公司"), an_administrator()
        payment = payments.start(bill, by=an_actor(), at=moment("2026-11-06 12:00"))
        payments.confirm_arrival(
            payment, amount_fen=15_000, payer_name="甲公司", bank_reference="0001", arrived_on=moment("2026-11-06 12:00").date(),
            user=office, by=an_actor(office), at=moment("2026-11-06 12:00"),
        )  # fmt: skip
        a_bill("乙公司")
        assert outcome(row("150.00", "乙公司", "0001", day="2026-11-07")) == [(LineStatus.UNMATCHED, Reason.REFERENCE_TAKEN)]

    def test_a_code_is_found_however_it_is_written(self) -> None:
        code = payments.remittance.new_code()
        for remark in (code, f"货款{code[:4]} {code[4:]}尾款", f"附言：{code.lower()}", f"REF99{code}"):
            assert code in codes_in(remark)
        assert codes_in("货款 2026") == []


class TestImport:
    def test_a_line_is_kept_once_whatever_file_brings_it(self) -> None:
        first = an_imported_statement(row("1.00", "甲"), row("2.00", "甲", ""), row("2.00", "甲", ""), "2026-11-06,,9.00,手续费,BK9,")
        again = an_imported_statement(row("1.00", "甲", remark="另一种写法"), row("2.00", "甲", ""), row("x", "甲"), row("3.00", "乙", "BK3"), row("3.00", "乙", "BK3"))
        assert (first.taken, first.known, again.taken, again.known, again.faulty) == (4, 0, 2, 2, 1)
        assert len(lines()) == 5

    def test_zeros_are_no_number(self) -> None:
        """Many banks fill the column of their slip's number with them; files that overlap come in any order."""
        for name in ("甲公司", "乙公司"):
            a_bill(name)
        first, second = row("150.00", "甲公司", "00000000"), row("150.00", "乙公司", "00000000")
        an_imported_statement(first)
        again = an_imported_statement(second, first)
        assert ((again.taken, again.known), [line.payer_name for line in lines()]) == ((1, 1), ["甲公司", "乙公司"])

    def test_two_transfers_with_one_number_are_two(self) -> None:
        first, second = a_bill("甲公司"), a_bill("乙公司")
        rows = row("150.00", "甲公司", "PZ1"), row("150.00", "乙公司", "PZ1")
        assert [(each.taken, each.known) for each in (an_imported_statement(*rows), an_imported_statement(*rows, at=LATER))] == [(2, 0), (0, 2)]
        assert (first.status, second.status) == (BillStatus.PAID, BillStatus.PAID)

    def test_one_number_of_two_payers_is_two_in_files_that_overlap_too(self) -> None:
        first, second = a_bill("甲公司"), a_bill("乙公司")
        one, other = row("150.00", "甲公司", "PZ1"), row("150.00", "乙公司", "PZ1")
        files = [an_imported_statement(*rows, at=LATER) for rows in ([one], [other], [other, one], [one, other])]
        assert [(each.taken, each.known) for each in files] == [(1, 0), (1, 0), (0, 2), (0, 2)]
        line, user = lines()[1], an_administrator()
        assert (first.status, line.reason, line.payer_name) == (BillStatus.PAID, Reason.REFERENCE_TAKEN, "乙公司")
        statements.attach(line, firm_of(second), remember=False, user=user, by=an_actor(user), at=LATER)
        statements.allocate(line, {second.id: 15_000}, user=user, by=an_actor(user), at=LATER)
        assert second.status is BillStatus.PAID

    def test_firms_are_held_in_one_order_whatever_that_of_the_file(self, monkeypatch: pytest.MonkeyPatch) -> None:
        first, second = a_bill("甲公司"), a_bill("乙公司")
        held: list[int] = []
        monkeypatch.setattr(accounts, "lock", held.append)
        an_imported_statement(row("150.00", "乙公司", "BK1"), row("150.00", "甲公司", "BK2"))
        assert list(dict.fromkeys(held)) == sorted([first.organization_id, second.organization_id])

    def test_a_line_that_nobody_knows_costs_one_statement(self) -> None:
        few, more = ([row("1.00", "谁", f"{many}-{number}") for number in range(many)] for many in (2, 12))
        an_imported_statement(row("1.00", "谁", "first"))
        with counted(at_most=60) as asked:
            an_imported_statement(*few)
        with counted(at_most=len(asked) + 10):
            an_imported_statement(*more, at=LATER)

    def test_looking_writes_nothing_and_foretells_what_happens(self) -> None:
        bill = a_bill("甲公司")
        statement = a_statement(row("150.00", "甲公司"), row("150.00", "甲公司", "BK2"), row("5", "丙", "BK3"))
        seen = statements.preview(statement, at=IMPORTED)
        assert [one.match.reason for one in seen.lines if one.match] == [Reason.EXACT, Reason.NOTHING_OWED, Reason.UNKNOWN_PAYER]
        assert (bill.paid_fen, lines()) == (0, [])

    def test_signs_that_are_turned_round_are_noticed_and_remembered(self) -> None:
        statement = a_statement("2026-11-06,-5,,甲,BK1,")
        assert statements.preview(statement, at=IMPORTED).turned
        statements.read_as(statement, statement.columns, reversed=True, account="6222 0000", by=an_actor(), at=IMPORTED)
        assert not statements.preview(statement, at=IMPORTED).turned
        user = an_administrator()
        statements.take_in(statement, user=user, by=an_actor(user), at=IMPORTED)
        other = a_statement("2026-11-07,-6,,甲,BK2,")
        assert (other.reversed, other.account, lines()[0].amount_fen) == (True, "6222 0000", 500)

    def test_a_file_is_finished_once(self) -> None:
        statement, user = a_statement(row("1.00")), an_administrator()
        assert a_statement(row("1.00")) is statement
        with pytest.raises(statements.LayoutIncomplete):
            statements.read_as(statement, {"amount": 1}, reversed=False, account="1", by=an_actor(), at=IMPORTED)
        statements.discard(statement, by=an_actor(user), at=LATER)
        assert (statement.status, lines()) == (StatementStatus.DISCARDED, [])
        with pytest.raises(statements.StatementFinished):
            statements.take_in(statement, user=user, by=an_actor(user), at=LATER)


def proposed(amount: str, *bills: Bill) -> BankLine:
    """A transfer of the firm that these bills are of."""
    an_imported_statement(row(amount, firm_of(bills[0]).name))
    return statements.line_by_id(lines()[0].id)


class TestGoingOut:
    def test_one_transfer_out_is_a_return_or_a_refund_and_no_two_returns(self) -> None:
        user, firm = an_administrator(), an_organization()
        by, today = an_actor(user), LATER.date()
        an_imported_statement(row("10.00", "谁"), row("20.00", "谁", "BK2"))
        first, second = (statements.line_by_id(line.id) for line in lines())
        statements.give_back(first, reference="OUT1", note="不认识", user=user, by=by, at=LATER)
        credit_notes.deposit(firm, 2_000, by=by, at=LATER)
        one, other = (credit_notes.ask(firm, 1_000, request_key=key, by=by, at=LATER) for key in "ab")
        with pytest.raises(credit_notes.RefundReferenceTaken):
            statements.pay_refund(one, bank_reference="OUT1", paid_on=today, user=user, by=by, at=LATER)
        statements.pay_refund(other, bank_reference="OUT2", paid_on=today, user=user, by=by, at=LATER)
        for reference in ("OUT1", "OUT2"):
            with pytest.raises(statements.AllocationInvalid):
                statements.give_back(second, reference=reference, note="不认识", user=user, by=by, at=LATER)


class TestSettling:
    def test_a_proposal_pays_the_oldest_first_and_the_rest_is_balance(self) -> None:
        bill = a_bill()
        line, user = proposed("200.00", bill), an_administrator()
        parts = statements.proposal(line, list(billing.due_bills_of(firm_of(bill))))
        statements.allocate(line, parts, user=user, by=an_actor(user), at=LATER)
        assert (parts, bill.status, credit_notes.balance(firm_of(bill))) == ({bill.id: 15_000}, BillStatus.PAID, 5_000)
        db.session.expire(line, ["allocations"])
        went = statements.line_by_id(line.id).allocations
        assert (line.status, [part.amount_fen for part in went]) == (LineStatus.BOOKED, [15_000, 5_000])
        assert [event.action for event in db.session.scalars(audit.events().limit(30))].count("balance.deposited") == 1
        with pytest.raises(statements.LineFinished):
            statements.allocate(line, parts, user=user, by=an_actor(user), at=LATER)

    def test_a_part_is_paid_in_parts(self) -> None:
        bill = a_bill()
        line, user = proposed("100.00", bill), an_administrator()
        statements.allocate(line, {bill.id: 4_000}, user=user, by=an_actor(user), at=LATER)
        assert (bill.status, bill.owed_fen, credit_notes.balance(firm_of(bill))) == (BillStatus.PART_PAID, 11_000, 6_000)

    def test_what_no_bill_asks_for_has_a_receipt_that_names_the_transfer(self) -> None:
        bill = a_bill("甲公司")
        line, user = proposed("200.00", bill), an_administrator()
        statements.allocate(line, {bill.id: 15_000}, user=user, by=an_actor(user), at=LATER)
        surplus, part = db.session.scalars(payments.receipts_of(firm_of(bill))).all()
        seen = receipts.view(payments.receipt_of(firm_of(bill), surplus.id))
        assert (seen.reference, seen.payer, seen.total, [row.what for row in seen.rows]) == ("BK1#2", "甲公司", "50.00", ["记入余额"])
        assert (surplus.id > part.id, list(ledger.verify())) == (True, [])
        with pytest.raises(NotFound):
            payments.transfer_by_id(surplus.id)

    @pytest.mark.parametrize(("fen", "words"), [(-1, "不能是负数"), (15_001, "只要付 ¥150.00"), (15_000, "比到账的 ¥100.00 多")])
    def test_more_than_there_is_goes_nowhere(self, fen: int, words: str) -> None:
        bill = a_bill()
        line, user = proposed("100.00", bill), an_administrator()
        with pytest.raises(statements.AllocationInvalid) as refused:
            statements.allocate(line, {bill.id: fen}, user=user, by=an_actor(user), at=LATER)
        assert words in str(refused.value.fields[f"bill-{bill.id}"])
        assert bill.paid_fen == 0

    def test_a_name_is_remembered_for_one_firm(self) -> None:
        bill, other, user = a_bill("甲公司"), an_organization(), an_administrator()
        an_imported_statement(row("150.00", "老板本人"), row("1.00", "老板本人", "BK2"))
        first, second = lines()
        with pytest.raises(statements.NobodysLine):
            statements.allocate(first, {}, user=user, by=an_actor(user), at=LATER)
        statements.attach(first, firm_of(bill), remember=True, user=user, by=an_actor(user), at=LATER)
        with pytest.raises(statements.PayerNameTaken, match="甲公司"):
            statements.attach(second, other, remember=True, user=user, by=an_actor(user), at=LATER)
        an_imported_statement(row("150.00", "老板 本人", "BK7"))
        assert (lines()[2].reason, bill.status) == (Reason.EXACT, BillStatus.PAID)
        statements.detach(first, by=an_actor(user), at=LATER)
        assert (first.status, first.organization_id) == (LineStatus.UNMATCHED, None)

    def test_money_goes_back_once(self) -> None:
        user = an_administrator()
        an_imported_statement(row("1.00", "甲"), row("2.00", "甲", "BK2"))
        first, second = lines()
        statements.give_back(first, reference=" R1 ", note="不认识", user=user, by=an_actor(user), at=LATER)
        assert (first.status, first.return_reference) == (LineStatus.RETURNED, "R1")
        for line, reference, refusal in ((first, "R2", statements.LineFinished), (second, "R1", statements.AllocationInvalid), (second, "", statements.AllocationInvalid)):
            with pytest.raises(refusal):
                statements.give_back(line, reference=reference, note="", user=user, by=an_actor(user), at=LATER)
