"""`/feed.xml`: services that are new or have changed, as Atom; `/opensearch.xml`: how a browser searches here."""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

from flask import Blueprint, Response, url_for
from flask_babel import gettext as _

from market import catalog, resources
from market.catalog import Offering
from market.storefront.structured import address
from market.web import formats
from market.web.locale import site_name

bp = Blueprint("feeds", __name__)

MOST = 50


@bp.get("/feed.xml")
def atom() -> Response:
    """What can be bought now, what was published last first."""
    offered = catalog.lately_published(MOST)
    own = address(url_for(".atom", lang=formats.language()))
    newest = offered[0].live_revision.published_at if offered and offered[0].live_revision else None
    updated = (newest or resources.clock.now()).isoformat()
    text = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="{"en" if formats.language() == "en" else "zh-CN"}">\n'
        f"<id>{escape(own)}</id>\n<title>{escape(_('%(site)s：新上架和改过的服务', site=site_name()))}</title>\n<updated>{updated}</updated>\n"
        f'<link rel="self" href={quoteattr(own)}/>\n<link rel="alternate" type="text/html" href={quoteattr(address(url_for("storefront.offerings.index")))}/>\n'
        f"{''.join(map(_entry, offered))}</feed>\n"
    )
    return Response(text, mimetype="application/atom+xml")


@bp.get("/opensearch.xml")
def opensearch() -> Response:
    """The search box for a browser's address bar."""
    search = address(url_for("storefront.offerings.index")) + "?q={searchTerms}"
    text = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<OpenSearchDescription xmlns="http://a9.com/-/spec/opensearch/1.1/">\n'
        f"<ShortName>{escape(site_name()[:16])}</ShortName>\n<Description>{escape(_('在%(site)s搜索云服务', site=site_name()))}</Description>\n"
        f'<InputEncoding>UTF-8</InputEncoding>\n<Url type="text/html" template={quoteattr(search)}/>\n</OpenSearchDescription>\n'
    )
    return Response(text, mimetype="application/opensearchdescription+xml")


def _entry(offering: Offering) -> str:
    revision = catalog.shown_revision(offering)
    link = address(url_for("storefront.offerings.show", slug=offering.slug))
    changed = (revision.published_at or offering.created_at).isoformat()
    listed = (offering.listed_at or offering.created_at).isoformat()
    return (
        f"<entry><id>{escape(link)}</id><title>{escape(formats.local(revision.facts, 'name'))}</title>"
        f'<link rel="alternate" type="text/html" href={quoteattr(link)}/><published>{listed}</published><updated>{changed}</updated>'
        f"<author><name>{escape(formats.local(offering.provider, 'name'))}</name></author>"
        f"<summary>{escape(formats.local(revision.facts, 'tagline'))}</summary></entry>\n"
    )
