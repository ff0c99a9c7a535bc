"""`market audit`: is the trail as it was written?"""

from __future__ import annotations

import json
import re
import sys

import click

from market import audit as trail
from market import db
from market.cli.context import bar, database


class _HeadType(click.ParamType[trail.Head]):
    """POSITION:HASH, as the public page shows it."""

    name = "POSITION:HASH"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> trail.Head:
        found = re.fullmatch(r"([1-9][0-9]{0,17}):([0-9a-fA-F]{64})", value.strip())
        if found is None:
            self.fail(f"{value!r} is not a position and 64 hex digits, such as 1204:9f86d081…", param, ctx)
        return trail.Head(int(found[1]), found[2].lower(), "given by hand")


@click.group()
def audit() -> None:
    """The trail of who did what."""


@audit.command()
@click.option("--head", "heads", type=_HeadType(), multiple=True, help="A head noted down before; may be repeated.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def verify(heads: tuple[trail.Head, ...], as_json: bool) -> None:
    """Walk the whole chain and name the first row that is not as it was sealed. Exits 1 when there is one."""
    with database(), db.transaction(readonly=True):
        total = trail.chain_length()
        with bar("audit trail", total=total, unit="row") as seen:
            report = trail.verify(heads, told=seen.update)
    click.echo(json.dumps(report.as_json(), indent=2) if as_json else _words(report))
    sys.exit(0 if report.whole else 1)


def _words(report: trail.Report) -> str:
    if report.broken is not None:
        return f"BROKEN at {report.broken}\n{report.rows} rows before it are whole."
    told = f"{report.rows} rows are as they were sealed. Head: {report.rows}:{report.hash}"
    if report.heads:
        told += f"\n{report.heads} published heads agree."
    if report.erased:
        told += f"\nIn {report.erased} rows the names of people were erased, with a record of it."
    return told
