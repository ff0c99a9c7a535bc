"""What a balance is made of: what was given is spent first and ends, what was bought can go back."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from alembic import command
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from market import db, ledger, schema
from market.accounts import Organization
from market.billing import Bill, BillStatus, credit_notes
from market.billing.credit_notes import (
    Amount,
    BalanceLot,
    Destination,
    FourEyes,
    GrantInvalid,
    LotKind,
    TooMuchCredited,
    Whole,
    spending,
)
from market.billing.credit_notes.spending import Lot
from market.ledger import AccountKind
from tests.builders.accounts import an_actor, an_administrator, an_organization
from tests.builders.balances import NOON, a_deposit, a_grant, transferred
from tests.builders.billing import NOVEMBER, an_issued_bill, moment
from tests.builders.credit_notes import a_note, an_open_bill


class TestOrder:
    def test_what_was_given_goes_first_then_what_ends_first_then_the_oldest(self) -> None:
        lots = [
            Lot(1, False, 10), Lot(2, True, 10, date(2027, 1, 1)), Lot(3, True, 10, date(2026, 12, 1)),
            Lot(4, False, 10), Lot(5, True, 10, date(2026, 12, 1)),
        ]  # fmt: skip
        assert [lot.id for lot in spending.in_order(lots)] == [3, 5, 2, 1, 4]
        assert spending.taken(lots, 35) == {3: 10, 5: 10, 2: 10, 1: 5}

    def test_the_last_day_counts_whole(self) -> None:
        lot = Lot(1, True, 10, date(2026, 12, 1))
        assert spending.usable([lot], date(2026, 12, 1)) == [lot] and spending.usable([lot], date(2026, 12, 2)) == []

    @given(st.lists(st.integers(1, 99), min_size=1, max_size=6), st.lists(st.integers(1, 120), max_size=8))
    def test_however_it_is_given_back_each_lot_gets_what_was_taken_from_it(self, taken: list[int], cuts: list[int]) -> None:
        spent, back = list(enumerate(taken)), dict[int, int]()
        for cut in cuts:
            for lot, fen in spending.restored(spent, back, cut).items():
                back[lot] = back.get(lot, 0) + fen
        assert all(back.get(lot, 0) <= fen for lot, fen in spent)
        assert sum(back.values()) == min(sum(cuts), sum(taken))
        # What was spent last is back before anything of what was spent earlier.
        touched = [lot for lot, fen in spent if back.get(lot)]
        assert all(back[lot] == taken[lot] for lot in touched[1:])


def left(organization: Organization) -> list[tuple[str, int]]:
    return [(lot.kind.value, lot.rest_fen) for lot in credit_notes.left_of(organization)]


def stands(kind: AccountKind) -> int:
    return sum(fen for (one, _), fen in ledger.sums().items() if one is kind)


def sound() -> bool:
    db.session.flush()
    assert list(ledger.verify()) == []
    return True


@pytest.mark.usefixtures("session")
class TestSpending:
    def test_a_bill_takes_what_was_given_before_what_was_bought(self) -> None:
        bill = an_open_bill("150.00")
        a_deposit(bill.organization, 10000)
        a_grant(bill.organization, 8000, "2027-01-31")
        a_grant(bill.organization, 3000, "2026-11-30")
        assert credit_notes.use_balance(bill, at=NOON, most_fen=5000) == 5000
        assert left(bill.organization) == [("granted", 6000), ("purchased", 10000)]
        assert (stands(AccountKind.GRANTED), stands(AccountKind.BALANCE), stands(AccountKind.GRANTS)) == (6000, 10000, 11000)
        assert credit_notes.use_balance(bill, at=NOON) == 10000
        assert (bill.status, left(bill.organization)) == (BillStatus.PAID, [("purchased", 6000)])
        assert sound()

    def test_only_what_was_bought_can_be_paid_out(self) -> None:
        firm = an_organization()
        a_deposit(firm, 2000)
        a_grant(firm, 8000)
        assert (credit_notes.balance(firm), credit_notes.purchased(firm)) == (10000, 2000)
        with pytest.raises(TooMuchCredited):
            credit_notes.ask(firm, 2001, request_key="much", by=an_actor(), at=NOON)
        request = credit_notes.ask(firm, 2000, request_key="all", by=an_actor(), at=NOON)
        assert left(firm) == [("granted", 8000)]
        credit_notes.call_off(request, by=an_actor(), at=NOON)
        # It is in the lot it came from: there is no new one.
        assert left(firm) == [("granted", 8000), ("purchased", 2000)]
        assert len(db.session.scalars(select(BalanceLot)).all()) == 2
        assert sound()


@pytest.mark.usefixtures("session")
class TestGivenBack:
    def bill_paid_by_everything(self) -> Bill:
        """¥150: ¥50 that were given, ¥40 of her own balance, ¥60 by transfer."""
        bill = an_open_bill("150.00")
        a_deposit(bill.organization, 4000)
        a_grant(bill.organization, 5000)
        credit_notes.use_balance(bill, at=NOON)
        return transferred(bill)

    def test_money_comes_back_first_then_the_lots_in_the_order_they_were_spent_backwards(self) -> None:
        bill = self.bill_paid_by_everything()
        firm = bill.organization
        a_note(bill, Amount(5000))
        assert left(firm) == [("purchased", 5000)]
        a_note(bill, Amount(4000))
        assert left(firm) == [("purchased", 3000), ("purchased", 5000), ("purchased", 1000)]
        a_note(bill, Whole())
        assert left(firm) == [("granted", 5000), ("purchased", 4000), ("purchased", 5000), ("purchased", 1000)]
        assert (stands(AccountKind.GRANTED), stands(AccountKind.BALANCE), credit_notes.purchased(firm)) == (5000, 10000, 10000)
        assert sound()

    def test_only_money_goes_back_to_the_account(self) -> None:
        bill = self.bill_paid_by_everything()
        note = a_note(bill, Whole(), destination=Destination.REFUND)
        assert (note.refund_fen, note.balance_fen) == (6000, 9000)
        assert left(bill.organization) == [("granted", 5000), ("purchased", 4000)]
        assert sound()

    def test_a_void_takes_from_the_lots_that_the_note_had_filled(self) -> None:
        bill = self.bill_paid_by_everything()
        note = a_note(bill, Amount(12000))
        assert left(bill.organization) == [("granted", 2000), ("purchased", 4000), ("purchased", 6000)]
        credit_notes.void(note, reason="填错了", by=an_actor(), at=NOON)
        assert left(bill.organization) == [] and stands(AccountKind.GRANTED) == 0
        assert a_note(bill, Amount(7000)).balance_fen == 7000
        assert left(bill.organization) == [("purchased", 1000), ("purchased", 6000)]
        assert sound()


@pytest.mark.usefixtures("session")
class TestGrants:
    def test_a_large_one_waits_for_somebody_else_and_small_ones_add_up(self) -> None:
        firm, user, other = an_organization(), an_administrator(), an_administrator()
        assert a_grant(firm, 30000, user=user).status.value == "approved"
        waiting = a_grant(firm, 30000, user=user)
        assert (waiting.status.value, credit_notes.balance(firm)) == ("proposed", 30000)
        with pytest.raises(FourEyes):
            credit_notes.approve_grant(waiting, user=user, by=an_actor(user), at=NOON)
        credit_notes.approve_grant(waiting, user=other, by=an_actor(other), at=NOON)
        assert credit_notes.balance(firm) == 60000
        refused = a_grant(firm, 60000, user=user)
        credit_notes.reject_grant(refused, answer="太多", user=other, by=an_actor(other), at=NOON)
        assert credit_notes.balance(firm) == 60000 and sound()

    def test_sent_twice_it_is_one(self) -> None:
        firm, user = an_organization(), an_administrator()
        assert a_grant(firm, 100, user=user, request_key="one") is a_grant(firm, 100, user=user, request_key="one")
        assert credit_notes.balance(firm) == 100

    @pytest.mark.parametrize(("field", "changed"), [("amount_fen", {"fen": 0}), ("reason", {"reason": None}), ("note", {"note": " "}), ("expires_on", {"until": "2026-11-05"}), ("expires_on", {"until": "2036-11-05"})])
    def test_what_cannot_be_is_refused(self, field: str, changed: dict[str, object]) -> None:
        with pytest.raises(GrantInvalid) as refusal:
            a_grant(an_organization(), **changed)  # type: ignore[arg-type]  # as the test says it
        assert set(refusal.value.fields) == {field}


def test_what_was_given_is_announced_once_and_gone_after_its_day(database: None) -> None:
    told: list[int] = []

    def hear(organization: Organization, *, lots: list[BalanceLot], **_: object) -> None:
        told.extend(lot.rest_fen for lot in lots)

    with db.transaction():
        firm = an_organization()
        a_grant(firm, 5000, "2026-11-30")
        a_grant(firm, 700, "2026-12-31")
        a_deposit(firm, 300)
    with credit_notes.balance_expiring.connected_to(hear):
        for day in (15, 16, 17):
            credit_notes.expire_due(moment(f"2026-11-{day} 12:00"))
    assert told == [5000]
    assert credit_notes.expire_due(moment("2026-11-30 23:59")) == 0
    assert credit_notes.expire_due(moment("2026-12-01 00:00")) == 1
    assert credit_notes.expire_due(moment("2026-12-01 00:01")) == 0
    with db.transaction(readonly=True):
        firm = db.session.get_one(Organization, firm.id)
        assert left(firm) == [("granted", 700), ("purchased", 300)] and credit_notes.balance(firm) == 1000
        assert (stands(AccountKind.GRANTED), stands(AccountKind.GRANTS)) == (700, 700) and sound()


@pytest.mark.usefixtures("session")
def test_a_bill_is_never_paid_with_what_has_ended() -> None:
    bill = an_open_bill("150.00")
    a_grant(bill.organization, 5000, "2026-11-30")
    a_deposit(bill.organization, 1000)
    november = an_issued_bill(bill.organization, NOVEMBER)  # issued in December, before any worker looked
    assert november.paid_fen == 1000
    assert [entry.kind.value for entry in db.session.scalars(credit_notes.entries(bill.organization))][:2] == ["applied", "expired"]
    assert sound()


@pytest.mark.usefixtures("session")
def test_what_goes_back_to_a_lot_that_has_ended_ends_with_it() -> None:
    bill = an_open_bill("50.00")
    a_grant(bill.organization, 5000, "2026-11-30")
    credit_notes.use_balance(bill, at=NOON)
    a_note(bill, Whole(), at=moment("2026-12-05 12:00"))
    assert credit_notes.balance(bill.organization) == 5000 and credit_notes.spendable(bill.organization_id, moment("2026-12-05 12:00")) == 0
    november = an_issued_bill(bill.organization, NOVEMBER)
    assert november.paid_fen == 0 and credit_notes.balance(bill.organization) == 0 and sound()


class TestTheDatabase:
    FORBIDDEN = (
        "UPDATE balance_lots SET amount_fen = amount_fen + 1", "UPDATE balance_lots SET kind = 'purchased', expires_on = NULL, grant_id = NULL",
        "UPDATE balance_lots SET expires_on = '2030-01-01'", "DELETE FROM balance_lots", "UPDATE balance_lot_moves SET amount_fen = 1",
        "DELETE FROM balance_lot_moves", "UPDATE balance_grants SET amount_fen = 1", "DELETE FROM balance_grants",
    )  # fmt: skip

    def test_what_was_written_stays(self, session: Session) -> None:
        a_grant(an_organization())
        for statement in self.FORBIDDEN:
            with pytest.raises(DBAPIError, match="stay as issued"), db.session.begin_nested():
                db.session.execute(text(statement))

    def test_a_lot_is_never_less_than_nothing_or_more_than_it_was(self, session: Session) -> None:
        a_deposit(an_organization(), 500)
        for fen in (-1, 501):
            with pytest.raises(DBAPIError), db.session.begin_nested():
                    db.session.execute(text(f"UPDATE balance_lots SET rest_fen = {fen}"))

    def test_verify_names_a_lot_that_the_movements_contradict(self, session: Session) -> None:
        firm = an_organization()
        a_deposit(firm, 500)
        db.session.execute(text("UPDATE balance_lots SET rest_fen = 400"))
        found = {(each.about, each.field) for each in ledger.verify()}
        assert {(f"organization {firm.id}", "lots"), (f"balance {firm.id}", "balance")} <= found and any(about.startswith("balance lot") for about, _ in found)


def test_ending_soon_is_listed_the_first_first(session: Session) -> None:
    firm = an_organization()
    a_grant(firm, 5000, "2026-12-31")
    a_grant(firm, 700, "2026-11-10")
    a_grant(firm, 600, "2027-06-30")
    ending = db.session.scalars(credit_notes.ending(NOON, within=timedelta(days=90))).all()
    assert [(lot.rest_fen, lot.kind) for lot in ending] == [(700, LotKind.GRANTED), (5000, LotKind.GRANTED)]


@pytest.mark.every_database
def test_balances_from_before_become_lots_that_hold_the_same(database: None) -> None:
    with db.transaction():
        bill = transferred(an_open_bill("150.00"))
        first, second = a_note(bill, Amount(5000)), a_note(bill, Amount(3000))
        request = credit_notes.ask(bill.organization, 4000, request_key="one", by=an_actor(), at=NOON)
        credit_notes.void(second, reason="填错了", by=an_actor(), at=NOON)
        credit_notes.call_off(request, by=an_actor(), at=NOON)
        assert first.balance_fen == credit_notes.balance(bill.organization) == 5000
    config = schema.alembic_config()
    with db.engine().begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0004")
    schema.upgrade()
    ledger.post_due(NOON)
    with db.transaction(readonly=True):
        firm = db.session.get_one(Organization, bill.organization_id)
        # What had come back from the refund was an entry of its own then.
        assert left(firm) == [("purchased", 1000), ("purchased", 4000)] and sound()
