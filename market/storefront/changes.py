"""`/offerings/<slug>/changes`: what the provider has changed on the page of a service, and when."""

from __future__ import annotations

from flask import Blueprint, render_template

from market import catalog
from market.catalog import Publication
from market.web import facts, formats

bp = Blueprint("changes", __name__, url_prefix="/offerings/<slug>/changes")


@bp.get("/")
def index(slug: str) -> str:
    """Every publication, the newest first, with what reads differently since."""
    offering, names = catalog.offering_by_slug(slug), facts.names()
    return render_template(
        "storefront/changes/index.html",
        offering=offering,
        facts=catalog.shown_revision(offering).facts,
        told=[(each, _rows(each, names)) for each in catalog.publications(offering)],
    )


def _rows(told: Publication, names: facts.Names) -> list[dict[str, str]]:
    """What changed in words, only in the language of the page."""
    other = "_zh" if formats.language() == "en" else "_en"
    return [
        {"label": facts.label(change.fact, change.field), "old": facts.text(change.fact, change.before, names),
         "new": facts.text(change.fact, change.after, names)}
        for change in told.facts if not (change.fact.bilingual and change.field.endswith(other))
    ]  # fmt: skip
