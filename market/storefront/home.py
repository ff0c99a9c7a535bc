"""`/`: what this place is, a search in one's own words, what is recommended and what is new."""

from __future__ import annotations

from flask import Blueprint, render_template

from market import catalog, recommended, search
from market.storefront import browse, structured
from market.storefront.cards import cards, today

bp = Blueprint("home", __name__)

SHOWN = 4


@bp.get("/")
def index() -> str:
    """The start page; searching and filtering happen on the list."""
    shelf = search.shelf(today())
    newest = [one.id for one in shelf.in_order([(0, shelf.all)], "new", today(), skip=0, take=SHOWN)]
    chosen = [entry.offering for entry in recommended.listed(today())[:SHOWN]]
    return render_template(
        "storefront/home/index.html",
        branches=browse.branches_of(shelf),
        total=shelf.all.bit_count(),
        sellers=sum(1 for those in shelf.values_of("provider").values() if those),
        chosen=cards(chosen),
        newest=cards(in_order(newest)),
        data=structured.organization(),
    )


def in_order(ids: list[int]) -> list[catalog.Sold]:
    """Offerings on sale with all a card shows, in the order of `ids`."""
    found = {offering.id: offering for offering in catalog.on_cards(ids)}
    return [found[id] for id in ids if id in found]
