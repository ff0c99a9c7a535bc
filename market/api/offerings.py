"""GET /api/v1/offerings: what buyers can find in the marketplace now."""

from __future__ import annotations

from typing import Any

from flask import Response
from flask_openapi3 import APIBlueprint, Tag

from market import catalog
from market.api.answers import instant
from market.api.door import OK, Problem, require
from market.api.paging import SIZE, CursorQuery, page
from market.catalog import Charge, Offering, Plan

bp = APIBlueprint(
    "offerings", __name__, abp_tags=[Tag(name="Catalogue", description="The public catalogue.")],
    abp_security=[{"key": []}], abp_responses={401: Problem, 403: Problem, 429: Problem},
)  # fmt: skip


@bp.get("/offerings", summary="List live offerings", description="100 a page, oldest first.", responses=OK)
@require("catalogue:read")
def index(query: CursorQuery) -> Response:
    """The public catalogue with plans and prices."""
    ids = [id for id in catalog.live_offering_ids() if id > query.cursor][: SIZE + 1]
    found = sorted(catalog.live_offerings(ids=ids), key=lambda offering: offering.id) if ids else []
    return page(found, _offering, lambda offering: offering.id)


def _offering(offering: Offering) -> dict[str, Any]:
    revision = offering.live_revision
    return {
        "slug": offering.slug,
        "provider": {
            "slug": offering.provider.slug, "name_zh": offering.provider.name_zh, "name_en": offering.provider.name_en
        },
        "category": offering.category_slug,
        "listed_at": instant(offering.listed_at),
        "facts": revision.facts if revision else {},
        "plans": [_plan(plan) for plan in offering.live_plans],
    }  # fmt: skip


def _plan(plan: Plan) -> dict[str, Any]:
    return {
        "slug": plan.slug,
        "version": plan.version_number,
        "name_zh": plan.name_zh,
        "name_en": plan.name_en,
        "trial_days": plan.trial_days,
        "charges": [_charge(charge) for charge in plan.charges],
    }


def _charge(charge: Charge) -> dict[str, Any]:
    return {
        "slug": charge.slug,
        "name_zh": charge.name_zh,
        "name_en": charge.name_en,
        "meter": charge.meter.slug if charge.meter else None,
        "unit_zh": charge.meter.unit_zh if charge.meter else None,
        "unit_en": charge.meter.unit_en if charge.meter else None,
        "filter": {charge.filter_property: charge.filter_values} if charge.filter else {},
        "terms": charge.terms,
        "tax_rate": charge.tax_rate,
    }
