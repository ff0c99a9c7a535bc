"""Two workers on two hosts ask the same database what is due, at the same moment: everything is done once."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select

from market import db, metering
from market.audit import AuditEvent
from market.billing import Bill
from market.config import Settings
from market.metering import Looked, months
from tests.builders.billing import moment
from tests.builders.catalog import a_plan
from tests.builders.metering import report
from tests.builders.subscriptions import a_subscription
from tests.support.commands import begun

NOW = datetime(2026, 12, 10, 2, 0, tzinfo=UTC)


@pytest.mark.timeout(300)
def test_two_workers_do_everything_once(database: None, settings: Settings) -> None:
    with db.transaction():
        plan = a_plan(monthly="99.00", per_unit="0.01")
        for _ in range(4):
            subscription = a_subscription(plan)
            for day in ("2026-10-05 10:00", "2026-11-05 10:00"):
                report(subscription, next(charge.meter for charge in plan.charges if charge.meter), 3, at=moment(day))
    db.disconnect()
    (settings.data_dir / "clock").write_text(NOW.isoformat())
    environment = {
        "DATABASE_URL": settings.database_url, "MARKET_DATA_DIR": str(settings.data_dir),
        "MARKET_SECRET_KEY": settings.secret_key, "MARKET_TEST_CLOCK": "1",
    }  # fmt: skip
    ended = [each.wait() for each in [begun("worker", "--once", timeout=240, **environment) for _ in range(2)]]
    assert [each.returncode for each in ended] == [0, 0], [each.stderr for each in ended]
    db.connect(settings.database_url)
    with db.transaction(readonly=True):
        assert db.session.scalar(select(func.count()).select_from(Bill)) == 8
        issued = select(func.count()).select_from(AuditEvent).where(AuditEvent.action == "bill.issued")
        assert db.session.scalar(issued) == 8
        if db.engine().dialect.name == "postgresql":
            assert all(months.exists(months.month_of(moment(f"2026-{number}-05 10:00"))) for number in (10, 11, 12))
    assert list(metering.inspect(Looked(), lambda *_: None)) == []
