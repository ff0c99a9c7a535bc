"""`market usage archive`: a month leaves the database whole or not at all, and is still to be proved."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import func, select

from market import audit, billing, db, metering
from market.catalog import Meter
from market.catalog.models import Aggregation, TimeBase
from market.cli import main
from market.config import Settings
from market.kit.period import month
from market.metering import EventsArchived, Outcome, UsageEvent, archives, months
from market.metering.archives import files
from market.metering.models import ArchivedMonth, EventIdentity
from market.providers.models import Provider
from market.subscriptions import Subscription
from tests.builders.billing import closed, moment
from tests.builders.catalog import a_meter, a_plan
from tests.builders.metering import an_event, ingest, report
from tests.builders.subscriptions import a_subscription

OCTOBER, NOVEMBER = month("2026-10"), month("2026-11")
LATER = datetime(2027, 1, 10, 2, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Shop:
    """Usage of every kind in two months, whose bills are final."""

    runner: CliRunner
    folder: Path
    url: str

    def run(self, *arguments: str) -> tuple[int, str]:
        result = self.runner.invoke(main, ["usage", *arguments])
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        db.connect(self.url)
        return result.exit_code, result.output

    def archive(self, before: str = "2026-12") -> tuple[int, str]:
        return self.run("archive", "--before", before, "--to", str(self.folder))

    def differences(self) -> list[dict[str, Any]]:
        _code, said = self.run("verify", "--json", "--archive", str(self.folder))
        return list(json.loads(said)["named"])

    def left(self) -> int:
        with db.transaction(readonly=True):
            return db.session.scalar(select(func.count()).select_from(UsageEvent)) or 0


@pytest.fixture
def shop(database: None, settings: Settings, clock: Any, tmp_path: Path) -> Shop:
    with db.transaction():
        plan = a_plan(per_unit="0.01")
        provider = plan.offering.provider
        gauge = a_meter(provider, "disk", aggregation=Aggregation.TIME_WEIGHTED, time_base=TimeBase.HOUR, dimensions=["region"])
        users = a_meter(provider, "users", aggregation=Aggregation.UNIQUE_COUNT)
        subscriptions = [a_subscription(plan) for _ in range(2)]
        for day in ("2026-10-05 10:00", "2026-10-31 23:59", "2026-11-01 00:00", "2026-11-20 09:00"):
            for number, subscription in enumerate(subscriptions):
                for meter in (plan.charges[0].meter, gauge, users):
                    report(subscription, meter, 3, at=moment(day), id=f"{day}-{number}-{meter.slug}")
    if db.engine().dialect.name == "postgresql":
        months.prepare(moment("2026-11-20 10:00"))
    closed(OCTOBER)
    closed(NOVEMBER)
    (settings.data_dir / "clock").write_text(LATER.isoformat())
    env = {
        "DATABASE_URL": settings.database_url, "MARKET_DATA_DIR": str(settings.data_dir),
        "MARKET_SECRET_KEY": settings.secret_key, "MARKET_TEST_CLOCK": "1",
    }  # fmt: skip
    return Shop(CliRunner(env=env), tmp_path / "archive", settings.database_url)


def test_months_go_into_files_and_can_still_be_proved(shop: Shop) -> None:
    code, said = shop.run("archive", "--before", "2026-12", "--to", str(shop.folder), "--dry-run")
    assert code == 0 and "2026-10: 12 events would go to" in said and shop.left() == 24
    assert shop.archive("2026-11")[0] == 0
    assert shop.left() == 12
    assert shop.differences() == []
    code, said = shop.archive()
    assert code == 0, said
    assert shop.left() == 0 and shop.differences() == []
    with db.transaction(readonly=True):
        assert db.session.scalar(select(func.count()).select_from(EventIdentity)) == 24
        [first, second] = db.session.scalars(select(ArchivedMonth).order_by(ArchivedMonth.month))
        told = [event.after for event in db.session.scalars(audit.events(action="usage.archived"))]
        assert {each["sha256"] for each in told} == {first.hash, second.hash} and first.cleared_at is not None
    manifest = json.loads((shop.folder / "events-2026-10.json").read_text())
    assert (manifest["rows"], manifest["hash"]) == (12, first.hash)
    assert "2 archived months were left out" in shop.run("verify")[1]
    assert shop.archive() == (0, "No events from before 2026-12 are in the database.\n")


def test_a_resent_event_is_still_a_duplicate_and_nothing_pretends_that_there_was_nothing(shop: Shop) -> None:
    shop.archive()
    with db.transaction():
        subscription = db.session.scalars(select(Subscription).order_by(Subscription.id)).first()
        meter = db.session.scalars(select(Meter).where(Meter.slug == "disk")).one()
        assert subscription is not None
        provider = db.session.get_one(Provider, subscription.provider_id)
        event = an_event(subscription, meter, 3, at=moment("2026-10-05 10:00"), id="2026-10-05 10:00-0-disk")
        [again] = ingest(provider, [event], now=LATER)
        assert again.outcome is Outcome.DUPLICATE and again.first is not None and again.first.data is None
        [other] = ingest(provider, [event | {"data": {"value": 4}}], now=LATER)
        assert other.outcome is Outcome.CONFLICT
        for ask in (
            lambda: metering.replay(subscription, meter, OCTOBER, stored_by=LATER, whole=OCTOBER),
            lambda: metering.proved(subscription, meter, OCTOBER, stored_by=LATER),
            lambda: metering.rework([(subscription.id, meter.id, OCTOBER.first_day.replace(day=5))]),
        ):
            with pytest.raises(EventsArchived, match="2026-10"):
                ask()


def test_what_a_gauge_carries_in_from_an_archived_month_still_counts(shop: Shop) -> None:
    def replayed() -> object:
        with db.transaction(readonly=True):
            subscription = db.session.scalars(select(Subscription).order_by(Subscription.id)).first()
            meter = db.session.scalars(select(Meter).where(Meter.slug == "disk")).one()
            assert subscription is not None
            asked = metering.quantity(subscription, meter, NOVEMBER, until=LATER)
            assert asked == metering.replay(subscription, meter, NOVEMBER, stored_by=LATER, whole=NOVEMBER)
            return asked

    before = replayed()
    shop.archive("2026-11")
    assert replayed() == before


def test_a_month_that_is_not_final_stays(shop: Shop, settings: Settings) -> None:
    with db.transaction():
        subscription = a_subscription(a_plan(per_unit="0.01"))
        [meter] = db.session.scalars(select(Meter).where(Meter.provider_id == subscription.provider_id))
        report(subscription, meter, 3, at=moment("2026-10-07 10:00"))
    code, said = shop.archive("2026-11")
    assert code == 1 and "2026-10: 13 events stay: 1 organizations have no final bill" in said
    assert shop.left() == 25
    (settings.data_dir / "clock").write_text("2026-12-04T02:00:00+00:00")
    assert "35 days" in shop.archive("2026-12")[1]


def test_a_file_that_was_changed_is_found(shop: Shop) -> None:
    shop.archive()
    path = shop.folder / "events-2026-10.parquet"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    assert [each["what"] for each in shop.differences()] == ["archive file is not what was written"]
    path.unlink()
    assert "archive file is not in" in shop.differences()[0]["what"]


@pytest.mark.parametrize("last", ["written", "compared", "taken out"])
def test_stopped_anywhere_it_ends_well_the_next_time(shop: Shop, last: str) -> None:
    class Killed(BaseException):
        pass

    def told(step: str, _total: int, _number: int) -> None:
        if step == last:
            raise Killed

    with pytest.raises(Killed) if last != "taken out" or db.engine().dialect.name == "sqlite" else db.reading():
        archives.archive(
            OCTOBER, shop.folder, by=audit.system("test"), now=LATER, closed_until=billing.closed_until, told=told
        )
    with db.transaction(readonly=True):
        known = metering.archived.month_at(OCTOBER.start)
    assert (known is None) == (last != "taken out")
    code, said = shop.archive()
    assert code == 0, said
    assert shop.left() == 0 and shop.differences() == []
    assert not list(shop.folder.glob("*.part"))


def test_a_row_that_the_file_has_otherwise_keeps_the_month(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(path: Path) -> Any:
        rows = list(real(path))
        return iter([*rows[:-1], rows[-1]._replace(data={"value": 4})])

    real = files.read
    monkeypatch.setattr(files, "read", read)
    with pytest.raises(archives.CannotArchive, match="does not say what the database says"):
        archives.archive(
            OCTOBER, shop.folder, by=audit.system("test"), now=LATER, closed_until=billing.closed_until, told=lambda *_: None
        )
    assert shop.left() == 24
