"""`/robots.txt` and `/sitemap.xml`: how machines find the public pages."""

from __future__ import annotations

from xml.sax.saxutils import escape

from flask import Blueprint, Response, url_for

from market import catalog, providers, recommended, resources, search
from market.policies import Subject
from market.storefront.cards import today
from market.storefront.help import TOPICS

bp = Blueprint("finding", __name__)

#: Behind a sign-in, or made for one visitor only.
PRIVATE = ("/console/", "/vendor/", "/admin/", "/api/", "/mailbox/", "/sign-in", "/register", "/subscribed/", "/reports/")
#: As many addresses as one sitemap may hold.
MOST = 50_000


@bp.get("/robots.txt")
def robots() -> Response:
    """Public pages may be read; searches and what is private not."""
    refused = "".join(f"Disallow: {path}\n" for path in (*PRIVATE, "/offerings/?q=", "/*/subscribe"))
    text = f"User-agent: *\n{refused}\nSitemap: {resources.settings.base_url}{url_for('.sitemap')}\n"
    return Response(text, mimetype="text/plain")


@bp.get("/sitemap.xml")
def sitemap() -> Response:
    """Every public page; offerings newest first."""
    entries = "".join(f"<url><loc>{escape(resources.settings.base_url + path)}</loc></url>\n" for path in _paths()[:MOST])
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{entries}</urlset>\n'
    return Response(text, mimetype="application/xml")


def _paths() -> list[str]:
    fixed = [url_for(f"storefront.{name}.index") for name in ("home", "offerings", "recommended", "solutions", "providers", "help")]
    fixed += [url_for("storefront.requirements.new"), *(url_for("storefront.recommended.show", slug=one.slug) for one in recommended.past_editions(today()))]
    kinds = [url_for("storefront.offerings.index", category=branch.category.slug) for branch in catalog.categories()]
    offered = [url_for("storefront.offerings.show", slug=one.slug) for one in search.shelf(today()).listings.values()]
    bundles = [url_for("storefront.solutions.show", slug=one.slug) for one in catalog.solutions()]
    sellers = [url_for("storefront.providers.show", slug=one.slug) for one in providers.approved_providers()]
    topics = [url_for("storefront.help.show", topic=topic.slug) for topic in TOPICS]
    rules = [url_for("storefront.policies.show", subject=subject) for subject in Subject]
    return [*fixed, *kinds, *offered, *bundles, *sellers, *topics, *rules]
