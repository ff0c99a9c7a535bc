"""`market usage`: usage from the shell."""

from __future__ import annotations

import csv
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import click
from sqlalchemy.exc import DBAPIError

from market import audit, billing, db, providers, resources
from market.cli.context import bar, database
from market.errors import NotFound
from market.metering import Outcome, uploads
from market.metering.uploads import File, FileUnreadable, ReportLine
from market.providers import Provider
from market.web import sheets

#: How many lines one transaction takes in.
AT_ONCE = 1000
_HEAD = ("line", "id", "status", "code", "message", "first_stored_at")


@click.group()
def usage() -> None:
    """Usage: what providers report."""


@usage.command("import")
@click.argument("file", type=click.File("rb"))
@click.option("--provider", "slug", required=True, help="Whose usage it is.")
@click.option("--source", required=True, help="The CloudEvents source of every event in the file.")
@click.option("--dry-run", is_flag=True, help="Judge every line and store nothing.")
@click.option("--report", type=click.File("w", encoding="utf-8-sig", lazy=True), help="Write a verdict for every line to this CSV file.")
def import_file(file: BinaryIO, slug: str, source: str, dry_run: bool, report: Any) -> None:
    """Take in a CSV or NDJSON file. Importing it again counts nothing twice.

    The exit code is 0 when every line is counted, and 1 when one is not.
    """
    if not file.seekable():
        raise click.ClickException("The file is read twice, so it cannot be a pipe. Save it first.")
    with database():
        provider = _begin(slug, file, source, dry_run)
        opened = _opened(file)
        writer = csv.writer(report) if report else None
        if writer:
            writer.writerow(_HEAD)
        counts, complaints = Counter[str](), list[ReportLine]()
        with _progress(file) as told:
            for lines in _taken_in(provider, opened, source, dry_run):
                counts.update(line.outcome for line in lines)
                complaints += [line for line in lines if line.outcome in ("refused", "conflict")][: 20 - len(complaints)]
                if writer:
                    writer.writerows([sheets.safe(cell) for cell in _row(line)] for line in lines)
                told()
        _end(provider, file, counts, dry_run)
    _tell(counts, complaints, dry_run)


def _begin(slug: str, file: BinaryIO, source: str, dry_run: bool) -> Provider:
    """The provider; that an import was begun is written down before the first line counts."""
    with db.transaction():
        try:
            provider = providers.provider_by_slug(slug)
        except NotFound as refusal:
            raise click.ClickException(f"There is no provider {slug}.") from refusal
        if not dry_run:
            after = {"file": _name(file), "source": source}
            audit.record("usage.import_started", provider, by=_by(provider), at=resources.clock.now(), after=after)
    return provider


def _opened(file: BinaryIO) -> File:
    try:
        return uploads.opened(file)
    except FileUnreadable as refusal:
        raise click.ClickException(f"{_name(file)}: {refusal}") from refusal


def _taken_in(provider: Provider, file: File, source: str, dry_run: bool) -> Iterator[list[ReportLine]]:
    for records in uploads.batches(file.records, AT_ONCE):
        try:
            with db.transaction():
                verdicts = uploads.judge(
                    provider, file.layout, records, source=source, now=resources.clock.now(),
                    closed_until=billing.closed_until, dry_run=dry_run,
                )  # fmt: skip
        except DBAPIError as error:
            raise click.ClickException(
                f"The database stopped at line {records[0].line}: {str(error.orig).strip()}\n"
                "What was counted stays. Run the same command again: it goes on there."
            ) from error
        yield uploads.report_lines(records, verdicts)


def _end(provider: Provider, file: BinaryIO, counts: Counter[str], dry_run: bool) -> None:
    if not dry_run:
        with db.transaction():
            after = {"file": _name(file), **{outcome.value: counts[outcome.value] for outcome in Outcome}}
            audit.record("usage.imported", provider, by=_by(provider), at=resources.clock.now(), after=after)


def _tell(counts: Counter[str], complaints: list[ReportLine], dry_run: bool) -> None:
    for line in complaints:
        click.echo(f"line {line.line}: {line.id or '(no id)'}: {line.code}: {line.message % line.params if line.params else line.message}", err=True)
    lost = counts[Outcome.REFUSED.value] + counts[Outcome.CONFLICT.value]
    if lost > len(complaints):
        click.echo(f"… and {lost - len(complaints):,} more; --report FILE lists them all.", err=True)
    told = ", ".join(f"{counts[outcome.value]:,} {outcome.value}" for outcome in Outcome)
    click.echo(f"{sum(counts.values()):,} lines: {told}." + (" Nothing was stored." if dry_run else ""))
    if lost:
        raise SystemExit(1)


def _row(line: ReportLine) -> tuple[object, ...]:
    return line.line, line.id, line.outcome, line.code, line.message % line.params if line.params else line.message, line.first


@contextmanager
def _progress(file: BinaryIO) -> Iterator[Any]:
    """A bar on standard error that follows how far the file has been read, silent where nobody watches."""
    total = os.fstat(file.fileno()).st_size
    with bar("import", total=total, unit="B", unit_scale=True) as seen:
        yield lambda: seen.update(min(file.tell(), total) - seen.n)


def _by(provider: Provider) -> audit.Actor:
    return audit.system("market usage import", organization_id=provider.organization_id)


def _name(file: BinaryIO) -> str:
    return Path(file.name).name
