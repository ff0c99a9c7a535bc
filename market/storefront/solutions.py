"""`/solutions`: bundles of services that answer one sector's need, and what they cost together."""

from __future__ import annotations

from flask import Blueprint, render_template, request, url_for
from flask_babel import gettext as _

from market import accounts, catalog, search
from market.catalog import Plan, Solution, SolutionPart
from market.storefront import structured
from market.storefront.cards import cards
from market.web import formats

bp = Blueprint("solutions", __name__, url_prefix="/solutions")


@bp.get("/")
def index() -> str:
    """Every solution with what it costs together; narrowed to a sector where one is asked for."""
    found, sectors = catalog.solutions(), {sector.slug: sector for sector in accounts.sectors()}
    known = dict.fromkeys(solution.sector_slug for solution in found if solution.sector_slug in sectors)
    sector = request.args.get("sector", "")
    sector = sector if sector in known else ""
    choices = [(_("全部行业"), url_for(".index"), not sector)]
    choices += [(formats.local(sectors[slug], "name"), url_for(".index", sector=slug), slug == sector) for slug in known]
    shown = [(solution, on_sale(solution)) for solution in found if not sector or solution.sector_slug == sector]
    return render_template(
        "storefront/solutions/index.html",
        solutions=[(solution, parts, sum(_month_fen(plan) for plan in starts(parts))) for solution, parts in shown],
        sectors=sectors,
        choices=choices,
    )


@bp.get("/<slug>")
def show(slug: str) -> str:
    """One solution: its services, what each does there, and the sum of their usual months."""
    solution = catalog.solution_by_slug(slug)
    parts = on_sale(solution)
    plans = starts(parts)
    months = [_month_fen(plan) for plan in plans]
    drawn = cards(part.offering for part in parts)
    trail = [(_("首页"), url_for("storefront.home.index")), (_("按需求找"), url_for(".index")), (formats.local(solution, "name"), "")]
    return render_template(
        "storefront/solutions/show.html",
        solution=solution,
        sector=next((s for s in accounts.sectors() if s.slug == solution.sector_slug), None),
        parts=list(zip(parts, drawn, plans, months, strict=True)),
        total_fen=sum(months),
        missing=len(solution.parts) - len(parts),
        trail=trail,
        data=structured.steps(trail, url_for(".show", slug=slug)),
    )


def on_sale(solution: Solution) -> list[SolutionPart]:
    """Its parts that can be bought now."""
    return [part for part in solution.parts if part.offering.live_revision and catalog.can_be_bought(part.offering)]


def starts(parts: list[SolutionPart]) -> list[Plan | None]:
    """The plan with which each part's prices start."""
    return [search.starting_plan(part.offering.live_plans) for part in parts]


def _month_fen(plan: Plan | None) -> int:
    return search.usual_month_fen(plan) if plan else 0
