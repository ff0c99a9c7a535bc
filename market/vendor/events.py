"""`/vendor/events`: what came in and counted, event by event, as it arrives."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from flask import Blueprint, Response, g, render_template, request
from sqlalchemy import select

from market import accounts, billing, db, metering, resources, subscriptions
from market.billing import BillLine
from market.catalog import Meter
from market.errors import NotFound
from market.kit import period
from market.kit.period import SHANGHAI
from market.metering import UsageEvent, archives, corrections, uploads
from market.subscriptions import Subscription
from market.web import corrections as words
from market.web import errors, evidence, guards
from market.web.locale import here_with

bp = Blueprint("events", __name__, url_prefix="/events")

_LONGEST_NUMBER = 18


@dataclass(frozen=True)
class Asked:
    """The filters of an address: `?type=…&subscription=sub_…&id=…&from=2026-11-01&until=2026-11-30`."""

    type: str
    subscription: str
    id: str
    first: date | None
    last: date | None

    @property
    def anything(self) -> bool:
        """Whether the list is narrowed at all."""
        return bool(self.type or self.subscription or self.id or self.first or self.last)

    @property
    def period(self) -> period.Period | None:
        """The days asked for."""
        if self.first is None and self.last is None:
            return None
        first, last = self.first or date(2000, 1, 1), self.last or date(2999, 12, 31)
        return period.days(min(first, last), max(first, last))


class Counted(NamedTuple):
    """What an event was worth to a meter, and the bill it stands in; none while the month is running."""

    meter: Meter
    value: Decimal | None
    line: BillLine | None


@bp.get("/")
@guards.require("events.read")
def index() -> str:
    """The log of what counted, newest first."""
    wanted = asked()
    after = _after()
    customers = _named(wanted.subscription)
    narrowed = metering.Wanted(wanted.type, _number(wanted.subscription, customers), wanted.id, wanted.period)
    found = metering.stretch(g.provider, narrowed, sources=sources(), after=after, types=metering.types_of(g.provider))
    return render_template(
        "vendor/events/index.html",
        asked=wanted,
        found=found,
        older=here_with(after=found.more) if found.more else None,
        later=after is not None,
        gone=_gone(wanted, found),
        types=metering.types_of(g.provider),
        customers=_customers({event.subscription_id for event in found.events}),
        last_at=metering.last_event_at(g.provider),
        now_at=resources.clock.now(),
        live=after is None,
    )


@bp.get("/<int:id>")
@guards.require("events.read")
def show(id: int) -> str | tuple[str, int]:
    """One event for good: as it was sent, what it counted for, and in which bill it is; of an archived one, where it lies."""
    try:
        event = _event(id)
    except metering.EventsArchived as refusal:
        return render_template("vendor/events/archived.html", told=errors.translate(refusal)), refusal.status
    subscription = subscriptions.of_provider(g.provider, event.subscription_id)
    return render_template(
        "vendor/events/show.html",
        event=event,
        subscription=subscription,
        raw=json.dumps(as_sent(event, subscription), ensure_ascii=False, indent=2),
        receipt=json.dumps(_receipt(event, subscription), ensure_ascii=False, indent=2),
        counted=_counted(event),
        month=billing.period_of(subscription.organization, event.at).label,
        fixed=corrections.about(event.id),
        within=corrections.within(event.id) if event.corrects is not None else None,
        told=words.entries,
    )


@bp.get("/lines/<int:line>/events")
@guards.require("events.read")
def line(line: int) -> Response:
    """Every event that makes the quantity of a billed line, as the customer gets it."""
    return evidence.file(billing.bill_with_line(g.provider, line), line)


def asked() -> Asked:
    """The filters of this address; what makes no sense is as good as none."""
    texts = {name: request.args.get(name, "").strip().replace("\0", "")[:255] for name in ("type", "subscription", "id")}
    return Asked(**texts, first=_day("from"), last=_day("until"))


def sources() -> list[str]:
    """The sources under which this provider may report: those of its live keys, and that of its files."""
    keys = [key.source for key in accounts.keys_of(g.organization) if key.source and not key.test]
    return [*dict.fromkeys([*keys, uploads.own_source(g.provider)])]


def as_sent(event: UsageEvent, subscription: Subscription) -> dict[str, Any]:
    """The event as a CloudEvent again; decimals are text, so that no digit is lost."""
    return {
        "specversion": "1.0", "id": event.event_id, "source": event.source, "type": event.type,
        "subject": subscription.public_id, "time": event.at.astimezone(SHANGHAI).isoformat(), "data": event.data,
    }  # fmt: skip


def open_refused() -> int:
    """How many events wait to be mended; asked once for each page."""
    if "open_refused" not in g:
        g.open_refused = metering.unresolved_count(g.provider)
    return g.open_refused


def _receipt(event: UsageEvent, subscription: Subscription) -> dict[str, Any]:
    """What whoever sends it again is told."""
    first = {
        "stored_at": event.stored_at.isoformat(), "type": event.type, "subject": subscription.public_id,
        "time": event.at.isoformat(), "data": event.data,
    }  # fmt: skip
    return {"id": event.event_id, "source": event.source, "status": "duplicate", "first": first}


def _counted(event: UsageEvent) -> list[Counted]:
    """What each meter made of it, and the first bill that it went into."""
    worth = metering.worth(event, g.provider)
    lines = billing.lines_counting(
        event.subscription_id, [meter.id for meter, _value in worth], at=event.at, stored_at=event.stored_at
    )
    billed = dict(reversed(lines))
    return [Counted(meter, value, billed.get(meter.id)) for meter, value in worth]


def _event(id: int) -> UsageEvent:
    """Raises EventsArchived for one that lies in a file, NotFound for a stranger's."""
    try:
        return metering.event_of(g.provider, id)
    except NotFound:
        month = archives.of_event(g.provider, id)
        if month is None:
            raise
        raise metering.EventsArchived(month) from None


def _gone(wanted: Asked, found: metering.Stretch) -> tuple[str, str] | None:
    """The archived month, and its file, in which more of what is asked for lies."""
    month = metering.archived.within(wanted.period) if wanted.period else None
    if wanted.id and not found.events:
        month = metering.archived.of_id(g.provider.id, wanted.id, sources())
    return (str(month), metering.archived.file_of(month)) if month else None


def _customers(ids: Iterable[int]) -> dict[int, Subscription]:
    query = subscriptions.customers_of(g.provider).where(Subscription.id.in_(set(ids)))
    return {subscription.id: subscription for subscription in db.session.scalars(query)}


def _named(public_id: str) -> list[int]:
    query = select(Subscription.id).where(Subscription.provider_id == g.provider.id, Subscription.public_id == public_id)
    return list(db.session.scalars(query)) if public_id else []


def _number(public_id: str, found: list[int]) -> int | None:
    """The number of the subscription asked for; 0, which nothing has, for one that is not this provider's."""
    return (found[0] if found else 0) if public_id else None


def _after() -> UsageEvent | None:
    """The event that the address goes on after; a stranger's is as good as none."""
    text = request.args.get("after", "")
    if not (text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER):
        return None
    try:
        return metering.event_of(g.provider, int(text))
    except NotFound:
        return None


def _day(name: str) -> date | None:
    try:
        return date.fromisoformat(request.args.get(name, ""))
    except ValueError:
        return None
