"""`/offerings` and `/offerings/<slug>`: finding a service, and what it is, costs and promises."""

from __future__ import annotations

from flask import Blueprint, render_template, request, url_for
from flask_babel import gettext as _

from market import accounts, catalog, db, quality, recommended, resources, subscriptions
from market.accounts import Organization, OrganizationKind
from market.catalog import Offering, Plan
from market.storefront import browse, lately, places, structured
from market.storefront.calculator import calculate
from market.storefront.cards import cards, key_facts, today
from market.storefront.home import in_order
from market.storefront.papers import papers
from market.storefront.price_table import has_tiers, price_rows
from market.storefront.prices import plan_price
from market.storefront.terms import exit_rows, promise_rows
from market.web import formats, guards, htmx, replays
from market.web.navigation import url_if
from market.web.opinions import Writers

bp = Blueprint("offerings", __name__, url_prefix="/offerings")

#: As many reviews as the page itself shows; the rest has a page of its own.
REVIEWS = 3


@bp.get("/")
def index() -> str | tuple[str, int]:
    """The list, narrowed by what its address asks for; 422 for search words that are too long."""
    found = browse.read()
    offered = cards(in_order([listing.id for listing in found.page]), found.asked, found.usages.month_fen)
    html = render_template(
        "storefront/offerings/index.html", browse=found, page=found.page, cards=offered, longest=browse.LONGEST_QUERY
    )
    return (html, 422) if found.error else html


@bp.get("/<slug>")
def show(slug: str) -> str | tuple[str, int]:
    """One service with its calculator; a withdrawn one keeps its page. 422 for guesses that cannot be read."""
    if htmx.is_fragment():
        return _answer(catalog.offering_with_prices(slug))
    offering = catalog.offering_by_slug(slug)
    at, on = resources.clock.now(), today()
    plans, left, steps = plans_of(offering), room_of(offering), trail(offering)
    calculator = calculate(offering, request.args, at=at, plans=plans)
    facts, cities = catalog.shown_revision(offering).facts, places.cities()
    summary = quality.summary(offering)
    html = render_template(
        "storefront/offerings/show.html",
        offering=offering,
        facts=facts,
        for_sale=catalog.can_be_bought(offering) and not (left.sold_out or left.full),
        can_be_bought=catalog.can_be_bought(offering),
        room=left,
        plans=plans,
        entry=recommended.listed_for([offering.id], on).get(offering.id),
        calculator=calculator,
        key_facts=key_facts(offering, cities, on),
        plan_prices={plan.slug: plan_price(plan) for plan in plans},
        subscribe_url=url_if("storefront.subscribe.show", slug=offering.slug),
        rows=price_rows(plans),
        tiers=has_tiers(plans),
        papers=papers(offering, on),
        promise_rows=promise_rows(offering, places.place_names(facts["data_location"], cities)),
        exit_rows=exit_rows(offering),
        sectors=sectors(offering),
        trail=steps,
        lately=lately.told(offering, now=at),
        summary=summary,
        reviews=db.session.scalars(quality.reviews_of(offering).limit(REVIEWS)).all() if summary.count else [],
        writers=Writers() if summary.count else None,
        signed=replays.signed,
        data=[structured.product(offering, summary), structured.crumbs(steps, offering)],
    )
    return (html, 422) if calculator.has_errors else html


def _answer(offering: Offering) -> str | tuple[str, int]:
    """What the calculator says to a change in one of its boxes, without the page around it."""
    left = room_of(offering)
    calculator = calculate(offering, request.args, at=resources.clock.now(), plans=plans_of(offering))
    html = render_template(
        "storefront/offerings/answer.html",
        calculator=calculator,
        guessed=request.headers.get("HX-Target") == "est",
        here=url_for(".show", slug=offering.slug),
        subscribe_url=url_if("storefront.subscribe.show", slug=offering.slug),
        for_sale=catalog.can_be_bought(offering) and not (left.sold_out or left.full),
    )
    return (html, 422) if calculator.has_errors else html


def plans_of(offering: Offering) -> list[Plan]:
    """What the visitor can subscribe to: what was agreed on with her firm first."""
    return catalog.plans_for(offering, _firm())


def room_of(offering: Offering) -> subscriptions.Room:
    """How many more there are, for anybody and for the visitor's firm."""
    return subscriptions.room(offering, _firm())


def _firm() -> Organization | None:
    """The firm the visitor buys for; None for strangers and for those who only sell."""
    membership = guards.membership_of(OrganizationKind.BUYER)
    return membership.organization if membership else None


def trail(offering: Offering) -> list[tuple[str, str]]:
    """Start page, category, sub-category, the offering itself."""
    facts, names = catalog.shown_revision(offering).facts, catalog.category_names()
    top, sub = offering.category_slug, facts["subcategory"]
    steps = [
        (_("首页"), url_for("storefront.home.index")),
        (formats.local(offering.category, "name"), url_for("storefront.offerings.index", category=top)),
    ]
    if sub in names:
        address = url_for("storefront.offerings.index", category=top, subcategory=sub)
        steps.append((formats.local(names[sub], "name"), address))
    return [*steps, (formats.local(facts, "name"), "")]


def sectors(offering: Offering) -> list[str]:
    """The sectors it names as its own, in the plan's order; none means any."""
    chosen = set(catalog.shown_revision(offering).facts["sectors"])
    return [formats.local(sector, "name") for sector in accounts.sectors() if sector.slug in chosen] if chosen else []
