"""`/offerings/<slug>/reviews`: everything firms say of a service, with every earlier wording."""

from __future__ import annotations

from flask import Blueprint, render_template

from market import catalog, quality
from market.web import paging
from market.web.opinions import Writers

bp = Blueprint("reviews", __name__, url_prefix="/offerings/<slug>/reviews")

PAGE_SIZE = 20


@bp.get("/")
def index(slug: str) -> str:
    """All reviews, the newest first."""
    offering = catalog.offering_by_slug(slug)
    return render_template(
        "storefront/reviews/index.html",
        offering=offering,
        facts=catalog.shown_revision(offering).facts,
        summary=quality.summary(offering),
        page=paging.page_of(quality.reviews_of(offering), size=PAGE_SIZE),
        writers=Writers(),
    )
