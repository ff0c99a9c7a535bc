"""Cutting amounts out of bills: three limits at once, and net and tax that re-add."""

from __future__ import annotations

from decimal import Decimal
from itertools import groupby

from hypothesis import given, settings
from hypothesis import strategies as st

from market import rating
from market.billing.credit_notes.cutting import Piece, Service, Standing, given_back, greedy

BIGGEST = 10**15


def a_standing(lines: list[tuple[int, int, str]]) -> Standing:
    """A bill of lines (provider, gross fen, rate), split as a real one is."""
    split = rating.split_tax([(provider, gross, Decimal(rate)) for provider, gross, rate in lines])
    pieces = tuple(
        Piece(id, (provider, rate), gross, taxed.net, 0, 0, gross)
        for id, ((provider, gross, rate), taxed) in enumerate(zip(lines, split.lines, strict=True), start=1)
        if gross > 0
    )
    groups = {(group.key, str(group.rate)): group.gross for group in split.groups}
    return Standing(pieces, groups)


_bills = st.lists(
    st.tuples(st.integers(1, 3), st.one_of(st.integers(1, 300), st.integers(1, BIGGEST)), st.sampled_from(["0.06", "0.13", "0"])),
    min_size=1, max_size=8,
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(_bills, st.data())
def test_however_a_bill_is_cut_up_its_parts_re_add_and_never_exceed_it(lines: list[tuple[int, int, str]], data: st.DataObject) -> None:
    first = stands = a_standing(lines)
    notes: list[tuple[int, int, int]] = []
    while stands.fen:
        fen = stands.fen if len(notes) > 20 else data.draw(st.integers(1, stands.fen))
        cuts = stands.spread(fen)
        assert stands.fits(cuts) and sum(cuts.values()) == fen
        notes += [(piece.line_id, *piece.cut(cuts[piece.line_id])) for piece in stands.pieces if piece.line_id in cuts]
        stands = stands.take(cuts)
    assert all(net >= 0 and tax >= 0 for _id, net, tax in notes)
    whole = {piece.line_id: (piece.net, piece.gross - piece.net) for piece in first.pieces}
    for id, mine in groupby(sorted(notes), key=lambda note: note[0]):
        parts = list(mine)
        assert (sum(net for _, net, _ in parts), sum(tax for *_, tax in parts)) == whole[id]


def test_a_fen_of_a_line_of_two_fen_leaves_the_other_fen_its_tax() -> None:
    stands = a_standing([(1, 2, "0.06")])
    first = stands.pieces[0].cut(1)
    second = stands.take({1: 1}).pieces[0].cut(1)
    assert (first[0] + second[0], first[1] + second[1]) == (2, 0)


def test_a_line_gives_no_more_than_its_provider_came_to() -> None:
    stands = a_standing([(1, 100, "0.06"), (1, -70, "0.06"), (2, 50, "0.06")])
    assert (stands.fen, stands.by_line()[1], stands.fits({1: 31})) == (80, 30, False)
    assert stands.spread(80) == {1: 30, 3: 50}


def test_what_is_more_than_is_left_does_not_fit() -> None:
    stands = a_standing([(1, 100, "0.06")])
    assert [stands.fits(cuts) for cuts in ({}, {1: 0}, {1: -1}, {1: 101}, {7: 1}, {1: 100})] == [False] * 5 + [True]


def test_money_given_back_on_a_later_bill_counts_for_the_line_that_had_charged_it() -> None:
    october, november = (0, 31), (31, 61)
    lines = [Service(1, 7, 3, *october, 500), Service(2, 7, 3, *november, 500), Service(3, 7, 3, *october, -200), Service(4, 7, 4, *october, -9)]
    assert dict(given_back(lines)) == {1: 200}


def test_money_comes_from_the_own_line_first_and_then_from_the_newest_bill() -> None:
    old, new = a_standing([(1, 60, "0.06")]), a_standing([(1, 500, "0.06"), (2, 500, "0.06")])
    assert greedy([(20, new), (10, old)], (1, "0.06"), [], 520) == {20: {1: 500}, 10: {1: 20}}
    mine = Standing(tuple(Piece(9, *rest) for rest in [((1, "0.06"), 60, 57, 0, 0, 60)]), {(1, "0.06"): 60})
    assert greedy([(20, new), (10, mine)], (1, "0.06"), [9], 100) == {10: {9: 60}, 20: {1: 40}}
