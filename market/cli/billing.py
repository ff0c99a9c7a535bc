"""`market bill`: month close from the shell."""

from __future__ import annotations

import json
import os
from typing import Any

import click
from sqlalchemy import or_, select

from market import billing, db, resources
from market.accounts import Organization
from market.billing import DryRun
from market.cli.bill_verify import verify
from market.cli.context import bar, database, join
from market.kit import money
from market.kit.period import InvalidMonth, local_day, month


@click.group()
def bill() -> None:
    """Bills."""


@bill.command()
@click.option("--processes", type=click.IntRange(1, 64), help="How many work side by side; by default one for each core.")
def close(processes: int | None) -> None:
    """Draw up and issue every bill that is due. Running it twice is harmless, on two machines too."""
    with database(), bar("organizations") as seen:

        def told(done: int, total: int) -> None:
            seen.total = total
            seen.update(done - seen.n)

        # On SQLite writers take turns: more of them would only wait for each other.
        many = (processes or os.cpu_count() or 1) if db.on_postgresql() else 1
        report = billing.close_due(resources.clock.now(), told, clock=resources.present, processes=many, begin=join)
    click.echo(str(report))
    if report.failures:
        raise click.ClickException("Some could not be billed; the reasons stand above. The next run tries again.")


@bill.command("dry-run")
@click.argument("organization")
@click.argument("named", metavar="MONTH")
@click.option("--json", "as_json", is_flag=True, help="For programs; amounts in fen.")
def dry_run(organization: str, named: str, as_json: bool) -> None:
    """What the bill of ORGANIZATION (number, code or name) for MONTH (2026-10) would say now. Writes nothing."""
    with database():
        now = resources.clock.now()
        with db.transaction(readonly=True):
            firm = _firm(organization)
            try:
                period = billing.period_of(firm, month(named).end - (month(named).length / 2))
            except InvalidMonth as error:
                raise click.BadParameter(f"“{named}” is no month such as 2026-10.", param_hint="MONTH") from error
            found = billing.dry_run(firm, period, now=now)
    click.echo(json.dumps(_told(found), ensure_ascii=False, indent=2) if as_json else _table(found))


def _firm(named: str) -> Organization:
    wanted = [Organization.uscc == named.upper(), Organization.name == named]
    if named.isdigit():
        wanted.append(Organization.id == int(named))
    found = db.session.scalars(select(Organization).where(or_(*wanted)).limit(2)).all()
    if len(found) != 1:
        reason = "Several organizations are called that" if found else "There is no such organization"
        raise click.BadParameter(f"{reason}; give its number or its code.", param_hint="ORGANIZATION")
    return found[0]


def _told(found: DryRun) -> dict[str, Any]:
    return {
        "organization": found.organization.id,
        "month": found.period.label,
        "cutoff": found.cutoff.isoformat(),
        "over": found.over,
        "bill": found.bill and {"number": found.bill.number, "status": found.bill.status.value, "gross_fen": found.bill.gross_fen},
        "gross_fen": found.split.gross,
        "net_fen": found.split.net,
        "tax_fen": found.split.tax,
        "lines": [
            {
                "kind": line.kind.value, "subscription": line.label["subscription"], "charge": line.label["charge_zh"],
                "from": local_day(line.service_start).isoformat(), "until": local_day(line.service_end).isoformat(),
                "quantity": None if line.quantity is None else f"{line.quantity:f}", "exact": line.exact,
                "gross_fen": line.gross_fen, "tax_rate": line.tax_rate,
            }
            for line in found.lines
        ],
        "given_back_fen": -sum(line.gross_fen for line in found.rests),
    }  # fmt: skip


def _table(found: DryRun) -> str:
    rows = [
        f"{money.text(line.gross_fen):>14}  {line.label['offering_zh']} · {line.label['charge_zh']}"
        f"{'' if line.quantity is None else f' · {line.quantity:f} ' + line.label['unit_zh']}"
        for line in found.lines
    ]
    rows.append(f"{money.text(found.split.gross):>14}  {found.organization.name}, {found.period.label}, {len(found.lines)} lines")
    if found.rests:
        rows.append(f"{money.text(-sum(line.gross_fen for line in found.rests)):>14}  given back by credit notes")
    if found.bill is not None:
        rows.append(f"{money.text(found.bill.gross_fen):>14}  on the {found.bill.status.value} bill {found.bill.number or ''}".rstrip())
    return "\n".join([*rows, "Nothing was written."])


bill.add_command(verify)
