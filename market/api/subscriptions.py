"""GET /api/v1/subscriptions: a provider's customers as its machines need them."""

from __future__ import annotations

from typing import Any

from flask import Response
from flask_openapi3 import APIBlueprint, Tag
from pydantic import BaseModel

from market import db, subscriptions
from market.api import door
from market.api.answers import answer, instant
from market.api.door import OK, Problem, require
from market.api.paging import SIZE, CursorQuery, page
from market.catalog import Plan
from market.errors import NotFound
from market.subscriptions import LIVE, ChangeStatus, Subscription, SubscriptionChange

bp = APIBlueprint(
    "subscriptions", __name__, abp_tags=[Tag(name="Subscriptions", description="Who subscribes to what of yours.")],
    abp_security=[{"key": []}], abp_responses={401: Problem, 403: Problem, 429: Problem},
)  # fmt: skip


class SubscriptionPath(BaseModel):
    """Which subscription, by its `sub_…`."""

    id: str


@bp.get("/subscriptions", summary="List subscriptions", description="100 a page, oldest first.", responses=OK)
@require("subscriptions:read")
def index(query: CursorQuery) -> Response:
    """The provider's subscriptions in every state."""
    found = subscriptions.customers_of(door.provider()).where(Subscription.id > query.cursor)
    rows = db.session.scalars(found.order_by(None).order_by(Subscription.id).limit(SIZE + 1)).all()
    return page(rows, _subscription, lambda subscription: subscription.id)


@bp.get("/subscriptions/<id>", summary="Show a subscription", responses={**OK, 404: Problem})
@require("subscriptions:read")
def show(path: SubscriptionPath) -> Response:
    """One of the provider's subscriptions; a stranger's is not found."""
    query = subscriptions.customers_of(door.provider()).where(Subscription.public_id == path.id)
    found = db.session.scalar(query)
    if found is None:
        raise NotFound
    return answer(_subscription(found))


def _subscription(subscription: Subscription) -> dict[str, Any]:
    return {
        "id": subscription.public_id,
        "status": subscription.status.value,
        "live": subscription.status in LIVE,
        "organization": {"name": subscription.organization.name},
        "offering": subscription.plan.offering.slug,
        "plan": _plan(subscription.plan),
        "quantity": _quantity(subscription),
        "planned_changes": [_change(one) for one in _planned(subscription)],
        "ordered_at": instant(subscription.ordered_at),
        "started_at": instant(subscription.started_at),
        "cancel_at": instant(subscription.cancel_at),
        "ended_at": instant(subscription.ended_at),
    }


def _plan(plan: Plan) -> dict[str, Any]:
    return {"slug": plan.slug, "version": plan.version_number}


def _quantity(subscription: Subscription) -> dict[str, Any] | None:
    """How many of what it holds now, as requests to the provider's system say it; null where it is not sold by number."""
    plan = subscription.plan
    if not plan.quantity_unit_zh:
        return None
    return {"value": subscription.quantity, "unit_zh": plan.quantity_unit_zh, "unit_en": plan.quantity_unit_en}


def _planned(subscription: Subscription) -> list[SubscriptionChange]:
    if subscription.status not in LIVE:
        return []
    return [one for one in subscription.changes if one.status is ChangeStatus.PLANNED]


def _change(change: SubscriptionChange) -> dict[str, Any]:
    """What will hold from a local midnight on; null is as before."""
    return {
        "kind": change.kind.value,
        "effective_at": instant(change.effective_at),
        "plan": _plan(change.plan) if change.plan else None,
        "quantity": change.quantity,
    }
