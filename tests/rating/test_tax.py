"""Tax-inclusive lines split into net and tax, per provider and rate, so that everything re-adds."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from market import rating
from market.kit import money

SIX, THREE = Decimal("0.06"), Decimal("0.03")
LINES = st.lists(
    st.tuples(
        st.sampled_from(["甲", "乙", "丙"]),
        st.integers(-(10**9), 10**9),
        st.sampled_from([Decimal(0), Decimal("0.01"), THREE, SIX, Decimal("0.13")]),
    ),
    max_size=20,
)


def test_one_hundred_and_fifty_at_six_percent_is_141_51_and_8_49():
    split = rating.split_tax([("甲", 15000, SIX)])
    assert (split.net, split.tax, split.gross) == (14151, 849, 15000)


def test_every_provider_and_rate_is_a_group_of_its_own_in_order_of_appearance():
    split = rating.split_tax([("乙", 10300, THREE), ("甲", 9900, SIX), ("乙", 10600, SIX), ("乙", 20600, THREE)])
    assert [(group.key, group.rate, group.gross, group.net, group.tax) for group in split.groups] == [
        ("乙", THREE, 30900, 30000, 900),
        ("甲", SIX, 9900, 9340, 560),
        ("乙", SIX, 10600, 10000, 600),
    ]
    assert [line.gross for line in split.lines] == [10300, 9900, 10600, 20600]


def test_the_group_is_rounded_and_the_lines_follow():
    split = rating.split_tax([("甲", 1, SIX)] * 9)
    assert (split.net, split.tax) == (8, 1)
    assert [line.net for line in split.lines] == [1, 1, 1, 1, 1, 1, 1, 1, 0]


def test_a_charge_and_its_full_credit_leave_no_tax():
    split = rating.split_tax([("甲", 15000, SIX), ("甲", -15000, SIX)])
    assert (split.net, split.tax) == (0, 0)
    assert [(line.net, line.tax) for line in split.lines] == [(14151, 849), (-14151, -849)]


def test_an_empty_bill_has_no_tax():
    split = rating.split_tax([])
    assert (split.groups, split.lines, split.tax) == ((), (), 0)


@given(LINES)
def test_lines_add_up_to_groups_and_groups_to_the_bill(lines):
    split = rating.split_tax(lines)
    assert [line.gross for line in split.lines] == [gross for _, gross, _ in lines]
    assert all(part.net + part.tax == part.gross for part in (*split.lines, *split.groups))
    for group in split.groups:
        mine = [line for line, (key, _, rate) in zip(split.lines, lines, strict=True) if (key, rate) == (group.key, group.rate)]
        assert sum(line.net for line in mine) == group.net == money.net_and_tax(group.gross, group.rate)[0]
        assert sum(line.tax for line in mine) == group.tax
    assert split.net + split.tax == split.gross == sum(gross for _, gross, _ in lines)


@given(LINES)
def test_a_line_differs_from_its_own_split_by_a_fen_at_most(lines):
    for line, (_, gross, rate) in zip(rating.split_tax(lines).lines, lines, strict=True):
        assert abs(line.net - money.net_and_tax(gross, rate)[0]) <= 1
