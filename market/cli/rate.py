"""`market rate`: what use costs on a plan, with its working, from two files and nothing else."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO

import click

from market import rating
from market.catalog import Filter
from market.catalog.seed import Charge, PricedPlan, SeedInvalid, plans_in
from market.errors import Invalid
from market.kit import money, quantity
from market.kit.period import InvalidMonth, Period, month
from market.kit.refusal import Refusal
from market.metering import offline
from market.rating import Percentage, Rated, Share, Transactions, Used

_SIMPLE = {"charge": "charge", "收费项目": "charge", "quantity": "quantity", "数量": "quantity", "count": "count", "笔数": "count"}
_MOST_COMPLAINTS = 20


@dataclass(frozen=True)
class Line:
    """One charge of one month."""

    charge: Charge
    rated: Rated

    def unit(self, plan: PricedPlan, locale: str) -> str:
        """What its meter counts in."""
        meter = plan.meters.get(self.charge.meter)
        return "" if meter is None else meter.unit_en if locale == "en" else meter.unit_zh


@dataclass(frozen=True)
class Month:
    """What a month comes to; without a label it is any month."""

    label: str
    lines: list[Line]

    @property
    def fen(self) -> int:
        """All lines."""
        return sum(line.rated.fen for line in self.lines)


@click.command()
@click.argument("plan_file", metavar="PLAN.toml", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("usage_file", metavar="[USAGE.csv]", type=click.File("rb"), required=False)
@click.option("--plan", "slug", default="", help="Which plan of the file; needed where there are several.")
@click.option("--month", "label", default="", help="Only this month of the events, such as 2026-10.")
@click.option("--days", default="", metavar="N/M", help="Only N of the month's M days are paid for, such as 20/31.")
@click.option("--units", type=click.IntRange(1), default=1, help="Seats or other units of a plan sold by quantity.")
@click.option("--lang", type=click.Choice(["zh", "en"]), default="zh", show_default=True, help="Language of the working.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def rate(
    plan_file: Path, usage_file: BinaryIO | None, slug: str, label: str, days: str, units: int, lang: str, as_json: bool
) -> None:
    """Work out what usage costs on a plan, line by line, exactly as bills do. Needs no database.

    PLAN.toml is an offering of the catalogue (catalog_seed) or any file with [[plans]] and [[meters]]. USAGE.csv is
    what `market usage import` reads, or has the columns charge,quantity (and count, where a percentage of
    transactions is charged; each line is one transaction without it). Without a file the plan's usual month is rated.
    """
    plan, share = _plan(plan_file, slug), _share(days)
    months = [_month(plan, name, used, share, units) for name, used in _used(plan, usage_file, label)]
    if as_json:
        click.echo(json.dumps(_told(plan, months, lang), ensure_ascii=False, indent=2))
    else:
        for text in _printed(plan, months, lang):
            click.echo(text)


# --- the plan --------------------------------------------------------------------------------


def _plan(file: Path, slug: str) -> PricedPlan:
    try:
        plans = plans_in(file)
    except SeedInvalid as refusal:
        raise click.ClickException("\n".join(refusal.problems)) from refusal
    named = [plan for plan in plans if plan.slug == slug] if slug else plans
    if len(named) != 1:
        known = ", ".join(plan.slug for plan in plans)
        raise click.ClickException(f"{file}: " + (f"there is no plan {slug}." if slug else "there are several plans.") + f" Choose one with --plan: {known}.")
    return named[0]


def _share(days: str) -> Share:
    if not days:
        return rating.WHOLE
    some, slash, full = days.partition("/")
    if not slash or not some.isdecimal() or not full.isdecimal() or not 0 < int(some) <= int(full) <= 366:
        raise click.ClickException(f"--days: “{days}” is not a number of days out of others, such as 20/31.")
    return Share(Fraction(int(some), int(full)), int(some), int(full))


# --- what was used ---------------------------------------------------------------------------


def _used(plan: PricedPlan, file: BinaryIO | None, label: str) -> Iterator[tuple[str, dict[str, Used]]]:
    """What was used in each month, by charge."""
    if file is None:
        yield "", {charge.slug: _usual(charge) for charge in plan.charges if charge.meter}
    elif simple := _simple(file):
        yield "", _quantities(plan, Path(file.name).name, simple)
    else:
        yield from _metered(plan, file, label)


def _usual(charge: Charge) -> Used:
    usual = Decimal(charge.typical)
    if isinstance(rating.parse(charge.terms), Percentage):
        return Transactions.guessed(usual, None, usual, charge.typical_count)
    return usual


def _simple(file: BinaryIO) -> list[tuple[int, dict[str, str]]]:
    """The rows of a plain table of charges, with the lines they stand on; nothing if it is a file of events."""
    text = file.read()
    file.seek(0)
    try:
        written = text.decode("utf-8-sig")
    except UnicodeDecodeError:
        written = text.decode("gb18030", "replace")
    reader = csv.reader(io.StringIO(written, newline=""))
    columns = [_SIMPLE.get(name.strip().casefold(), "") for name in next(reader, [])]
    if not {"charge", "quantity"} <= set(columns):
        return []
    return [
        (reader.line_num, {name: cell.strip() for name, cell in zip(columns, row, strict=False) if name})
        for row in reader if any(map(str.strip, row))
    ]  # fmt: skip


def _quantities(plan: PricedPlan, file: str, rows: list[tuple[int, dict[str, str]]]) -> dict[str, Used]:
    metered = {charge.slug: charge for charge in plan.charges if charge.meter}
    found: dict[str, list[tuple[int, Decimal]]] = {}
    problems = []
    for line, row in rows:
        name = row.get("charge", "")
        if name not in metered:
            problems.append(f"{file}: line {line}: charge: “{name}” is none of this plan's metered charges ({', '.join(metered)}).")
            continue
        amount = _number(row.get("quantity", ""), f"{file}: line {line}: quantity", problems)
        count = _number(row.get("count") or "1", f"{file}: line {line}: count", problems)
        if count % 1 or not count:
            problems.append(f"{file}: line {line}: count: a whole number of transactions, at least 1.")
        found.setdefault(name, []).append((int(count), amount))
    _refuse(problems)
    return {name: _together(metered[name], groups) for name, groups in found.items()}


def _together(charge: Charge, groups: list[tuple[int, Decimal]]) -> Used:
    if isinstance(rating.parse(charge.terms), Percentage):
        return Transactions(tuple(groups))
    return sum((amount for _, amount in groups), Decimal(0))


def _number(text: str, place: str, problems: list[str]) -> Decimal:
    try:
        number = quantity.parse(text)
    except Refusal as refusal:
        problems.append(f"{place}: {refusal}")
        return Decimal(1)
    if number < 0:
        problems.append(f"{place}: {text} is less than 0.")
        return Decimal(1)
    return number


def _metered(plan: PricedPlan, file: BinaryIO, label: str) -> Iterator[tuple[str, dict[str, Used]]]:
    name = Path(file.name).name
    try:
        wanted = [month(label)] if label else []
        found = offline.read(file, plan.meters.values())
    except InvalidMonth as refusal:
        raise click.ClickException(f"--month: {refusal}") from refusal
    except Invalid as refusal:
        raise click.ClickException(f"{name}: {refusal}") from refusal
    _refuse([f"{name}: line {each.line}: {each.message % each.params if each.params else each.message}" for each in found.complaints])
    if found.repeated:
        click.echo(f"{name}: {found.repeated} lines repeat another and count once.", err=True)
    for period in wanted or offline.months(found):
        yield period.label, {charge.slug: _counted(plan, charge, found, period) for charge in plan.charges if charge.meter}


def _counted(plan: PricedPlan, charge: Charge, found: offline.Read, period: Period) -> Used:
    meter, readings = plan.meters[charge.meter], found.readings.get(charge.meter, ())
    only = Filter(charge.filter_property, tuple(charge.filter_values)) if charge.filter_property else None
    terms = rating.parse(charge.terms)
    if isinstance(terms, Percentage):
        single = offline.transactions(meter, readings, period, only)
        return single if terms.each else Transactions.alike(single.count, offline.quantity(meter, readings, period, only))
    return offline.quantity(meter, readings, period, only)


def _refuse(problems: Sequence[str]) -> None:
    if problems:
        more = [f"… and {len(problems) - _MOST_COMPLAINTS:,} more."] if len(problems) > _MOST_COMPLAINTS else []
        raise click.ClickException("\n".join([*problems[:_MOST_COMPLAINTS], *more]))


# --- what it costs ---------------------------------------------------------------------------


def _month(plan: PricedPlan, label: str, used: Mapping[str, Used], share: Share, units: int) -> Month:
    lines = []
    for charge in plan.charges:
        terms = rating.times(rating.parse(charge.terms), Decimal(units))
        whole = isinstance(terms, rating.Flat) and terms.interval == "year"
        part = rating.WHOLE if whole else share
        lines.append(Line(charge, rating.rate(terms, used.get(charge.slug, Decimal(0)), share=part)))
    return Month(label, lines)


def _printed(plan: PricedPlan, months: Sequence[Month], lang: str) -> Iterator[str]:
    for each in months:
        yield " · ".join(part for part in (plan.name_en if lang == "en" else plan.name_zh, plan.slug, each.label) if part)
        for line in each.lines:
            name = line.charge.name_en if lang == "en" else line.charge.name_zh
            yield f"  {name} ({line.charge.slug})  ¥{money.text(line.rated.fen)}"
            for step in rating.explain(line.rated.steps, line.unit(plan, lang), lang):
                yield f"    {step}"
        yield f"  {'Total' if lang == 'en' else '合计'} ¥{money.text(each.fen)}"
    if not months:
        yield "No events, so there is nothing to rate."


def _told(plan: PricedPlan, months: Sequence[Month], lang: str) -> dict[str, Any]:
    return {
        "plan": plan.slug,
        "months": [
            {"month": each.label or None, "lines": [_line(plan, line, lang) for line in each.lines], "total_fen": each.fen}
            for each in months
        ],
    }


def _line(plan: PricedPlan, line: Line, lang: str) -> dict[str, Any]:
    rated = line.rated
    told = {
        "charge": line.charge.slug,
        "terms": rating.dump(rated.terms),
        "quantity": None if isinstance(rated.terms, rating.Flat) else quantity.text(rated.quantity),
        "steps": rating.dump_steps(rated.steps),
        "working": list(rating.explain(rated.steps, line.unit(plan, lang), lang)),
        "exact": rating.exact_text(rated.exact),
        "fen": rated.fen,
    }
    return told | ({"transactions": rated.transactions.dump()} if rated.transactions is not None else {})
