"""`/solutions`: bundles of services that answer one sector's need, and what they cost together."""

from __future__ import annotations

from flask import Blueprint, render_template

from market import accounts, catalog, search
from market.catalog import Solution, SolutionPart
from market.storefront.cards import cards

bp = Blueprint("solutions", __name__, url_prefix="/solutions")


@bp.get("/")
def index() -> str:
    """Every solution, with its sector."""
    return render_template(
        "storefront/solutions/index.html",
        solutions=[(solution, on_sale(solution)) for solution in catalog.solutions()],
        sectors={sector.slug: sector for sector in accounts.sectors()},
    )


@bp.get("/<slug>")
def show(slug: str) -> str:
    """One solution: its services, what each does there, and the sum of their usual months."""
    solution = catalog.solution_by_slug(slug)
    parts = on_sale(solution)
    starts = [search.starting_plan(part.offering.live_plans) for part in parts]
    months = [search.usual_month_fen(plan) if plan else 0 for plan in starts]
    drawn = cards(part.offering for part in parts)
    return render_template(
        "storefront/solutions/show.html",
        solution=solution,
        sector=next((s for s in accounts.sectors() if s.slug == solution.sector_slug), None),
        parts=list(zip(parts, drawn, starts, months, strict=True)),
        total_fen=sum(months),
        missing=len(solution.parts) - len(parts),
    )


def on_sale(solution: Solution) -> list[SolutionPart]:
    """Its parts that can be bought now."""
    return [part for part in solution.parts if part.offering.live_revision and catalog.can_be_bought(part.offering)]
