"""What facts come to in the books."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import settings as trying
from hypothesis import strategies as st

from market.ledger import entries
from market.ledger.entries import Account, Given, Move, Share
from market.ledger.models import AccountKind as Kind

FEN = st.integers(min_value=0, max_value=10**9)


def test_a_bill_is_owed_to_its_providers() -> None:
    owed = Account(Kind.RECEIVABLE, 1)
    assert entries.issued(1, {8: 500, 7: 1000, 9: 0}) == [
        Move(owed, Account(Kind.UNPAID, 7), 1000), Move(owed, Account(Kind.UNPAID, 8), 500),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("fen", "rate", "kept"), [(10000, "0.05", 500), (10, "0.05", 1), (9, "0.05", 0), (10000, "0", 0), (10000, "1", 10000), (333, "0.025", 8)]
)
def test_the_commission_is_rounded_half_up_once(fen: int, rate: str, kept: int) -> None:
    moves = entries.paid({7: fen}, {7: rate})
    told = {move.credit.kind: move.fen for move in moves}
    assert told == {kind: part for kind, part in ((Kind.PAYABLE, fen - kept), (Kind.COMMISSION, kept)) if part}
    assert all(move.debit == Account(Kind.UNPAID, 7) and move.rate == rate for move in moves)


@trying(max_examples=80)
@given(st.lists(st.integers(min_value=1, max_value=400), max_size=12), st.decimals(min_value=0, max_value=1, places=4), st.data())
def test_whatever_is_credited_and_voided_the_commission_is_that_of_what_stands(cuts: list[int], rate: object, data: st.DataObject) -> None:
    whole = sum(cuts) + data.draw(st.integers(min_value=0, max_value=300))
    share, standing, notes = Share(str(rate)), whole, []
    share.move_to(whole)
    for cut in cuts:
        if notes and data.draw(st.booleans()):
            back = notes.pop()
            moves = entries.voided_paid(Given(1, 0, back, 0), {7: back}, {7: share})
            standing += back
        else:
            notes.append(cut)
            moves = entries.credited_paid(Given(1, 0, cut, 0), {7: cut}, {7: share})
            standing -= cut
        assert all(move.fen > 0 for move in moves)
        assert (share.fen, share.commission) == (standing, entries.commission_of(standing, str(rate)))


@trying(max_examples=80)
@given(st.lists(FEN, max_size=5), st.data())
def test_two_lists_are_paired_to_the_fen(fens: list[int], data: st.DataObject) -> None:
    whole = sum(fens)
    cuts = sorted(data.draw(st.lists(st.integers(min_value=0, max_value=whole), max_size=4)))
    other = [right - left for left, right in zip([0, *cuts], [*cuts, whole], strict=True)]
    debits = [(Account(Kind.UNPAID, number), fen) for number, fen in enumerate(fens)]
    credits = [(Account(Kind.BALANCE, number), fen) for number, fen in enumerate(other)]
    moves = list(entries.paired(debits, credits))
    for side, pairs in ((0, debits), (1, credits)):
        assert {account: sum(move.fen for move in moves if move[side] == account) for account, _ in pairs} == dict(pairs)
    assert len(moves) <= max(len(fens) + len(other) - 1, 0)


def test_lists_that_differ_are_refused() -> None:
    with pytest.raises(ValueError, match="differ"):
        list(entries.paired([(Account(Kind.CASH, "a"), 2)], [(Account(Kind.BALANCE, 1), 1)]))
