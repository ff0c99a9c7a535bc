"""Search: an index as a projection of the catalogue.

Owns        the list of catalogue changes and the index made from them.
Not here    the catalogue itself (catalog), the search page (storefront).
Invariants  a change is listed in its own transaction; an index can be lost without losing anything.
"""

from market.search.actions import find, listen, rebuild, refresh
from market.search.index import Document, SearchIndex

__all__ = ["Document", "SearchIndex", "find", "listen", "rebuild", "refresh"]
