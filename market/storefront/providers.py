"""`/providers`: who sells here: legal name, code, licences with their last days, services."""

from __future__ import annotations

from flask import Blueprint, render_template

from market import catalog, providers
from market.storefront import places
from market.storefront.cards import cards, today
from market.storefront.papers import of_licences

bp = Blueprint("providers", __name__, url_prefix="/providers")


@bp.get("/")
def index() -> str:
    """Every provider that sells now, with how many services can be bought."""
    found = providers.approved_providers()
    return render_template(
        "storefront/providers/index.html", providers=found, counts=catalog.live_counts(), cities=places.cities()
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
