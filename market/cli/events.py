"""`market usage verify`: are the counters what the events say, and is every event what it should be?"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
from sqlalchemy import select
from tqdm import tqdm

from market import db, metering
from market.catalog import Meter
from market.cli.context import database
from market.cli.usage import usage
from market.errors import NotFound
from market.metering import Looked
from market.subscriptions import Subscription

#: So many findings are written out; all are counted.
_MOST = 1000


@usage.command()
@click.option("--subscription", "name", help="Only this one, such as sub_….")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def verify(name: str | None, as_json: bool) -> None:
    """Work every counter out anew from the raw events, and check that every event has its identity.

    The exit code is 0 when all agree, and 1 when something does not. Usage may be reported meanwhile.
    """
    looked, told, number = Looked(), list[dict[str, Any]](), 0
    with database():
        only = _numbered(name) if name else None
        with _bars() as shown:
            for finding in metering.inspect(looked, shown, subscription_id=only):
                number += 1
                if number <= _MOST:
                    told.append(finding._asdict())
        _name(told)
    if as_json:
        report = {**looked.counts, "differences": number, "named": told}
        click.echo(json.dumps(report, indent=2, default=str, ensure_ascii=False))
    else:
        _say(looked, told, number)
    sys.exit(1 if number else 0)


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
            bars[what] = tqdm(desc=what, total=total, unit="", disable=None, dynamic_ncols=True)
        bars[what].update(number)

    try:
        yield told
    finally:
        for bar in bars.values():
            bar.close()
