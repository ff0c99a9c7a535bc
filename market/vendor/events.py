"""`/vendor/events`: what came in, what was not counted and why, and a sample to copy."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from flask import Blueprint, g, render_template, request
from flask_babel import gettext as _
from sqlalchemy import select

from market import accounts, catalog, db, metering, resources, subscriptions
from market.accounts import ApiKey
from market.catalog import Aggregation, Meter
from market.subscriptions import LIVE, Subscription
from market.web import guards, paging

bp = Blueprint("events", __name__, url_prefix="/events")

#: How far back the badge counts what is still not mended.
RECENT = timedelta(days=30)


@bp.get("/")
@guards.require("events.read")
def index() -> str:
    """The log: counted events, or those that were refused."""
    refused = request.args.get("view") == "refused"
    statement = metering.refused_of(g.provider, unresolved=True) if refused else metering.events_of(g.provider)
    page = paging.page_of(statement, size=30)
    return render_template(
        "vendor/events/index.html",
        refused=refused,
        events=page,
        customers={} if refused else _customers({event.subscription_id for event in page}),
        unresolved=metering.unresolved_count(g.provider, since=resources.clock.now() - RECENT),
        last_at=metering.last_event_at(g.provider),
        sample=_sample(),
        reasons=metering.REASONS,
    )


def _customers(ids: set[int]) -> dict[int, Subscription]:
    query = subscriptions.customers_of(g.provider).where(Subscription.id.in_(ids))
    return {subscription.id: subscription for subscription in db.session.scalars(query)}


def _sample() -> dict[str, Any]:
    """A command with this provider's own key prefix, meter and subscription, as far as they exist."""
    key = next((key for key in accounts.keys_of(g.organization) if _writes(key)), None)
    meter = next(iter(catalog.meters_of(g.provider)), None)
    live = select(Subscription.public_id).where(
        Subscription.provider_id == g.provider.id, Subscription.status.in_(LIVE)
    )
    subject = db.session.scalar(live.order_by(Subscription.id.desc()).limit(1))
    event = {
        "specversion": "1.0", "id": "test-0001", "source": key.source if key else "/…",
        "type": meter.event_type if meter else "…", "subject": subject or "sub_…", "data": _data(meter),
    }  # fmt: skip
    command = (
        f"curl '{resources.settings.base_url}/api/v1/events?dry_run=1' \\\n"
        f"  -H 'Authorization: Bearer {key.prefix if key else 'mk_'}…' \\\n"
        "  -H 'Content-Type: application/cloudevents+json' \\\n"
        "  -H 'Accept: application/json' \\\n"
        f"  -d '{json.dumps(event, ensure_ascii=False, indent=2)}'"
    )
    missing = [
        text for there, text in (
            (key, _("一个有“上报用量”权限的密钥")), (meter, _("一个计量项")), (subject, _("一项在用的订阅"))
        ) if not there
    ]  # fmt: skip
    return {"command": command, "missing": missing, "key": key}


def _writes(key: ApiKey) -> bool:
    return key.works(resources.clock.now()) and "events:write" in key.scopes


def _data(meter: Meter | None) -> dict[str, Any]:
    if meter is None or meter.aggregation is Aggregation.COUNT:
        return {}
    return {meter.value_property: 1}
