"""`/providers`: who sells here: legal name, code, licences with their last days, services."""

from __future__ import annotations

from flask import Blueprint, render_template

from market import catalog, providers
from market.storefront import places
from market.storefront.cards import cards, today
from market.storefront.papers import of_licences
from market.web import paging

bp = Blueprint("providers", __name__, url_prefix="/providers")

PAGE_SIZE = 50


@bp.get("/")
def index() -> str:
    """Every provider that sells now, with how many services can be bought."""
    found = paging.page_of_list(providers.approved_providers(), size=PAGE_SIZE)
    return render_template(
        "storefront/providers/index.html", page=found, counts=catalog.live_counts(), cities=places.cities()
    )


@bp.get("/<slug>")
def show(slug: str) -> str:
    """One provider; a suspended one keeps its page and says so."""
    provider = providers.provider_by_slug(slug)
    return render_template(
        "storefront/providers/show.html",
        provider=provider,
        city=places.cities().get(provider.organization.city_code or ""),
        papers=of_licences(provider.licences, today()),
        cards=cards(catalog.live_offerings(provider=provider)),
        selling=provider.status is providers.ProviderStatus.APPROVED,
    )
