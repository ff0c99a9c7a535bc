"""`market usage verify` and `archive`: are the counters what the events say; and old months of events as files."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from sqlalchemy import select

from market import audit, billing, db, metering, resources
from market.catalog import Meter
from market.cli.context import bar, database
from market.cli.usage import usage
from market.errors import NotFound
from market.kit.period import Period, month
from market.metering import Looked, archives
from market.subscriptions import Subscription

#: So many findings are written out; all are counted.
_MOST = 1000


@usage.command()
@click.option("--subscription", "name", help="Only this one, such as sub_….")
@click.option(
    "--archive", "folder", type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Where the files of archived months are; without it those months are not looked at.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def verify(name: str | None, folder: Path | None, as_json: bool) -> None:
    """Work every counter out anew from the raw events, and check that every event has its identity.

    The exit code is 0 when all agree, and 1 when something does not. Usage may be reported meanwhile.
    """
    looked, told, number = Looked(), list[dict[str, Any]](), 0
    with database():
        only = _numbered(name) if name else None
        with _bars() as shown:
            for finding in _findings(looked, shown, only, folder):
                number += 1
                if number <= _MOST:
                    told.append(finding._asdict())
        _name(told)
        left_out = 0 if folder else _archived_months()
    if as_json:
        report = {**looked.counts, "archived_months_left_out": left_out, "differences": number, "named": told}
        click.echo(json.dumps(report, indent=2, default=str, ensure_ascii=False))
    else:
        _say(looked, told, number)
        if left_out:
            click.echo(f"{left_out} archived months were left out; --archive FOLDER looks at them too.")
    sys.exit(1 if number else 0)


@usage.command()
@click.option("--before", "label", required=True, metavar="YYYY-MM", help="Months before this one.")
@click.option("--to", "folder", type=click.Path(file_okay=False, path_type=Path), help="Default: archive/ in the data folder.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
def archive(label: str, folder: Path | None, dry_run: bool) -> None:
    """Move the raw events of old months to Parquet files, whose counts and hashes are written into the audit trail.

    Only months that are 35 days past and whose bills are all final. A file is read back and compared before anything is
    taken out of the database; identities and counters stay. Stopped on the way, the same command goes on.
    """
    with database() as settings:
        before, now = month(label), resources.clock.now()
        to = (folder or settings.data_dir / "archive").resolve()
        found = archives.candidates(before, now=now, closed_until=billing.closed_until)
        for each in found:
            if each.reason:
                click.echo(f"{each.month.label}: {each.rows:,} events stay: {each.reason}")
            elif dry_run:
                click.echo(f"{each.month.label}: {each.rows:,} events would go to {archives.path_of(to, each.month)}")
            else:
                _archive(each.month, to, now)
    if not found:
        click.echo(f"No events from before {label} are in the database.")
    if any(each.reason for each in found):
        sys.exit(1)


def _archive(each: Period, to: Path, now: datetime) -> None:
    by = audit.system("market usage archive")
    try:
        with _bars() as shown:
            done = archives.archive(each, to, by=by, now=now, closed_until=billing.closed_until, told=shown)
    except archives.CannotArchive as refusal:
        raise click.ClickException(str(refusal)) from refusal
    except OSError as error:
        raise click.ClickException(f"{each.label} stays in the database: {error}") from error
    click.echo(f"{each.label}: {done.month.rows:,} events, {done.bytes:,} bytes, sha256 {done.month.hash}: {done.month.path}")


def _findings(looked: Looked, shown: Any, only: int | None, folder: Path | None) -> Iterator[metering.Finding]:
    yield from metering.inspect(looked, shown, subscription_id=only)
    if folder is not None:
        yield from archives.inspect(folder, shown, subscription_id=only)


def _archived_months() -> int:
    with db.transaction(readonly=True):
        return len(metering.archived.months())


def _numbered(name: str) -> int:
    with db.transaction(readonly=True):
        id = db.session.scalar(select(Subscription.id).where(Subscription.public_id == name))
    if id is None:
        raise NotFound(f"There is no subscription {name}.")
    return id


def _name(told: list[dict[str, Any]]) -> None:
    """Subscriptions and meters by the names that people know."""
    with db.transaction(readonly=True):
        keys = [each.pop("key") for each in told if "key" in each]
        subscriptions = {id: name for id, name in db.session.execute(
            select(Subscription.id, Subscription.public_id).where(Subscription.id.in_({key[0] for key in keys}))
        )}  # fmt: skip
        meters = {id: slug for id, slug in db.session.execute(select(Meter.id, Meter.slug).where(Meter.id.in_({key[1] for key in keys})))}
    for each, (subscription, meter, day, slice) in zip((each for each in told if "field" in each), keys, strict=True):
        each |= {"subscription": subscriptions.get(subscription, subscription), "meter": meters.get(meter, meter), "day": day}
        each |= {"slice": slice} if slice else {}


def _say(looked: Looked, told: list[dict[str, Any]], number: int) -> None:
    for each in told:
        if "field" in each:
            where = " ".join(str(each[name]) for name in ("subscription", "meter", "day", "slice") if name in each)
            click.echo(f"{where}: {each['field']} is {each['counted']}, the events say {each['expected']}")
        else:
            click.echo(f"event {each['event']} {each['id']}: {each['what']}")
    if number > len(told):
        click.echo(f"… and {number - len(told):,} more.")
    counts = ", ".join(f"{count:,} {what}" for what, count in looked.counts.items()) or "nothing"
    click.echo(f"Looked at {counts}. " + (f"{number:,} differences." if number else "Everything agrees."))


@contextmanager
def _bars() -> Iterator[Any]:
    """A bar for each part of a check, silent where nobody watches."""
    bars: dict[str, Any] = {}

    def told(what: str, total: int, number: int) -> None:
        if what not in bars:
            bars[what] = bar(what, total=total)
        bars[what].update(number)

    try:
        yield told
    finally:
        for each in bars.values():
            each.close()
