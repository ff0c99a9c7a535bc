"""`/recommended`: the recommended catalogue: this edition, its criteria, and why each offering is in it."""

from __future__ import annotations

from flask import Blueprint, render_template

from market import recommended
from market.storefront import places
from market.storefront.cards import card, today

bp = Blueprint("recommended", __name__, url_prefix="/recommended")


@bp.get("/")
def index() -> str:
    """What is listed today, newest decision first, each with its reason."""
    on = today()
    cities = places.cities()
    listed = [(card(entry.offering, entry, cities, on), entry) for entry in recommended.listed(on)]
    return render_template(
        "storefront/recommended/index.html", edition=recommended.current_edition(on), listed=listed
    )
