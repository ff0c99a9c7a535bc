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
from market.errors import NotFound
from market.subscriptions import Subscription

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
        "live": subscription.status in subscriptions.LIVE,
        "organization": {"name": subscription.organization.name},
        "offering": subscription.plan.offering.slug,
        "plan": {"slug": subscription.plan.slug, "version": subscription.plan.version_number},
        "ordered_at": instant(subscription.ordered_at),
        "started_at": instant(subscription.started_at),
        "cancel_at": instant(subscription.cancel_at),
        "ended_at": instant(subscription.ended_at),
    }
