"""Search: an index as a projection of the catalogue, and the shelf that lists are filtered from.

Owns        the list of catalogue changes, the index and the shelf made from them.
Not here    the catalogue itself (catalog), the search page (storefront).
Invariants  a change is listed in its own transaction; index and shelf can be lost without losing anything.
"""

from market.search.actions import find, listen, rebuild, refresh
from market.search.index import Document, SearchIndex
from market.search.shelf import Listing, Shelf, shelf
from market.search.starting import starting_plan, usual, usual_month_fen

__all__ = [
    "Document",
    "Listing",
    "SearchIndex",
    "Shelf",
    "find",
    "listen",
    "rebuild",
    "refresh",
    "shelf",
    "starting_plan",
    "usual",
    "usual_month_fen",
]
