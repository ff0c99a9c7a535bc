"""`/console/days`: every day's usage of one item, which state it is in, and saying that it is right or wrong."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import TextAreaField

from market import billing, metering, resources, subscriptions
from market.catalog import Meter
from market.console import parts
from market.errors import MarketError, NotFound
from market.kit import period as periods
from market.kit.period import Period, local_day
from market.metering import reconciliation
from market.metering.reconciliation import DayStatus, ReconciledDay
from market.subscriptions import Subscription
from market.web import formats, forms, guards

bp = Blueprint("days", __name__, url_prefix="/days")

Answer = Response | str | tuple[str, int]


class ObjectForm(forms.MarketForm):
    """What is wrong with a day."""

    reason = TextAreaField(_l("哪里不对"), [forms.Filled(_l("写明哪里不对，服务商会看到")), forms.NotLongerThan(500)])


class Row(NamedTuple):
    """A day as it is shown."""

    day: date
    used: Decimal
    status: DayStatus
    said: ReconciledDay | None
    may_object: bool
    may_accept: bool
    open_until: datetime


class Item(NamedTuple):
    """A meter of a subscription that is used."""

    subscription: Subscription
    meter: Meter

    @property
    def of(self) -> str:
        """As it stands in an address."""
        return f"{self.subscription.public_id}/{self.meter.id}"


@bp.get("/")
@guards.require("usage.read")
def index() -> str:
    """A month of one item, day by day."""
    items, now = _items(), resources.clock.now()
    item, mine = _chosen(items), list({each.subscription.id: each.subscription for each in items}.values())
    period = _month(now)
    return render_template(
        "console/days/index.html", items=items, item=item, period=period,
        rows=_rows(item, period, now) if item else [], objection_days=resources.settings.objection_days,
        before=periods.local_day(period.start - timedelta(days=1)),
        after=local_day(period.end) if period.end <= now else None, name=lambda each: _name(each, mine),
    )  # fmt: skip


@bp.get("/<int:subscription_id>/<int:meter_id>/<day>/object")
@guards.require("usage.confirm")
def new(subscription_id: int, meter_id: int, day: str) -> str:
    """A day and a box for what is wrong with it."""
    return _page(_item(subscription_id, meter_id), _date(day), ObjectForm(formdata=None))


@bp.post("/<int:subscription_id>/<int:meter_id>/<day>/object")
@guards.require("usage.confirm")
def create(subscription_id: int, meter_id: int, day: str) -> Answer:
    """Object."""
    item, form = _item(subscription_id, meter_id), ObjectForm()
    if not form.validate():
        return _page(item, _date(day), form), 422
    try:
        found = reconciliation.dispute(
            item.subscription, item.meter, _date(day), reason=form.reason.data, user=g.user, by=g.actor, now=resources.clock.now()
        )
    except MarketError as refusal:
        form.refuse(refusal)
        return _page(item, _date(day), form), refusal.status
    flash(_("异议已告诉服务商，对方会在这里回复。"), "ok")
    return redirect(_where(found), 303)


@bp.post("/<int:subscription_id>/<int:meter_id>/<day>/accept")
@guards.require("usage.confirm")
def accept(subscription_id: int, meter_id: int, day: str) -> Response:
    """Agree with a day before time does it."""
    item, now = _item(subscription_id, meter_id), resources.clock.now()
    found = reconciliation.accept(item.subscription, item.meter, _date(day), user=g.user, by=g.actor, now=now)
    flash(_("已确认 %(date)s 的用量。", date=formats.date(found.day, short=True)), "ok")
    return redirect(_where(found), 303)


@bp.post("/<int:id>/settle")
@guards.require("usage.confirm")
def settle(id: int) -> Response:
    """Be content."""
    found = reconciliation.day_of(g.organization, id)
    reconciliation.settle(found, by=g.actor, now=resources.clock.now())
    flash(_("异议已解决。"), "ok")
    return redirect(_where(found), 303)


def _items() -> list[Item]:
    """Every measured item of the firm's subscriptions, in their order."""
    found = [
        Item(one, charge.meter)
        for one in subscriptions.subscriptions_of(g.organization)
        if one.started_at is not None
        for charge in one.plan.charges
        if charge.meter is not None
    ]
    return list({item.of: item for item in found}.values())


def _chosen(items: Sequence[Item]) -> Item | None:
    of = request.args.get("of", "")
    for item in items:
        if of in ("", item.of):
            return item
    if of:
        raise NotFound
    return None


def _item(subscription_id: int, meter_id: int) -> Item:
    """One of them. Raises NotFound."""
    for item in _items():
        if (item.subscription.id, item.meter.id) == (subscription_id, meter_id):
            return item
    raise NotFound


def _date(day: str) -> date:
    """The day of an address. Raises NotFound."""
    try:
        found = date.fromisoformat(day)
    except ValueError:
        raise NotFound from None
    if not 2000 <= found.year < 2100:
        raise NotFound
    return found


def _month(now: datetime) -> Period:
    label = request.args.get("month", "")
    at = periods.month(label[:7]).end - timedelta(microseconds=1) if label else now
    return billing.period_of(g.organization, at)


def _rows(item: Item, period: Period, now: datetime) -> list[Row]:
    """The days so far, the newest first."""
    used = metering.daily(item.subscription, item.meter, period, until=now)
    told = reconciliation.states(item.subscription.id, [item.meter], period, now=now)
    started = local_day(item.subscription.started_at or now)
    rows = [
        Row(
            day, amount, told.of(item.meter, day), told.row(item.meter, day), told.may_object(item.meter, day),
            day < local_day(now) and told.of(item.meter, day) is DayStatus.REPORTED, told.open_until(item.meter, day),
        )
        for day, amount in used
        if started <= day <= local_day(now)
    ]  # fmt: skip
    return rows[::-1]


def _page(item: Item, day: date, form: ObjectForm) -> str:
    used = metering.daily(item.subscription, item.meter, periods.days(day, day), until=resources.clock.now())
    return render_template(
        "console/days/new.html", item=item, day=day, form=form, used=used[0][1], name=_name(item, subscriptions.subscriptions_of(g.organization)),
    )  # fmt: skip


def _name(item: Item, mine: Iterable[Subscription]) -> str:
    return f"{parts.named(item.subscription, mine)} · {formats.local(item.meter, 'name')}"


def _where(found: ReconciledDay) -> str:
    subscription = next(one for one in subscriptions.subscriptions_of(g.organization) if one.id == found.subscription_id)
    return url_for(".index", of=f"{subscription.public_id}/{found.meter_id}", month=f"{found.day:%Y-%m}")
