"""What a provider's system is told: the body of the webhook."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from market import resources
from market.subscriptions.models import ProvisioningRequest, RequestKind, Subscription

LARGEST = 20_000  # bytes, by Standard Webhooks


def body(request: ProvisioningRequest, *, at: datetime) -> bytes:
    """The JSON of one attempt, under 20 kB; the subscription with plan, charges, meters, organization is loaded.

    `data.request` is the same on every attempt: a provider that knows it answers again what it answered first.
    `data.sequence` counts the requests about one subscription; plan, quantity and status are what holds at `at`.
    """
    subscription = request.subscription
    base = f"{resources.settings.base_url}/api/v1"
    data: dict[str, Any] = {
        "request": request.public_id,
        "sequence": request.number,
        "subscription": subscription.public_id,
        "status": subscription.status.value,
        "organization": {"name": subscription.organization.name},
        "offering": subscription.plan.offering.slug,
        "plan": {
            "slug": subscription.plan.slug,
            "version": subscription.plan.version_number,
            "name_zh": subscription.plan.name_zh,
            "name_en": subscription.plan.name_en,
        },
        "quantity": _quantity(subscription),
        "meters": _meters(subscription),
        "due_at": request.due_at.isoformat(),
        "callback_url": f"{base}/provisioning/{request.public_id}",
        "events_url": f"{base}/events",
    }
    if request.kind is RequestKind.DEPROVISION:
        data |= _leaving(subscription)
    content = {"type": f"subscription.{request.kind}", "timestamp": at.isoformat(), "data": data}
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


def _quantity(subscription: Subscription) -> dict[str, Any] | None:
    """How many of what, where the plan is sold by quantity."""
    unit = subscription.plan.quantity_unit_zh, subscription.plan.quantity_unit_en
    if not any(unit):
        return None
    return {"value": subscription.quantity, "unit_zh": unit[0], "unit_en": unit[1]}


def _meters(subscription: Subscription) -> list[dict[str, Any]]:
    """The meters that the plan's charges read, each once."""
    meters = {charge.meter.id: charge.meter for charge in subscription.plan.charges if charge.meter}
    return [
        {
            "slug": meter.slug,
            "event_type": meter.event_type,
            "value_property": meter.value_property,
            "aggregation": meter.aggregation.value,
            "dimensions": meter.dimensions,
        }
        for meter in meters.values()
    ]


def _leaving(subscription: Subscription) -> dict[str, str | None]:
    """When it ended, until when the data can be fetched, when it must be gone."""
    ended = subscription.ended_at
    if ended is None:
        return {}
    facts = subscription.revision.facts
    export, deletion = (facts.get(name) or 0 for name in ("export_days", "deletion_days"))
    return {
        "ended_at": ended.isoformat(),
        "export_until": (ended + timedelta(days=export)).isoformat(),
        "delete_by": (ended + timedelta(days=deletion)).isoformat(),
    }
