"""Charge terms and quantities that the rating tests share: readable makers and hypothesis strategies."""

from dataclasses import replace
from decimal import Decimal

from hypothesis import strategies as st

from market.rating import Flat, Graduated, Package, Percentage, PerUnit, Rounding, Tier, Transactions, Volume

QUANTITIES = st.decimals(0, 10**9, places=6)
SMALL_QUANTITIES = st.decimals(0, 5000, places=6)
UNIT_PRICES = st.decimals(0, 1000, places=8)
AMOUNTS = st.decimals(0, 100_000, places=2)
ALLOWANCES = st.one_of(st.just(Decimal(0)), st.decimals(0, 2000, places=6))


def tier(up_to, unit_price, flat="0"):
    return Tier(None if up_to is None else Decimal(up_to), Decimal(unit_price), Decimal(flat))


def per_unit(unit_price, included="0"):
    return PerUnit(Decimal(unit_price), Decimal(included))


def graduated(*tiers, included="0"):
    return Graduated(tuple(tier(*row) for row in tiers), Decimal(included))


def volume(*tiers, included="0"):
    return Volume(tuple(tier(*row) for row in tiers), Decimal(included))


def package(size, price, included="0"):
    return Package(Decimal(size), Decimal(price), Decimal(included))


def percentage(percent, fee="0", least="0", most=None, **more):
    return Percentage(Decimal(percent), Decimal(fee), Decimal(least), most and Decimal(most), **{name: Decimal(value) for name, value in more.items()})


def monthly(amount):
    return Flat(Decimal(amount), "month")


@st.composite
def tiers(draw, fees=AMOUNTS):
    bounds = sorted(draw(st.sets(st.decimals("0.000001", 3000, places=6), max_size=4)))
    return tuple(Tier(bound, draw(UNIT_PRICES), draw(fees)) for bound in [*bounds, None])


@st.composite
def limits(draw):
    """Discount, least and most as keywords; mostly none."""
    low, high = sorted((draw(AMOUNTS), draw(AMOUNTS)))
    every = {"discount": draw(st.decimals(0, 100, places=4)), "minimum": low, "maximum": max(high, Decimal("0.01"))}
    chosen = draw(st.sets(st.sampled_from(sorted(every))))
    return {name: every[name] for name in chosen}


@st.composite
def limited(draw, terms):
    return replace(draw(terms), **draw(limits()))


@st.composite
def percentages(draw):
    low, high = sorted((draw(FEES), draw(FEES)))
    each = draw(st.sampled_from(["none", "least", "most", "both"]))
    least, most = low if each in ("least", "both") else Decimal(0), high if each in ("most", "both") else None
    included = draw(ALLOWANCES) if each == "none" else Decimal(0)
    return Percentage(draw(st.decimals(0, 100, places=6)), draw(FEES), least, most, included)


FEES = st.decimals("0.00000001", 50, places=8)
TRANSACTIONS = st.dictionaries(st.decimals(0, 5000, places=6), st.integers(1, 2000), max_size=5).map(Transactions.of)
ROUNDINGS = st.sampled_from(list(Rounding))
FLATS = st.builds(Flat, AMOUNTS, st.sampled_from(["month", "year", "once"]))
PER_UNITS = st.builds(PerUnit, UNIT_PRICES, ALLOWANCES)
GRADUATED = st.builds(Graduated, tiers(), ALLOWANCES)
VOLUMES = st.builds(Volume, tiers(), ALLOWANCES)
PACKAGES = st.builds(Package, st.decimals("0.000001", 2000, places=6), AMOUNTS, ALLOWANCES)
METERED = st.one_of(PER_UNITS, GRADUATED, VOLUMES, PACKAGES)
TERMS = st.one_of(FLATS, METERED)
PERCENTAGES = percentages()
WHOLE_UNITS = st.tuples(METERED, ROUNDINGS).map(lambda pair: replace(pair[0], rounding=pair[1]))
#: Everything a plan may say.
ANY_TERMS = st.one_of(FLATS, limited(WHOLE_UNITS), limited(PERCENTAGES))


def uses(terms):
    """What terms can be applied to."""
    return TRANSACTIONS if isinstance(terms, Percentage) else QUANTITIES


ANY_USE = ANY_TERMS.flatmap(lambda terms: st.tuples(st.just(terms), uses(terms)))
