"""Changes in mid-month and mid-year, on the bill: whole days, parts that add up, every event once."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from market import billing, subscriptions
from market.billing import LineKind, charging
from market.billing.drawing import Drawer
from market.catalog.models import Aggregation, Charge, Offering, OfferingRevision, Plan, TimeBase
from market.kit import money
from market.kit import period as periods
from market.kit.period import Period
from market.subscriptions import ChangeKind, ChangeStatus, Subscription, SubscriptionChange
from tests.builders import catalog as builders
from tests.builders.accounts import an_actor
from tests.builders.billing import DECEMBER, NOVEMBER, OCTOBER, amounts, an_issued_bill, buyer, moment
from tests.builders.metering import report
from tests.builders.subscriptions import a_subscription

FIRST = date(2026, 10, 1)


def fee(amount: str, interval: str = "month", slug: str = "fee") -> Charge:
    return Charge(slug=slug, terms={"model": "flat", "interval": interval, "amount": amount}, tax_rate="0.06", position=0)


def per_unit(price: str = "0.01", included: str = "0", slug: str = "calls", meter_id: int = 1) -> Charge:
    terms = {"model": "per_unit", "unit_price": price, "included": included}
    return Charge(slug=slug, terms=terms, meter_id=meter_id, tax_rate="0.06", position=1, filter_property="")


def a_plan(id: int, *charges: Charge, unit: str = "") -> Plan:
    for n, charge in enumerate(charges):
        charge.id = id * 100 + n
    return Plan(
        id=id, slug=f"plan-{id}", name_zh="", name_en="", charges=list(charges), offering=Offering(id=1),
        quantity_unit_zh=unit, quantity_minimum=1, quantity_maximum=None, quantity_step=1,
    )  # fmt: skip


def a_row(plan: Plan, *changes: SubscriptionChange, **dates: datetime) -> Subscription:
    """A subscription that is never stored, from 1 October."""
    started = {"started_at": moment("2026-10-01 10:00")}
    revision = OfferingRevision(facts={})
    return Subscription(id=1, plan=plan, revision=revision, quantity=1, changes=list(changes), **(started | dates))


def on(day: str, **what: object) -> SubscriptionChange:
    """A planned change; `kind` follows from what it says."""
    kind = what.pop("kind", ChangeKind.PLAN if "plan" in what else ChangeKind.QUANTITY)
    midnight = periods.local_midnight(date.fromisoformat(day))
    return SubscriptionChange(kind=kind, status=ChangeStatus.PLANNED, effective_at=midnight, **what)


def lines(subscription: Subscription, period: Period = OCTOBER) -> list[tuple[str, str, int]]:
    """(charge, days, fen) of the fees of a month, drawn as for the bill."""
    drawer, found = Drawer(), []
    for due in charging.due_in(subscription, period):
        span = f"{due.service.first_day:%m-%d}–{due.service.last_day:%m-%d}"
        found.append((due.charge.slug, span, drawer.line(due, Decimal(0) if due.metered else None).gross_fen))
    return found


# --- the month ---------------------------------------------------------------------------


def test_fees_count_by_whole_days_of_each_plan() -> None:
    basic, pro = a_plan(1, fee("99.00")), a_plan(2, fee("199.00"))
    # 10/31 × 99 = 31.935…, 21/31 × 199 = 134.806…; together 166.74(19…)
    assert lines(a_row(basic, on("2026-10-11", plan=pro))) == [("fee", "10-01–10-10", 3194), ("fee", "10-11–10-31", 13480)]
    assert lines(a_row(basic, on("2026-10-11", plan=pro)), NOVEMBER) == [("fee", "11-01–11-30", 19900)]


def test_of_several_changes_of_a_day_the_last_one_counts() -> None:
    basic, pro, max_ = a_plan(1, fee("99.00")), a_plan(2, fee("199.00")), a_plan(3, fee("310.00"))
    row = a_row(basic, on("2026-10-11", plan=pro), on("2026-10-11", plan=max_))
    assert lines(row) == [("fee", "10-01–10-10", 3194), ("fee", "10-11–10-31", 21000)]
    assert lines(a_row(basic, on("2026-10-11", plan=pro), on("2026-10-11", plan=basic))) == [("fee", "10-01–10-31", 9900)]


def test_what_goes_on_at_the_same_terms_is_one_line() -> None:
    one, other = a_plan(1, fee("99.00"), per_unit("0.01")), a_plan(2, fee("120.00"), per_unit("0.01"))
    assert [line[:2] for line in lines(a_row(one, on("2026-10-11", plan=other)))] == [
        ("fee", "10-01–10-10"), ("calls", "10-01–10-31"), ("fee", "10-11–10-31"),
    ]  # fmt: skip
    dearer = a_plan(3, fee("99.00"), per_unit("0.02"))
    assert [line[:2] for line in lines(a_row(one, on("2026-10-11", plan=dearer)))] == [
        ("fee", "10-01–10-31"), ("calls", "10-01–10-10"), ("calls", "10-11–10-31"),
    ]  # fmt: skip


def test_a_quantity_multiplies_the_fee_and_what_is_included() -> None:
    seats = a_plan(1, fee("30.00"), per_unit("0.01", included="100"), unit="席位")
    row = a_row(seats, on("2026-10-11", quantity=4))
    assert [line for line in lines(row) if line[0] == "fee"] == [("fee", "10-01–10-10", 968), ("fee", "10-11–10-31", 8129)]
    included = [due.terms.included for due in charging.due_in(row, OCTOBER) if due.metered]
    assert included == [Decimal(100), Decimal(400)]


def test_fees_rest_on_whole_paused_days_and_usage_is_rated_without_what_is_included() -> None:
    plan = a_plan(1, fee("31.00"), per_unit("0.01", included="310"))
    row = a_row(plan, on("2026-10-11", kind=ChangeKind.PAUSE), on("2026-10-21", kind=ChangeKind.RESUME))
    assert [line for line in lines(row) if line[0] == "fee"] == [("fee", "10-01–10-10", 1000), ("fee", "10-21–10-31", 1100)]
    parts = [(due.service.days, due.terms.included, due.paused) for due in charging.due_in(row, OCTOBER) if due.metered]
    assert parts == [(10, 310, False), (10, 0, True), (11, 310, False)]
    whole = a_row(a_plan(2, fee("31.00"), per_unit("0.01")), *[on("2026-10-11", kind=ChangeKind.PAUSE)])
    assert [(due.service.days, due.paused) for due in charging.due_in(whole, OCTOBER) if due.metered] == [(31, False)]


def test_a_price_announced_for_another_plan_is_not_for_this_one() -> None:
    basic, pro, dearer = a_plan(1, fee("99.00")), a_plan(2, fee("199.00")), a_plan(3, fee("129.00"))
    price = on("2026-10-21", plan=dearer, kind=ChangeKind.PRICE, before_plan_id=1)
    assert lines(a_row(basic, price))[-1] == ("fee", "10-21–10-31", 4578)
    moved = a_row(basic, on("2026-10-11", plan=pro), on("2026-10-21", plan=dearer, kind=ChangeKind.PRICE, before_plan_id=1))
    assert lines(moved)[-1] == ("fee", "10-11–10-31", 13480)


# --- the year ----------------------------------------------------------------------------


def test_another_yearly_plan_is_charged_for_the_rest_of_the_year_and_the_old_one_given_back() -> None:
    basic, pro = a_plan(1, fee("365.00", "year")), a_plan(2, fee("730.00", "year"))
    row = a_row(basic, on("2026-12-10", plan=pro))
    assert lines(row) == [("fee", "10-01–09-30", 36500)]
    assert lines(row, NOVEMBER) == []
    # 10 December to 30 September are 295 of 365 days.
    assert lines(row, DECEMBER) == [("fee", "12-10–09-30", -29500), ("fee", "12-10–09-30", 59000)]
    assert lines(row, periods.month("2027-10")) == [("fee", "10-01–09-30", 73000)]


def test_an_end_gives_back_the_days_after_it_also_on_the_last_day_of_a_month() -> None:
    plan = a_plan(1, fee("365.00", "year"))
    assert lines(a_row(plan, ended_at=moment("2026-11-30 15:00")), NOVEMBER) == [("fee", "12-01–09-30", -30400)]
    assert lines(a_row(plan, ended_at=moment("2026-11-30 15:00")), DECEMBER) == []
    assert lines(a_row(plan, cancel_at=moment("2027-10-01 00:00")), periods.month("2027-09")) == []
    assert lines(a_row(plan, cancel_at=moment("2027-10-01 00:00")), periods.month("2027-10")) == []


def test_from_the_year_to_the_month_and_back_a_new_year_begins_on_its_own_day() -> None:
    yearly, monthly = a_plan(1, fee("365.00", "year")), a_plan(2, fee("31.00"))
    row = a_row(yearly, on("2026-11-01", plan=monthly), on("2026-12-31", plan=yearly))
    assert lines(row, NOVEMBER) == [("fee", "11-01–09-30", -33400), ("fee", "11-01–11-30", 3100)]
    assert lines(row, DECEMBER) == [("fee", "12-01–12-30", 3000), ("fee", "12-31–12-30", 36500)]
    assert lines(row, periods.month("2027-12"))[-1] == ("fee", "12-31–12-30", 36500)


def test_fewer_seats_in_a_paid_year_give_back_the_difference() -> None:
    seats = a_plan(1, fee("365.00", "year"), unit="席位")
    row = a_row(seats, on("2026-10-01", quantity=5), on("2026-10-11", quantity=3), on("2026-10-21", quantity=4))
    assert lines(row) == [("fee", "10-01–09-30", 182500), ("fee", "10-11–09-30", -71000), ("fee", "10-21–09-30", 34500)]


def test_paused_days_of_a_paid_year_come_back_in_their_month_and_no_year_begins_while_paused() -> None:
    plan = a_plan(1, fee("365.00", "year"))
    row = a_row(plan, on("2026-10-22", kind=ChangeKind.PAUSE), on("2026-11-06", kind=ChangeKind.RESUME))
    assert [lines(row, month)[-1:] for month in (OCTOBER, NOVEMBER, DECEMBER)] == [
        [("fee", "10-22–10-31", -1000)], [("fee", "11-01–11-05", -500)], [],
    ]  # fmt: skip
    over = a_row(plan, on("2027-09-30", kind=ChangeKind.PAUSE), on("2027-10-11", kind=ChangeKind.RESUME))
    assert lines(over, periods.month("2027-09")) == [("fee", "09-30–09-30", -100)]
    # 2027-10-01 to 2028-09-30 has 366 days.
    assert lines(over, periods.month("2027-10")) == [("fee", "10-11–09-30", 35503)]


def test_years_of_29_february_do_not_drift() -> None:
    plan = a_plan(1, fee("100.00", "year"))
    row = a_row(plan, started_at=moment("2028-02-29 10:00"))
    assert lines(row, periods.month("2029-02")) == [("fee", "02-28–02-27", 10000)]
    assert lines(row, periods.month("2031-02")) == [("fee", "02-28–02-28", 10000)]
    assert lines(row, periods.month("2032-02")) == [("fee", "02-29–02-27", 10000)]


def test_a_one_off_fee_is_due_once_in_a_life() -> None:
    basic, pro = a_plan(1, fee("10.00", "once", "setup")), a_plan(2, fee("50.00", "once", "setup"), fee("80.00", "once", "move"))
    row = a_row(basic, on("2026-11-11", plan=pro), on("2026-12-01", plan=basic), on("2026-12-11", plan=pro))
    assert [lines(row, month) for month in (OCTOBER, NOVEMBER, DECEMBER)] == [
        [("setup", "10-01–10-31", 1000)], [("move", "11-11–11-30", 8000)], [],
    ]  # fmt: skip


# --- laws --------------------------------------------------------------------------------

DAYS = st.integers(1, 400)
PRICES = st.decimals("0.01", "9999.99", places=2)


@given(price=PRICES, days=st.lists(DAYS, max_size=12), interval=st.sampled_from(["month", "year"]), apart=st.booleans())
# Three parts of a month: rounded one by one they would come to a fen more.
@example(price=Decimal("0.05"), days=[10, 20], interval="month", apart=True)
@settings(max_examples=60, deadline=None)
def test_any_changes_at_one_price_come_to_the_full_price(
    price: Decimal, days: list[int], interval: str, apart: bool
) -> None:
    """Also where each part is a line of its own, as at another tax rate, and not drawn together."""
    plans = [a_plan(n + 1, fee(f"{price}", interval, slug=f"fee-{n % 3}")) for n in range(3)]
    for number, plan in enumerate(plans):
        plan.charges[0].tax_rate = f"0.0{number}" if apart else "0.06"
    changes = [on(f"{FIRST + timedelta(days=day)}", plan=plans[n % 3]) for n, day in enumerate(days)]
    row, fen = a_row(plans[2], *changes), money.fen(price)
    for number in range(13):
        month = periods.anchored(FIRST, number, "month")
        due = fen if interval == "month" or number % 12 == 0 else 0
        assert sum(line[2] for line in lines(row, month)) == due


@given(
    prices=st.lists(PRICES, min_size=2, max_size=4),
    changes=st.lists(st.tuples(DAYS, st.integers(0, 3), st.integers(1, 5)), max_size=10),
    pauses=st.lists(st.tuples(DAYS, st.booleans()), max_size=4),
    end=st.integers(1, 420),
)
# More seats and a pause on one day: the bill says the money back first.
@example(prices=[Decimal("8.47"), Decimal("0.01")], changes=[(1, 0, 2)], pauses=[(1, True), (375, False)], end=381)
@settings(max_examples=60, deadline=None)
def test_a_year_comes_to_what_its_days_cost_whatever_happens_in_it(
    prices: list[Decimal], changes: list[tuple[int, int, int]], pauses: list[tuple[int, bool]], end: int
) -> None:
    plans = [a_plan(n + 1, fee(f"{price}", "year"), unit="席位") for n, price in enumerate(prices)]
    rows = [on(f"{FIRST + timedelta(days=d)}", plan=plans[p % len(plans)], quantity=q) for d, p, q in changes]
    rows += [on(f"{FIRST + timedelta(days=d)}", kind=ChangeKind.PAUSE if p else ChangeKind.RESUME) for d, p in pauses]
    last = periods.local_midnight(FIRST + timedelta(days=end))
    row = a_row(plans[0], *rows, ended_at=last)
    billed = sum(line[2] for n in range(16) for line in lines(row, periods.anchored(FIRST, n, "month")))
    exact = Fraction(0)
    for n in range(2):
        year = periods.anchored(FIRST, n, "year")
        for part in subscriptions.segments(row, year):
            price = Fraction(prices[part.plan.id - 1]) * part.quantity
            exact += 0 if part.paused else price * Fraction(part.period.days, year.days)
    # Each of two years is rounded once.
    assert abs(Fraction(billed, 100) - exact) <= Fraction(1, 100)


@given(changes=st.lists(st.tuples(DAYS, st.integers(0, 3)), max_size=8), pauses=st.lists(st.tuples(DAYS, st.booleans()), max_size=4))
@settings(max_examples=60, deadline=None)
def test_every_moment_is_rated_exactly_once(changes: list[tuple[int, int]], pauses: list[tuple[int, bool]]) -> None:
    plans = [a_plan(n + 1, per_unit(f"0.0{n + 1}", included=f"{n}", slug=f"calls-{n % 2}")) for n in range(4)]
    rows = [on(f"{FIRST + timedelta(days=d)}", plan=plans[p]) for d, p in changes]
    rows += [on(f"{FIRST + timedelta(days=d)}", kind=ChangeKind.PAUSE if p else ChangeKind.RESUME) for d, p in pauses]
    row = a_row(plans[0], *rows)
    for n in range(14):
        month = periods.anchored(FIRST, n, "month")
        services = sorted((due.service.start, due.service.end) for due in charging.due_in(row, month) if due.metered)
        assert services[0][0] == month.start and services[-1][1] == month.end
        assert all(one[1] == next_[0] for one, next_ in zip(services, services[1:], strict=False))


# --- with stored usage -------------------------------------------------------------------

_HOURS = st.integers(0, 31 * 24 - 1)


@given(
    changes=st.lists(st.tuples(st.integers(0, 30), st.sampled_from([None, "pause", "resume", 0, 1, 2])), max_size=6),
    events=st.lists(st.tuples(_HOURS, st.integers(1, 10**9)), min_size=1, max_size=6),
)
@settings(
    max_examples=10, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_every_event_is_rated_once_at_the_price_of_its_day(
    session, changes: list[tuple[int, str | int | None]], events: list[tuple[int, int]]
) -> None:
    first = builders.a_plan(per_unit="0.001", meter="calls")
    meter, offering = first.charges[0].meter, first.offering
    plans = [first, *(builders.a_plan(offering, slug=f"plan-{n}", per_unit=f"0.0{n}7", meter=meter) for n in (1, 2))]
    subscription = a_subscription(first, started_at=OCTOBER.start)
    held: dict[int, Plan] = {}
    for day, what in changes:
        midnight = OCTOBER.start + timedelta(days=day)
        kind = {"pause": ChangeKind.PAUSE, "resume": ChangeKind.RESUME}.get(str(what), ChangeKind.PLAN)
        plan = plans[what] if isinstance(what, int) else None
        if what is not None and (held.get(day) is None if plan else True):
            row = SubscriptionChange(
                subscription_id=subscription.id, kind=kind, status=ChangeStatus.APPLIED, effective_at=midnight, plan=plan,
                asked_at=midnight, settled_at=midnight, before_plan=first if plan else None,
            )  # fmt: skip
            session.add(row)
            held |= {day: plan} if plan else {}
    exact = Fraction(0)
    for number, (hour, value) in enumerate(events):
        report(subscription, meter, value, at=OCTOBER.start + timedelta(hours=hour), id=f"{subscription.id}-{number}")
        price = held[max(days)] if (days := [day for day in held if day <= hour // 24]) else first
        exact += value * Fraction(price.charges[0].terms["unit_price"])
    session.flush()
    session.expire_all()
    billed = an_issued_bill(buyer(subscription))
    assert sum(line.quantity for line in billed.lines) == sum(value for _, value in events)
    assert billed.gross_fen == money.fen(exact)


def test_storage_is_weighed_in_each_segment_and_late_usage_finds_its_own(session) -> None:
    """100 GB from the 5th on; the price changes on the 11th. October has 744 hours, 6 days of it before and 21 after."""
    gauge = {"aggregation": Aggregation.TIME_WEIGHTED, "time_base": TimeBase.PERIOD, "unit_zh": "GB", "unit_en": "GB"}
    basic = builders.a_plan(per_unit="1.00", meter=builders.a_meter(provider := builders.a_provider(), "stored", **gauge),
                            offering=builders.an_offering(provider, plans=False))  # fmt: skip
    stored = basic.charges[0].meter
    calls = builders.a_meter(provider, "calls")
    pro = builders.a_plan(basic.offering, slug="pro", per_unit="2.00", meter=stored)
    for plan, price in ((basic, "0.10"), (pro, "0.20")):
        builders.a_charge(plan, {"model": "per_unit", "unit_price": price, "included": "31"}, meter=calls)
    subscription = a_subscription(basic)
    firm = buyer(subscription)
    report(subscription, stored, "100", at=moment("2026-10-05 00:00"))
    report(subscription, calls, 20, at=moment("2026-10-10 23:59"))
    report(subscription, calls, 40, at=moment("2026-10-11 00:00"))
    subscriptions.change(subscription, plan=pro, when="now", by=an_actor(), at=moment("2026-10-11 15:00"))
    bill = an_issued_bill(firm)
    # 100 × 6/31 = 19.354839 and 100 × 21/31 = 67.741935; 20 − 10 and 40 − 21 calls.
    assert amounts(bill) == [("调用次数", "19.354839", 1935), ("调用次数", "20", 100), ("调用次数", "67.741935", 13549), ("调用次数", "40", 380)]
    assert billing.verify(bill) == []
    report(subscription, calls, 5, at=moment("2026-10-10 12:00"), recorded=moment("2026-11-05 10:00"))
    late = [line for line in an_issued_bill(firm, NOVEMBER).lines if line.kind is LineKind.ADJUSTMENT]
    assert [(line.service_end, line.gross_fen, line.booked_fen) for line in late] == [(moment("2026-10-11 00:00"), 50, 100)]
