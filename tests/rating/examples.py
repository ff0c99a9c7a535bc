"""Charge terms and quantities that the rating tests share: readable makers and hypothesis strategies."""

from decimal import Decimal

from hypothesis import strategies as st

from market.rating import Flat, Graduated, Package, PerUnit, Tier, Volume

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


def monthly(amount):
    return Flat(Decimal(amount), "month")


@st.composite
def tiers(draw, fees=AMOUNTS):
    bounds = sorted(draw(st.sets(st.decimals("0.000001", 3000, places=6), max_size=4)))
    return tuple(Tier(bound, draw(UNIT_PRICES), draw(fees)) for bound in [*bounds, None])


FLATS = st.builds(Flat, AMOUNTS, st.sampled_from(["month", "year", "once"]))
PER_UNITS = st.builds(PerUnit, UNIT_PRICES, ALLOWANCES)
GRADUATED = st.builds(Graduated, tiers(), ALLOWANCES)
VOLUMES = st.builds(Volume, tiers(), ALLOWANCES)
PACKAGES = st.builds(Package, st.decimals("0.000001", 2000, places=6), AMOUNTS, ALLOWANCES)
METERED = st.one_of(PER_UNITS, GRADUATED, VOLUMES, PACKAGES)
TERMS = st.one_of(FLATS, METERED)
