"""Search: an index as a projection of the catalogue, and the shelf that lists are filtered from.

Owns        the list of catalogue changes, the index and the shelf made from them.
Not here    the catalogue itself (catalog), the search page (storefront).
Invariants  a change is listed in its own transaction; index and shelf can be lost without losing anything.
"""

from market.search.actions import (
    Answer,
    Named,
    find,
    how_many,
    index,
    listen,
    named,
    ready,
    rebuild,
    refresh,
    suggestion,
)
from market.search.index import Document, Overtaken, SearchIndex
from market.search.listings import BUDGETS, EVERY, PROMISES, Listing
from market.search.models import Kind
from market.search.pricing import MOST as MOST_PRICED
from market.search.pricing import Usages, for_usage
from market.search.query import Query, parse
from market.search.shelf import Ranked, Shelf, shelf, turn, warm
from market.search.starting import starting_plan, usual, usual_month_fen

__all__ = [
    "BUDGETS",
    "EVERY",
    "MOST_PRICED",
    "PROMISES",
    "Answer",
    "Document",
    "Kind",
    "Listing",
    "Named",
    "Overtaken",
    "Query",
    "Ranked",
    "SearchIndex",
    "Shelf",
    "Usages",
    "find",
    "for_usage",
    "how_many",
    "index",
    "listen",
    "named",
    "parse",
    "ready",
    "rebuild",
    "refresh",
    "shelf",
    "starting_plan",
    "suggestion",
    "turn",
    "usual",
    "usual_month_fen",
    "warm",
]
