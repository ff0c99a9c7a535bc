"""Usage from the shell: `market usage import`."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from sqlalchemy import func, select

from market import db
from market.audit import AuditEvent
from market.config import Settings
from market.metering import UsageEvent
from tests.builders.accounts import EARLY
from tests.builders.catalog import a_plan
from tests.builders.subscriptions import a_subscription
from tests.cli.test_people import run
from tests.conftest import PRESENT


def test_a_file_is_imported_once_and_what_is_wrong_is_told(database: object, settings: Settings, tmp_path: Path) -> None:
    with db.transaction():
        subscription = a_subscription(a_plan(per_unit="0.01"), started_at=EARLY)
        provider, type = subscription.plan.offering.provider.slug, subscription.plan.charges[0].meter.event_type
    at = (PRESENT - timedelta(days=1)).isoformat()
    rest = f",{type},{subscription.public_id},{at},"
    good = f"a{rest}2\n"
    file, report = tmp_path / "usage.csv", tmp_path / "report.csv"
    file.write_text("id,type,subject,time,value\n" + good, encoding="utf-8-sig")
    named = ("usage", "import", str(file), "--provider", provider, "--source", "files")
    assert "1 accepted" in run(settings, *named, "--dry-run").output and stored() == 0
    assert (done := run(settings, *named)).exit_code == 0 and "1 lines: 1 accepted" in done.output
    file.write_text("id,type,subject,time,value\n" + good + f"=b{rest}-2\n")
    again = run(settings, *named, "--report", str(report))
    assert again.exit_code == 1 and "1 duplicate, 0 conflict, 1 refused" in again.output and "line 3: =b: negative" in again.output
    assert "'=b" in report.read_text(encoding="utf-8-sig") and stored() == 1
    with db.transaction(readonly=True):
        actions = db.session.scalars(select(AuditEvent.action).where(AuditEvent.kind == "usage").order_by(AuditEvent.id)).all()
    assert actions == ["usage.import_started", "usage.imported"] * 2
    assert "There is no provider none." in run(settings, *named[:3], "--provider", "none", "--source", "x").output
    file.write_bytes(b"PK\x03\x04")
    assert run(settings, *named).exit_code == 1


def stored() -> int:
    with db.transaction(readonly=True):
        return db.session.scalar(select(func.count()).select_from(UsageEvent)) or 0
