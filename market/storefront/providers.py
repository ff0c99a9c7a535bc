"""`/providers`: who sells here: legal name, code, licences with their last days, services and what customers say."""

from __future__ import annotations

from collections import Counter

from flask import Blueprint, render_template, request, url_for
from flask_babel import gettext as _

from market import catalog, providers, quality
from market.catalog import Offering
from market.storefront import places, structured
from market.storefront.cards import cards, today
from market.storefront.papers import of_licences
from market.web import formats, paging

bp = Blueprint("providers", __name__, url_prefix="/providers")

PAGE_SIZE = 50


@bp.get("/")
def index() -> str:
    """Every provider that sells now, with how many services can be bought; narrowed to a city where one is asked for."""
    known, cities = providers.approved_providers(), places.cities()
    there = Counter(one.organization.city_code for one in known if one.organization.city_code in cities)
    city = request.args.get("city", "")
    city = city if city in there else ""
    found = paging.page_of_list([one for one in known if not city or one.organization.city_code == city], size=PAGE_SIZE)
    choices = [(_("全部（%(count)s）", count=len(known)), url_for(".index"), not city)]
    choices += [
        (_("%(city)s（%(count)s）", city=formats.local(cities[code], "name"), count=number), url_for(".index", city=code), code == city)
        for code, number in there.most_common() if code
    ]
    return render_template(
        "storefront/providers/index.html", page=found, counts=catalog.live_counts(), cities=cities, choices=choices, city=city
    )


@bp.get("/<slug>")
def show(slug: str) -> str:
    """One provider; a suspended one keeps its page and says so."""
    provider = providers.provider_by_slug(slug)
    offered = catalog.live_offerings(provider=provider)
    said = quality.summaries([offering.id for offering in offered])
    trail = [(_("首页"), url_for("storefront.home.index")), (_("服务商名录"), url_for(".index")), (formats.local(provider, "name"), "")]
    selling = provider.status is providers.ProviderStatus.APPROVED
    return render_template(
        "storefront/providers/show.html",
        provider=provider,
        city=places.cities().get(provider.organization.city_code or ""),
        papers=of_licences(provider.licences, today()),
        cards=cards(offered),
        selling=selling,
        rated=[(_name(offering), offering.slug, said[offering.id]) for offering in offered if offering.id in said],
        summary=quality.together(said.values()),
        answered=quality.answered(provider),
        data=[structured.seller(provider), structured.steps(trail, url_for(".show", slug=slug))] if selling else None,
    )


def _name(offering: Offering) -> str:
    return str(formats.local(catalog.shown_revision(offering).facts, "name"))
