"""The shelf: what filters and sorting need of every offering on sale, in memory.

Facts live in JSON and prices in charge terms, so counting them in the database would read the whole
catalogue for every visitor. A shelf is made once for each process and brought up to date by the list of
catalogue changes; four indexed look-ups tell whether it is still true.

Every offering has a place, and every property that lists are narrowed by is the set of places that have it: a whole
number with a bit for each. Narrowing and counting are then a few operations on numbers, however many offerings there are.
"""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import String, func, select, type_coerce

from market import catalog, db, resources
from market.catalog import Offering, OfferingRevision, Plan
from market.catalog.models import PlanStatus, RevisionStatus
from market.search import ranking, stored, words
from market.search.index import Found
from market.search.listings import Listing, listings_of
from market.search.models import CatalogChange, Kind

_BATCH = 500
#: So many places are sorted by themselves; of more, the whole order is gone through.
_FEW = 2_000
#: So many counts are kept for who asks the same.
_MOST_COUNTS = 500

#: A list in an order: offerings' places by what they are worth, the best first.
Ranked = Sequence[tuple[int, int]]


class _Mark(NamedTuple):
    """What must not have changed since a shelf was made."""

    change: int
    offering: int
    revision: int
    plan: int
    #: Certificates run out at midnight, and nobody writes that down.
    day: date


@dataclass(frozen=True)
class Shelf:
    """Every offering on sale. Sets of offerings are numbers whose bits are places."""

    #: By place; None where an offering was and is no more.
    slots: Sequence[Listing | None]
    place_of: Mapping[int, int]
    #: Sets of places by property, such as `category=storage`.
    having: Mapping[str, int]
    all: int
    mark: _Mark
    #: Orders of places that were asked for, and counts.
    _orders: dict[tuple[str, date | None], tuple[Sequence[int], Sequence[int]]] = field(default_factory=dict)
    _counts: dict[tuple[str, int], dict[str, int]] = field(default_factory=dict)
    #: What others make of it, for as long as it is true.
    kept: dict[tuple[str, ...], Any] = field(default_factory=dict)

    @property
    def listings(self) -> Mapping[int, Listing]:
        """All by their ids, newest first."""
        newest = self._order("new", None)[0]
        return {one.id: one for place in newest if (one := self.slots[place])}

    def provider_names(self, language: str) -> Mapping[str, str]:
        """What the providers of all these are called in a language, by their addresses."""
        return self._names[language == "en"]

    @cached_property
    def _names(self) -> tuple[Mapping[str, str], Mapping[str, str]]:
        known = {one.provider[0]: one.provider[1:] for one in self.slots if one}
        return {slug: zh for slug, (zh, _en) in known.items()}, {slug: en or zh for slug, (zh, en) in known.items()}

    def at(self, places: Iterable[int]) -> list[Listing]:
        """The offerings at these places."""
        return [one for place in places if (one := self.slots[place])]

    def those(self, ids: Iterable[int]) -> int:
        """The set of those of `ids` that are on sale."""
        places = self.place_of
        return ranking.bits((places[id] for id in ids if id in places), len(self.slots))

    def ranked(self, found: Found) -> list[tuple[int, int]]:
        """What an index found and is on sale, by worth."""
        return [(worth, mask) for worth, ids in found.get(Kind.OFFERING, ()) if (mask := self.those(ids))]

    def count(self, group: str, pool: int) -> dict[str, int]:
        """How many of a set have each value of a property."""
        known = self._counts.get((group, pool))
        if known is None:
            if len(self._counts) > _MOST_COUNTS:
                self._counts.clear()
            known = self._counts[group, pool] = self._counted(group, pool)
        return known

    def _counted(self, group: str, pool: int) -> dict[str, int]:
        if group == "provider":  # there are thousands: going through the offerings is quicker than through them
            return Counter(map(self._sellers.__getitem__, ranking.numbers_of(pool)))
        return {value: (mask & pool).bit_count() for value, mask in self.values_of(group).items()}

    @cached_property
    def _sellers(self) -> Sequence[str]:
        """By place the address of the offering's provider."""
        return [one.provider[0] if one else "" for one in self.slots]

    def values_of(self, group: str) -> Mapping[str, int]:
        """Each value of a property with the set that has it."""
        return self._groups.get(group, {})

    @cached_property
    def _groups(self) -> Mapping[str, Mapping[str, int]]:
        found: defaultdict[str, dict[str, int]] = defaultdict(dict)
        for key, mask in self.having.items():
            group, _, value = key.partition("=")
            found[group][value] = mask
        return found

    def holding(self, words: str) -> int:
        """Those whose name, benefit or key words hold every word: the plain way while there is no index."""
        wanted = words.lower().split()
        found = (n for n, one in enumerate(self.slots) if one and all(word in one.words for word in wanted))
        return ranking.bits(found, len(self.slots))

    def in_order(self, pool: Ranked, sort: str, on: date, *, skip: int, take: int) -> list[Listing]:
        """A page of a list: by worth, then in the order of `sort`; equals by turns, another turn each day.

        `sort` is `new`, `price`, `-price` or, for turns alone, nothing.
        """
        order, rank = self._order(sort, on)
        places: list[int] = []
        for _worth, mask in pool:
            size = mask.bit_count()
            if skip >= size:
                skip -= size
                continue
            places.extend(_page(mask, size, order, rank, skip, take - len(places)))
            skip = 0
            if len(places) >= take:
                break
        return self.at(places)

    def _order(self, sort: str, on: date | None) -> tuple[Sequence[int], Sequence[int]]:
        """All places in an order, and for each place where it stands in it."""
        key = (sort, None if sort == "new" else on)
        if key not in self._orders:
            if len(self._orders) > 20:
                self._orders.clear()
            filled = [place for place, one in enumerate(self.slots) if one is not None]
            order = sorted(filled, key=self._sorting(sort, on))
            rank = [0] * len(self.slots)
            for number, place in enumerate(order):
                rank[place] = number
            self._orders[key] = (order, rank)
        return self._orders[key]

    def _sorting(self, sort: str, on: date | None) -> Callable[[int], tuple[float, int]]:
        def key(place: int) -> tuple[float, int]:
            one = self.slots[place]
            assert one is not None
            if sort == "new":
                return -(one.listed_at.timestamp() if one.listed_at else 0.0), -one.id
            price = {"price": one.month_fen, "-price": -one.month_fen}.get(sort, 0)
            return price, turn(one.id, on)

        return key


def turn(id: int, on: date | None) -> int:
    """Where an offering stands among equals on a day: nobody's choice, and another place every day."""
    return int.from_bytes(blake2b(f"{on}:{id}".encode(), digest_size=8).digest())


def _page(mask: int, size: int, order: Sequence[int], rank: Sequence[int], skip: int, take: int) -> list[int]:
    if size <= _FEW:
        return sorted(ranking.numbers_of(mask), key=rank.__getitem__)[skip : skip + take]
    flags = bin(mask)[:1:-1].ljust(len(rank), "0")
    found: list[int] = []
    for place in order:
        if flags[place] == "1":
            if skip:
                skip -= 1
                continue
            found.append(place)
            if len(found) >= take:
                break
    return found


_kept: dict[tuple[Path, str], Shelf] = {}
_making = threading.Lock()


def shelf(on: date) -> Shelf:
    """The shelf as the open transaction sees the catalogue, on a local day."""
    key, mark = (resources.settings.data_dir, resources.settings.database_url), _mark(on)
    known = _kept.get(key)
    if known is not None and known.mark == mark:
        return known
    with _making:
        known = _kept.get(key)
        if known is None or known.mark != mark:
            known = _made(known or _stored(mark), mark)
            _kept.clear()
            _kept[key] = known
        return known


def forget() -> None:
    """Have nothing at hand, as a process that has just begun; for measurements."""
    _kept.clear()


def warm(on: date) -> None:
    """Have it, the usual orders and what words are cut with at hand before anybody asks."""
    known = shelf(on)
    for sort in ("new", ""):
        known._order(sort, on)
    words.chinese()


#: What is published, said so that SQLite begins with the newest: by its index of states it would read all that are.
_PUBLISHED = type_coerce(OfferingRevision.status, String).concat("") == RevisionStatus.PUBLISHED.value
#: One statement, put together once: every page with a list asks it. Each part is the first entry of an index.
_MARK = select(
    select(func.max(CatalogChange.id)).scalar_subquery(),
    select(func.max(Offering.id)).scalar_subquery(),
    select(func.max(OfferingRevision.id)).where(_PUBLISHED).scalar_subquery(),
    select(func.max(Plan.id)).where(Plan.status == PlanStatus.PUBLISHED, ~Plan.private).scalar_subquery(),
)


def _mark(on: date) -> _Mark:
    change, offering, revision, plan = db.session.connection().execute(_MARK).one()
    return _Mark(change or 0, offering or 0, revision or 0, plan or 0, on)


def _stored(mark: _Mark) -> Shelf | None:
    """The shelf that another process has left on the disk, if it is of use."""
    found = stored.load()
    if found is None:
        return None
    numbers, day, listings = found
    slots: list[Listing | None] = []
    having: defaultdict[str, int] = defaultdict(int)
    place_of: dict[int, int] = {}
    _put_in(listings, slots, having, place_of)
    before = _Mark(*numbers, day=day)
    return Shelf(slots, place_of, dict(having), 0, before) if before.change <= mark.change else None


def _made(before: Shelf | None, mark: _Mark) -> Shelf:
    """A new shelf; from the one before where the list of changes explains the whole difference."""
    live = catalog.live_offering_ids()
    slots: list[Listing | None] = []
    having: defaultdict[str, int] = defaultdict(int)
    place_of: dict[int, int] = {}
    if before is not None and (mark.change > before.mark.change or mark == before.mark._replace(day=mark.day)):
        slots, place_of = list(before.slots), dict(before.place_of)
        having.update(before.having)
        changed = _changed_since(before.mark.change) | _over(before, mark.day)
        for id in (changed | (place_of.keys() - set(live))) & place_of.keys():
            _take_out(place_of.pop(id), slots, having)
    missing = [id for id in live if id not in place_of]
    for start in range(0, len(missing), _BATCH):
        _put_in(listings_of(missing[start : start + _BATCH], mark.day), slots, having, place_of)
    if len(missing) >= stored.LEAST:
        stored.store((mark.change, mark.offering, mark.revision, mark.plan), mark.day, (one for one in slots if one is not None))
    return Shelf(slots, place_of, dict(having), ranking.bits(place_of.values(), len(slots)), mark)


def _changed_since(change: int) -> set[int]:
    query = select(CatalogChange.offering_id).where(CatalogChange.id > change, CatalogChange.offering_id.is_not(None))
    return {id for id in db.session.scalars(query.distinct()) if id is not None}


def _over(before: Shelf, day: date) -> set[int]:
    """Those of which something is no longer true; all that changes where the clock goes back."""
    if day < before.mark.day:
        return set(before.place_of)
    return {one.id for one in before.slots if one and one.true_until and one.true_until < day}


def _take_out(place: int, slots: list[Listing | None], having: dict[str, int]) -> None:
    listing = slots[place]
    slots[place] = None
    for property in listing.properties if listing else ():
        having[property] &= ~(1 << place)


def _put_in(
    new: Iterable[Listing], slots: list[Listing | None], having: dict[str, int], place_of: dict[int, int]
) -> None:
    """At the end; the properties of many are gathered first, for each change of a set copies it."""
    gathered: defaultdict[str, list[int]] = defaultdict(list)
    for listing in new:
        place_of[listing.id] = len(slots)
        for property in listing.properties:
            gathered[property].append(len(slots))
        slots.append(listing)
    for property, places in gathered.items():
        having[property] = having.get(property, 0) | ranking.bits(places, len(slots))


