"""`/preview/<id>`: a provider's own draft as buyers will see it once it is published."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from flask import Blueprint, g, render_template, request, url_for

from market import catalog, providers, quality, resources, subscriptions
from market.catalog import Category, Offering, OfferingRevision, Plan
from market.providers import Provider
from market.storefront import places
from market.storefront.calculator import calculate
from market.storefront.cards import card, key_facts, today
from market.storefront.offerings import sectors, trail
from market.storefront.papers import papers
from market.storefront.price_table import has_tiers, price_rows
from market.storefront.prices import plan_price
from market.storefront.terms import exit_rows, promise_rows
from market.web import guards

bp = Blueprint("preview", __name__, url_prefix="/preview")
bp.before_request(guards.provider)


@dataclass(frozen=True)
class Window:
    """An offering as it will be: the pending words and the plans on sale after publication."""

    id: int
    slug: str
    status: catalog.OfferingStatus
    category_slug: str
    provider: Provider
    category: Category
    live_revision: OfferingRevision
    live_plans: Sequence[Plan]
    limit_total: int | None = None
    limit_per_organization: int | None = None


@bp.get("/<int:id>")
@guards.require("offerings.read")
def show(id: int) -> str | tuple[str, int]:
    """The draft on the page that buyers read; nothing can be ordered here. 404 for a stranger's."""
    offering = catalog.offering_of(g.provider, id)
    window, on, cities = _window(offering), today(), places.cities()
    calculator = calculate(window, request.args, at=resources.clock.now())
    facts = catalog.shown_revision(window).facts
    html = render_template(
        "storefront/offerings/show.html",
        preview_url=url_for(".show", id=id),
        card=card(window, cities, on) | {"url": url_for(".show", id=id), "paused": ""},
        offering=window,
        facts=facts,
        for_sale=True,
        can_be_bought=True,
        room=subscriptions.Room(),
        plans=window.live_plans,
        entry=None,
        calculator=calculator,
        key_facts=key_facts(window, cities, on),
        plan_prices={plan.slug: plan_price(plan) for plan in window.live_plans},
        subscribe_url=None,
        rows=price_rows(window.live_plans),
        tiers=has_tiers(window.live_plans),
        papers=papers(window, on),
        promise_rows=promise_rows(window, places.place_names(facts["data_location"], cities)),
        exit_rows=exit_rows(window),
        sectors=sectors(window),
        trail=trail(window)[1:],
        lately=([], []),
        summary=quality.NOTHING_SAID,
        data=[],
    )
    return (html, 422) if calculator.has_errors else html


def _window(offering: Offering) -> Offering:
    """What the page's parts ask of an offering, with the draft in the place of what is live."""
    words = catalog.pending_revision(offering) or offering.live_revision or offering.revisions[-1]
    provider = providers.provider_by_id(offering.provider_id)
    window = Window(
        offering.id, offering.slug, offering.status, offering.category_slug, provider, offering.category,
        words, catalog.on_sale_after(offering),
    )  # fmt: skip
    return cast(Offering, window)
