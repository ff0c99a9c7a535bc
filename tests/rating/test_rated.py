"""What a quantity costs: exact, rounded once, with a working that adds up."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market import rating
from market.kit import money
from market.rating import Flat, Graduated, PerUnit, Share, Tier, Transactions
from tests.rating import reference
from tests.rating.examples import (
    ALLOWANCES,
    ANY_USE,
    FLATS,
    METERED,
    PACKAGES,
    PER_UNITS,
    PERCENTAGES,
    QUANTITIES,
    SMALL_QUANTITIES,
    TERMS,
    TRANSACTIONS,
    UNIT_PRICES,
    graduated,
    limited,
    monthly,
    package,
    per_unit,
    percentage,
    tiers,
    volume,
)

SHARES = st.integers(1, 31).flatmap(lambda full: st.integers(0, full).map(lambda days: Share(Fraction(days, full), days, full)))


def fen(terms, quantity, share=Fraction(1)):
    return rating.rate(terms, Decimal(quantity), share=share).fen


@pytest.mark.parametrize(
    ("terms", "quantity", "expected"),
    [
        (per_unit("0.5"), "286", 14300),
        (per_unit("0.5", included="200"), "486", 14300),
        (per_unit("0.5", included="200"), "200", 0),
        (per_unit("0.5", included="200"), "3.5", 0),
        (per_unit("0.12"), "0", 0),
        (per_unit("0.00000001"), "999999999999.999999", 1000000),
        (per_unit("0.01"), "150.15", 150),
        (per_unit("0.01"), "150.5", 151),
        (graduated(("1000", "0.1"), (None, "0.05")), "600", 6000),
        (graduated(("1000", "0.1"), (None, "0.05")), "1000", 10000),
        (graduated(("1000", "0.1"), (None, "0.05")), "1500", 12500),
        (graduated(("1000", "0.1", "5"), (None, "0.05", "8")), "0", 0),
        (graduated(("1000", "0.1", "5"), (None, "0.05", "8")), "0.000001", 500),
        (graduated(("1000", "0.1", "5"), (None, "0.05", "8")), "1000", 10500),
        (graduated(("1000", "0.1", "5"), (None, "0.05", "8")), "1001", 11305),
        (graduated(("10", "1"), (None, "2"), included="5"), "17", 1400),
        (volume(("15", "10"), (None, "5")), "15", 15000),
        (volume(("15", "10"), (None, "5")), "15.000001", 7500),
        (volume(("15", "10"), (None, "5")), "16", 8000),
        (volume(("15", "10", "3"), (None, "5", "7")), "16", 8700),
        (volume(("15", "10", "3"), (None, "5", "7")), "0", 0),
        (volume(("15", "10"), (None, "5"), included="5"), "20", 15000),
        (package("1000", "5"), "0", 0),
        (package("1000", "5"), "0.000001", 500),
        (package("1000", "5"), "1000", 500),
        (package("1000", "5"), "1000.000001", 1000),
        (package("1000", "5", included="1000"), "2500", 1000),
        (package("0.5", "0.01"), "1.6", 4),
        (monthly("99"), "1", 9900),
        (monthly("99"), "0", 9900),
        (Flat(Decimal("5000"), "once"), "1", 500000),
        (Flat(Decimal("0.01"), "year"), "7", 1),
    ],
)
def test_a_quantity_costs_what_its_terms_say(terms, quantity, expected):
    assert fen(terms, quantity) == expected


def test_a_tenth_of_a_fen_nine_times_a_minute_is_38880_fen_after_thirty_days():
    calls = 9 * 60 * 24 * 30
    assert fen(per_unit("0.001"), calls) == 38880


def test_one_more_unit_into_the_cheaper_volume_tier_gives_money_back():
    terms = volume(("15", "10"), (None, "5"))
    assert fen(terms, 16) - fen(terms, 15) == -7000


@pytest.mark.parametrize(
    ("terms", "quantity", "expected"),
    [
        (monthly("99"), "1", Fraction(99 * 20, 31)),
        (Flat(Decimal("5000"), "once"), "1", Fraction(5000)),
        (per_unit("0.5", included="310"), "486", Fraction(286, 2)),
        (per_unit("0.12", included="500"), "486", (486 - Fraction(500 * 20, 31)) * Fraction("0.12")),
        (per_unit("0.12"), "486", Fraction("58.32")),
        (graduated(("31", "1"), (None, "2")), "30", Fraction(40)),
        (graduated(("31", "1", "31"), (None, "2", "62")), "30", Fraction(40 + 20 + 40)),
        (volume(("31", "2"), (None, "1")), "20", Fraction(40)),
        (volume(("31", "2"), (None, "1")), "21", Fraction(21)),
        (package("1000", "5", included="3100"), "2500", Fraction(5)),
    ],
)
def test_twenty_of_thirty_one_days_scale_fees_allowances_and_bounds_but_no_unit_price(terms, quantity, expected):
    assert rating.rate(terms, Decimal(quantity), share=Fraction(20, 31)).exact == expected


def test_the_result_names_allowance_and_billable_part():
    rated = rating.rate(per_unit("0.5", included="310"), Decimal("486"), share=Fraction(20, 31))
    assert (rated.quantity, rated.included, rated.billable) == (Decimal(486), Decimal(200), Decimal(286))


def test_unreduced_days_are_kept_for_the_reader():
    half = Share(Fraction(15, 30), 15, 30)
    assert rating.rate(monthly("99"), Decimal(1), share=half).steps[0].days == "15/30"


@pytest.mark.parametrize(("quantity", "share"), [("-1", "1"), ("1", "-1")])
def test_negative_quantities_and_shares_are_programming_errors(quantity, share):
    with pytest.raises(ValueError, match="negative"):
        fen(per_unit("1"), quantity, Fraction(share))


@given(ANY_USE, SHARES)
def test_the_amount_is_the_one_worked_out_on_paper(terms_and_use, share):
    terms, used = terms_and_use
    rated = rating.rate(terms, used, share=share)
    assert rated.exact == reference.exact(terms, used, share.fraction)
    assert rated.fen == money.fen(rated.exact)


@given(ANY_USE, SHARES)
def test_the_steps_add_up_to_the_exact_amount_and_survive_storage(terms_and_use, share):
    terms, used = terms_and_use
    rated = rating.rate(terms, used, share=share)
    assert rated.steps
    assert rated.exact == sum(step.amount for step in rated.steps) >= 0
    assert rating.load_steps(rating.dump_steps(rated.steps)) == rated.steps


@given(limited(PERCENTAGES), TRANSACTIONS, SHARES)
def test_three_groups_of_transactions_say_as_much_as_every_single_one(terms, transactions, share):
    rated = rating.rate(terms, transactions, share=share)
    few = rated.transactions
    assert len(few.groups) <= 3
    assert (few.count, few.total) == (transactions.count, transactions.total)
    again = rating.rate(terms, Transactions.load(few.dump()), share=share)
    assert (again.exact, again.steps) == (rated.exact, rated.steps)


@given(limited(st.one_of(PER_UNITS, PACKAGES)), SMALL_QUANTITIES, SMALL_QUANTITIES, SHARES)
def test_discount_least_and_most_keep_a_price_rising(terms, one, other, share):
    less, more = sorted((one, other))
    low, high = (rating.rate(terms, quantity, share=share).exact for quantity in (less, more))
    assert Fraction(terms.minimum) * share.fraction <= low <= high
    assert terms.maximum is None or high <= Fraction(terms.maximum) * share.fraction


@given(limited(PERCENTAGES), TRANSACTIONS, st.decimals(0, 5000, places=6))
def test_one_transaction_more_never_makes_a_percentage_cheaper(terms, transactions, another):
    more = Transactions((*transactions.groups, (1, another)))
    assert rating.rate(terms, transactions).exact <= rating.rate(terms, more).exact


@given(limited(METERED), st.decimals(1, 50, places=0), QUANTITIES)
def test_so_many_units_of_a_plan_include_so_much_more(terms, units, quantity):
    assert rating.times(terms, units).included == terms.included * units
    if not isinstance(terms, rating.Volume):  # there, less to pay for may fall into a dearer tier
        assert rating.rate(rating.times(terms, units), quantity).exact <= max(rating.rate(terms, quantity).exact, Fraction(terms.minimum))


@pytest.mark.parametrize(
    ("terms", "used", "expected"),
    [
        (percentage("0.6", "0.1"), Transactions.alike(1204, Decimal(88000)), 64840),
        (percentage("0.6", "0.1", included="10000"), Transactions.alike(1204, Decimal(88000)), 58840),
        (percentage("0.6"), Transactions(), 0),
        (percentage("0.6", "0.1"), Decimal(100), 70),
        (percentage("1", least="0.5", most="10"), Transactions.of({Decimal(10): 3, Decimal(200): 2, Decimal(5000): 1}), 1550),
        (percentage("1", "0.2", least="0.5"), Transactions.of({Decimal(30): 1, Decimal(31): 1}), 101),
        (percentage("1", minimum="20"), Transactions.alike(1, Decimal(100)), 2000),
        (replace(per_unit("0.5"), discount=Decimal(10)), "286", 12870),
        (replace(per_unit("0.5"), minimum=Decimal(100)), "0", 10000),
        (replace(per_unit("0.5"), maximum=Decimal(100)), "286", 10000),
        (replace(per_unit("1"), discount=Decimal(50), minimum=Decimal(60)), "100", 6000),
        (rating.times(monthly("99"), Decimal(5)), "1", 49500),
        (rating.times(Flat(Decimal(500), "once"), Decimal(5)), "1", 50000),
    ],
)
def test_transactions_discounts_and_limits_cost_what_the_terms_say(terms, used, expected):
    assert rating.rate(terms, Decimal(used) if isinstance(used, str) else used).fen == expected


def test_least_and_most_follow_the_days_that_are_paid():
    half = Share(Fraction(15, 30), 15, 30)
    assert rating.rate(replace(per_unit("1"), minimum=Decimal(100)), Decimal(3), share=half).fen == 5000
    assert rating.rate(replace(per_unit("1"), maximum=Decimal(100)), Decimal(300), share=half).fen == 5000


@given(TERMS, QUANTITIES, SHARES)
def test_rounding_moves_an_amount_by_half_a_fen_at_most(terms, quantity, share):
    rated = rating.rate(terms, quantity, share=share)
    assert abs(Fraction(rated.fen, 100) - rated.exact) <= Fraction(1, 200)


@given(st.builds(Graduated, tiers(), ALLOWANCES), SMALL_QUANTITIES, SMALL_QUANTITIES, SHARES)
def test_graduated_never_gets_cheaper_with_more_use(terms, one, other, share):
    less, more = sorted((one, other))
    assert rating.rate(terms, less, share=share).exact <= rating.rate(terms, more, share=share).exact


@given(st.builds(Graduated, tiers(fees=st.just(Decimal(0))), ALLOWANCES), SMALL_QUANTITIES)
def test_graduated_without_tier_fees_has_no_jumps(terms, quantity):
    step = Decimal("0.000001")
    dearest = max(tier.unit_price for tier in terms.tiers)
    jump = rating.rate(terms, quantity + step).exact - rating.rate(terms, quantity).exact
    assert 0 <= jump <= Fraction(step) * Fraction(dearest)


@given(UNIT_PRICES, ALLOWANCES, QUANTITIES, SHARES)
def test_one_open_tier_is_the_same_as_a_unit_price(unit_price, included, quantity, share):
    plain = rating.rate(PerUnit(unit_price, included), quantity, share=share)
    one_tier = (Tier(None, unit_price),)
    assert rating.rate(Graduated(one_tier, included), quantity, share=share).exact == plain.exact
    assert rating.rate(rating.Volume(one_tier, included), quantity, share=share).exact == plain.exact


@given(PACKAGES, SMALL_QUANTITIES)
def test_packages_cost_at_least_their_unit_price_and_less_than_one_package_more(terms, quantity):
    billable = Fraction(rating.rate(terms, quantity).billable)
    price = Fraction(terms.package_price)
    plain = billable * price / Fraction(terms.package_size)
    assert plain <= rating.rate(terms, quantity).exact <= plain + price


@given(METERED, SHARES)
def test_nothing_used_costs_nothing(terms, share):
    assert rating.rate(terms, Decimal(0), share=share).exact == 0


@given(METERED.filter(lambda terms: terms.included > 0), SHARES, st.decimals(0, 1, places=6))
def test_use_within_the_allowance_costs_nothing(terms, share, part):
    within = Decimal(int(terms.included * part * share.days * 10**6 // share.full_days)).scaleb(-6)
    assert rating.rate(terms, within, share=share).exact == 0


@given(FLATS, st.lists(st.integers(1, 10), min_size=1, max_size=6))
def test_segments_of_a_recurring_fee_add_up_to_the_whole(terms, lengths):
    full = sum(lengths)
    parts = [rating.rate(terms, Decimal(1), share=Fraction(days, full)) for days in lengths]
    if terms.interval == "once":
        assert {part.exact for part in parts} == {Fraction(terms.amount)}
    else:
        assert sum(part.exact for part in parts) == Fraction(terms.amount)
        assert sum(rating.segment_fen(part.exact for part in parts)) == rating.rate(terms, Decimal(1)).fen


@given(UNIT_PRICES, st.lists(SMALL_QUANTITIES, min_size=1, max_size=6))
def test_each_event_is_rated_once_however_a_month_is_cut_at_one_price(unit_price, quantities):
    whole = rating.rate(PerUnit(unit_price), sum(quantities))
    parts = [rating.rate(PerUnit(unit_price), quantity).exact for quantity in quantities]
    assert sum(rating.segment_fen(parts)) == whole.fen


@pytest.mark.parametrize(
    ("rounding", "quantity", "whole"),
    [("up", "2.000001", 3), ("up", "2", 2), ("up", "0", 0), ("nearest", "2.5", 3), ("nearest", "2.499999", 2),
     ("down", "2.999999", 2), ("down", "0.9", 0)],
)  # fmt: skip
def test_a_quantity_is_made_whole_before_anything_is_deducted(rounding, quantity, whole):
    terms = rating.parse({"model": "per_unit", "unit_price": "1", "included": "1", "rounding": rounding})
    rated = rating.rate(terms, Decimal(quantity))
    assert (rated.quantity, rated.fen) == (whole, max(whole - 1, 0) * 100)
    assert (rated.steps[0].kind.value == "rounded") == (Decimal(quantity) != whole)
    assert rating.load_steps(rating.dump_steps(rated.steps)) == rated.steps


def test_the_working_says_how_a_quantity_was_made_whole():
    terms = rating.parse({"model": "per_unit", "unit_price": "0.5", "rounding": "up"})
    steps = rating.rate(terms, Decimal("2.25")).steps
    assert rating.explain(steps, "GB") == ("用量 2.25 GB，取整为 3 GB", "3 GB × ¥0.50 = ¥1.50")
    assert rating.formula(steps[0], "GB", "en") == "2.25 GB used, rounded to 3 GB"
    assert rating.describe(terms, "GB") == ("¥0.50/GB", "不满 1 个单位按 1 个算")
