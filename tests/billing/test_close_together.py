"""Many firms in one go: what stands on a bill is the same however it came to be closed, and nothing is lost or doubled."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as trying
from hypothesis import strategies as st
from sqlalchemy import select, text

from market import audit, billing, db, metering, subscriptions
from market.accounts import Organization
from market.billing import Bill, BillLine, BillStatus, charging, drafts
from market.catalog import Aggregation, Filter
from market.config import Settings as Configured
from market.kit.period import Period, local_midnight
from market.subscriptions import Subscription, live_in_any
from tests.builders.accounts import an_actor
from tests.builders.billing import NOVEMBER, OCTOBER, after_grace, buyer, closed, moment
from tests.builders.catalog import a_meter, a_plan
from tests.builders.metering import report
from tests.builders.subscriptions import a_subscription
from tests.cli.test_people import run
from tests.support import commands

pytestmark = pytest.mark.usefixtures("database")

CLOSE = """
import time
from market import billing
from market.cli.context import join
from market.kit.period import month
folder = join().data_dir
print("ready", flush=True)
while not (folder / "go").exists():
    time.sleep(0.002)
billing.close_due(billing.final_at(month("2026-10")))
"""


def firms(number: int) -> list[int]:
    """Organizations that pay a fee and for calls, each for another number of them."""
    with db.transaction():
        plan = a_plan(monthly="30.00", per_unit="0.013", included="5")
        meter = plan.charges[1].meter
        assert meter is not None
        ids = []
        for place in range(number):
            subscription = a_subscription(plan)
            report(subscription, meter, 7 + place, at=moment("2026-10-15 12:00"), recorded=moment("2026-10-15 12:01"))
            ids.append(subscription.organization_id)
        return ids


def told() -> list[tuple[Any, ...]]:
    """What the bills say, without what is numbered by arrival."""
    with db.transaction(readonly=True):
        rows = db.session.execute(
            select(Bill.organization_id, Bill.status, Bill.gross_fen, Bill.parties, BillLine.quantity, BillLine.gross_fen, BillLine.steps)
            .join(BillLine.bill).order_by(Bill.organization_id, BillLine.position)
        )  # fmt: skip
        return [tuple(row) for row in rows]


def numbers() -> list[str]:
    with db.transaction(readonly=True):
        return sorted(number for number in db.session.scalars(select(Bill.number)) if number)


def whole(count: int) -> list[str]:
    return [f"BL-202610-{number:06}" for number in range(1, count + 1)]


def test_fifty_racing_finalizations_leave_no_gap() -> None:
    ids = firms(50)
    billing.close_due(OCTOBER.end)
    barrier, errors = threading.Barrier(10), []

    def work(mine: list[int]) -> None:
        try:
            barrier.wait()
            for id in mine:
                with db.transaction():
                    bill = billing.bill_for(db.session.get_one(Organization, id), OCTOBER)
                    assert bill is not None
                    billing.finalize(bill, at=after_grace(OCTOBER))
        except Exception as error:  # told by the assertion below
            errors.append(error)

    threads = [threading.Thread(target=work, args=(ids[place::10],)) for place in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (errors, numbers()) == ([], whole(50))
    with db.transaction(readonly=True):
        assert audit.verify().broken is None


def closes(settings: Configured, number: int) -> list[commands.Running]:
    """So many closes in processes of their own, which have just begun."""
    begun = [
        commands.python(CLOSE, DATABASE_URL=settings.database_url, MARKET_DATA_DIR=str(settings.data_dir)) for _ in range(number)
    ]
    commands.ready(begun)
    (settings.data_dir / "go").touch()
    return begun


def killed(settings: Configured, after: float) -> None:
    """A close that is killed so many seconds after it began."""
    [close] = closes(settings, 1)
    time.sleep(after)
    os.kill(close.pid, signal.SIGKILL)
    assert close.wait().returncode in (0, -signal.SIGKILL)


@pytest.mark.parametrize(
    "seed", [7, *(pytest.param(seed, marks=[pytest.mark.soak, pytest.mark.timeout(900)]) for seed in range(20))]
)
def test_a_killed_close_that_is_run_again_gives_the_bills_of_one_that_was_not(
    seed: int, settings: Configured
) -> None:
    firms(12)
    with db.transaction(readonly=True):
        ids = db.session.scalars(select(Subscription.organization_id).order_by(Subscription.organization_id)).all()
        expected = {
            id: [(line.quantity, line.gross_fen) for line in drafts.draw_up(db.session.get_one(Organization, id), OCTOBER, cutoff=OCTOBER.end)]
            for id in ids
        }
    killed(settings, random.Random(seed).uniform(0.0, 0.4))  # noqa: S311  # a repeatable moment
    closed(OCTOBER)
    found: dict[int, list[Any]] = {id: [] for id in ids}
    for organization_id, status, _, _, quantity, fen, _ in told():
        assert status is BillStatus.OPEN
        found[organization_id].append((quantity, fen))
    assert (found, numbers()) == (expected, whole(12))
    assert [checked.differences for checked in billing.check_all()] == [[]] * 12
    with db.transaction(readonly=True):
        assert audit.verify().broken is None


def test_two_closes_in_processes_of_their_own_make_each_bill_once(settings: Configured) -> None:
    ids = firms(8)
    ended = [each.wait() for each in closes(settings, 2)]
    assert [each.returncode for each in ended] == [0, 0], [each.stderr for each in ended]
    assert numbers() == whole(len(ids))


def test_an_organization_that_somebody_holds_is_billed_when_it_is_free() -> None:
    first, second = firms(2)
    held, free = threading.Event(), threading.Event()

    def hold() -> None:
        with db.transaction():
            db.session.execute(select(Organization.id).where(Organization.id == first).with_for_update(key_share=True))
            held.set()
            free.wait(20)

    holder = threading.Thread(target=hold)
    holder.start()
    assert held.wait(20)
    threading.Timer(0.3, free.set).start()
    assert closed(OCTOBER).issued == 2
    holder.join()
    assert {row[0] for row in told()} == {first, second}


def test_every_line_of_a_chunk_is_what_it_is_for_the_firm_alone() -> None:
    firms(3)
    with db.transaction():
        plan = a_plan(monthly="31.00", yearly="365.00", once="9.00", per_unit="0.02")
        changed = a_subscription(plan, started_at=moment("2026-10-11 09:00"))
        a_subscription(a_plan(plan.offering, slug="trial", monthly="12.00", trial_days=5), organization=buyer(changed))
        ended = a_subscription(a_plan(monthly="31.00"))
        subscriptions.cancel(ended, when="now", reason="", by=an_actor(), at=moment("2026-10-20 09:00"))
    with db.transaction(readonly=True):
        organizations = db.session.scalars(select(Organization).where(Organization.kind == "buyer")).all()
        for period in (OCTOBER, NOVEMBER):
            together = drafts.draw_up_all(organizations, period, cutoff=period.end)
            for organization in organizations:
                assert together[organization.id].lines == drafts.draw_up(organization, period, cutoff=period.end)
            subscribed = live_in_any([organization.id for organization in organizations], period)
            alone = [due for one in subscribed for due in charging.due_in(one, period)]
            assert charging.all_due(subscribed, period) == alone


@given(values=st.lists(st.tuples(st.integers(1, 31), st.integers(0, 10**12)), min_size=1, max_size=12))
@trying(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_totals_are_the_quantities_of_the_counters(values: list[tuple[int, int]]) -> None:
    with db.transaction():
        plan = a_plan(per_unit="0.01")
        subscription = a_subscription(plan)
        provider, regions = plan.offering.provider, Filter("region", ("gz",))
        meters = [
            a_meter(provider, f"m-{kind.value}", aggregation=kind, unit_size=size, dimensions=["region"])
            for kind, size in ((Aggregation.SUM, 7), (Aggregation.COUNT, 1000), (Aggregation.MAX, 1))
        ]
        for meter in meters:
            for place, (day, value) in enumerate(values):
                db.session.execute(
                    text(
                        "INSERT INTO usage_counters (subscription_id, meter_id, day, slice, count, sum, max, area) "
                        "VALUES (:s, :m, :d, :l, :n, :v, :v, 0) ON CONFLICT DO NOTHING"
                    ),
                    {"s": subscription.id, "m": meter.id, "d": OCTOBER.first_day.replace(day=day), "n": place + 1, "v": value,
                     "l": '["gz"]' if place % 2 else '["sz"]'},
                )  # fmt: skip
        period = Period(OCTOBER.start, local_midnight(OCTOBER.first_day.replace(day=20)))
        for only in (None, regions):
            services = [metering.Service(subscription.id, meter, period, only) for meter in meters]
            counted = metering.quantities([subscription.id], period, whole=OCTOBER, only=only)
            assert metering.totals(services) == [counted.get((subscription.id, meter.id), 0) for meter in meters]


def test_a_final_line_rated_again_at_its_cutoff_gives_the_same_fen() -> None:
    ids = firms(4)
    closed(OCTOBER)
    with db.transaction():
        for id in ids:
            bill = billing.bill_for(db.session.get_one(Organization, id), OCTOBER)
            assert bill is not None and billing.verify(bill) == []
            assert [billing.fen_of(line, billing.recompute(line, bill.organization)) for line in bill.lines] == [
                line.gross_fen for line in bill.lines
            ]


def test_a_dry_run_writes_nothing(settings: Configured) -> None:
    first, _ = firms(2)

    def everything() -> dict[str, list[tuple[Any, ...]]]:
        with db.transaction(readonly=True):
            return {
                table.name: [tuple(row) for row in db.session.execute(table.select())]
                for table in db.Base.metadata.sorted_tables
            }

    before = everything()
    with db.transaction(readonly=True):
        organization = db.session.get_one(Organization, first)
    found = billing.dry_run(organization, OCTOBER, now=after_grace(OCTOBER))
    shown = run(settings, "bill", "dry-run", str(first), "2026-10", "--json")
    assert shown.exit_code == 0 and f'"gross_fen": {found.split.gross}' in shown.output
    assert everything() == before
    closed(OCTOBER)
    assert [row[5] for row in told() if row[0] == first] == [line.gross_fen for line in found.lines]
    assert "There is no such organization" in run(settings, "bill", "dry-run", "999999", "2026-10").output


def test_the_command_says_what_could_not_be_billed(settings: Configured) -> None:
    done = run(settings, "bill", "close", "--processes", "2")
    assert (done.exit_code, done.output.strip()) == (0, "drafts 0, issued 0, overdue 0, failed 0")


def test_terms_that_cannot_be_read_are_the_only_thing_left_out() -> None:
    first, broken, last = firms(3)
    with db.transaction():
        plan = a_plan(monthly="30.00")
        db.session.execute(text("UPDATE subscriptions SET plan_id = :plan WHERE organization_id = :id"), {"plan": plan.id, "id": broken})
        plan.charges[0].terms = {"model": "unknown"}
    said = billing.close_due(after_grace(OCTOBER))
    assert (said.issued, [failure.organization_id for failure in said.failures]) == (2, [broken])
    assert "InvalidTerms" in str(said)
    assert {row[0] for row in told()} == {first, last}
