"""Browsing: what the address of a list asks for, which offerings that leaves, and what else could be asked.

Within a group choices add up (either certificate will do), between groups they narrow. The count
beside a choice says how many offerings it would leave with the other groups as they are.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from heapq import nlargest, nsmallest
from itertools import combinations
from urllib.parse import urlencode

from flask import request
from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from market import recommended, resources, search
from market.catalog import Branch
from market.kit import period as periods
from market.search import Kind, Listing, Named, Query, Shelf, ranking
from market.storefront.cards import today
from market.storefront.groups import Group, groups
from market.storefront.plan_words import plan_words
from market.web import formats, paging
from market.web.locale import here_with

LONGEST_QUERY = 100
PAGE_SIZE = 12
#: So many providers and solutions are named beside the offerings, and so many offerings where a filter should go.
BESIDE = 3
#: Of so many conditions at most every way of leaving some out is tried.
_MOST_DROPPED = 8

SORTS = {
    "": _l("最新上架"),
    "price": _l("常见用量月费从低到高"),
    "-price": _l("常见用量月费从高到低"),
}
SEARCH_SORTS = {"": _l("最相关"), "price": SORTS["price"], "-price": SORTS["-price"], "new": _l("最新上架")}


#: The order by the visitor's own usage, once that is known.
MINE = {"mine": _l("我的用量月费从低到高")}
#: As much as a box takes.
_MOST_USE = Decimal(10) ** 9


@dataclass(slots=True)
class Option:
    """One choice with the number of offerings it would leave; a page has seventy, and freezing them takes time."""

    value: str
    label: str
    count: int
    chosen: bool


@dataclass(frozen=True)
class Facet:
    """A group as the panel shows it; choices that would leave nothing are left out unless chosen."""

    key: str
    label: str
    options: list[Option]
    one: bool
    open: bool


@dataclass(frozen=True)
class Chip:
    """An applied choice and the address without it; how many that leaves, and the names of the first."""

    label: str
    url: str
    left: int = 0
    names: Sequence[str] = ()


@dataclass
class Browse:
    """One reading of a list's address. `page` is the part of what is left that it asks for."""

    branches: Sequence[Branch]
    query: str = ""
    category: Branch | None = None
    unknown_category: str = ""
    chosen: dict[str, list[str]] = field(default_factory=dict)
    sort: str = ""
    error: str = ""
    #: Nothing has all the words; these have some.
    close: bool = False
    #: There is no index just now, so only names and key words were looked at.
    plain: bool = False
    asked: Query | None = None
    #: What is in the recommended catalogue today.
    listed: Collection[int] = ()
    page: paging.Page = field(default_factory=lambda: paging.Page((), 1, PAGE_SIZE, 0))
    facets: list[Facet] = field(default_factory=list)
    chips: list[Chip] = field(default_factory=list)
    #: The visitor's own usage: the kinds that can be told here, which one and how much, and what each month then costs.
    usages: search.Usages = field(default_factory=search.Usages)
    use: str = ""
    amount: str = ""
    amount_error: str = ""
    sellers: Sequence[Named] = ()
    bundles: Sequence[Named] = ()
    #: Where leaving out one condition brings nothing: the fewest that bring something together.
    together: Chip | None = None
    #: What a mistyped question may have meant, with its address.
    meant: str = ""
    meant_url: str = ""

    @property
    def sorts(self) -> dict[str, LazyString]:
        """The orders on offer: only a search has a most relevant one."""
        orders = SEARCH_SORTS if self.query else SORTS
        return orders | MINE if self.usages.month_fen else orders

    @property
    def narrowed(self) -> bool:
        """Whether anything but the category is asked for."""
        return bool(self.query or self.chosen)

    @property
    def chosen_count(self) -> int:
        """How many choices are applied."""
        return sum(len(values) for values in self.chosen.values())


def read() -> Browse:
    """What the address of this request asks for, answered."""
    shelf = search.shelf(today())
    branches = branches_of(shelf)
    browse = Browse(branches, query=_words_asked())
    _read_category(browse)
    if len(browse.query) > LONGEST_QUERY:
        browse.error = _(
            "搜索词最多 %(limit)d 个字，现在有 %(count)d 个。留下最要紧的几个词再搜",
            limit=LONGEST_QUERY, count=len(browse.query),
        )  # fmt: skip
        return browse
    browse.listed = frozenset(recommended.listed_ids(today()))
    found = groups(shelf, branches, browse.category, browse.listed)
    browse.chosen = {group.key: values for group in found if group.key != "category" and (values := _chosen(group))}
    _answer(browse, shelf, found)
    return browse


def branches_of(shelf: Shelf) -> list[Branch]:
    """The kinds of service with what the shelf has of each, so that nothing is counted in the database."""
    known, counts = plan_words().kinds.values(), shelf.count("category", shelf.all)
    return [
        Branch(top, tuple(one for one in known if one.parent_slug == top.slug), counts.get(top.slug, 0))
        for top in known if top.parent_slug is None
    ]  # fmt: skip


def _words_asked() -> str:
    """What stands in the search box, without what nobody can see."""
    typed = request.args.get("q", "")
    return " ".join("".join(letter if letter.isprintable() else " " for letter in typed).split())


def _read_category(browse: Browse) -> None:
    wanted = request.args.get("category", "")
    browse.category = next((one for one in browse.branches if one.category.slug == wanted), None)
    if wanted and browse.category is None:
        browse.unknown_category = wanted[:40]


def _chosen(group: Group) -> list[str]:
    known = [value for value in dict.fromkeys(request.args.getlist(group.key)) if value in group.names]
    return known[-1:] if group.one else known


class _Narrowed:
    """What was found, and what every group of choices leaves of it."""

    def __init__(self, browse: Browse, shelf: Shelf, found: Sequence[Group], ranked: search.Ranked) -> None:
        self.shelf, self.groups, self.ranked = shelf, found, ranked
        self.chosen = dict(browse.chosen)
        if browse.category is not None:
            self.chosen["category"] = [browse.category.category.slug]
        self.sets = {group.key: group.chosen(self.chosen[group.key]) for group in found if group.key in self.chosen}
        self.pool = 0
        for _worth, mask in ranked:
            self.pool |= mask

    def left(self, *, without: str = "", instead: int = -1, pool: int | None = None) -> int:
        """What the choices leave, with those of one group left out or others in their place."""
        kept = (self.pool if pool is None else pool) & instead
        for key, mask in self.sets.items():
            if key != without:
                kept &= mask
        return kept

    def left_of(self, dropped: Collection[str]) -> int:
        """What is left without these groups; "q" is the search words."""
        kept = self.shelf.all if "q" in dropped else self.pool
        for key, mask in self.sets.items():
            if key not in dropped:
                kept &= mask
        return kept


def _answer(browse: Browse, shelf: Shelf, found: list[Group]) -> None:
    ranked, answer = _found(shelf, browse)
    narrowed = _Narrowed(browse, shelf, found, ranked)
    left = narrowed.left()
    total, on = left.bit_count(), today()
    _read_usage(browse, shelf, left)
    browse.sort = wanted if (wanted := request.args.get("sort", "")) in browse.sorts else ""
    number = min(paging.current_number(), max(1, -(-total // PAGE_SIZE)))
    kept = [(worth, mask & left) for worth, mask in ranked] if browse.query and not browse.sort else [(0, left)]
    sort = browse.sort or ("" if browse.query else "new")
    skip = (number - 1) * PAGE_SIZE
    if sort == "mine":
        listed = _by_own_usage(browse, shelf, left)[skip : skip + PAGE_SIZE]
    else:
        listed = shelf.in_order(kept, sort, on, skip=skip, take=PAGE_SIZE)
    browse.page = paging.Page(listed, number, PAGE_SIZE, total)
    browse.facets = [facet for group in found if (facet := _facet(group, narrowed)).options]
    browse.chips = list(_chips(browse, narrowed))
    if not total and not any(chip.left for chip in browse.chips):
        browse.together = _together(browse, narrowed)
    if answer is not None and number == 1 and not browse.chosen and browse.category is None:
        browse.sellers = search.named(Kind.PROVIDER, answer.found, most=BESIDE)
        browse.bundles = search.named(Kind.SOLUTION, answer.found, most=BESIDE)
    if browse.query and (browse.close or not narrowed.pool):
        _suggest(browse)


def _read_usage(browse: Browse, shelf: Shelf, left: int) -> None:
    """One kind of use is asked for within a sub-category, where it means the same for all."""
    if "subcategory" not in browse.chosen:
        return
    typed = request.args.get("amount", "").strip()[:40]
    try:
        amount = Decimal(typed.replace(",", "")) if typed else None
    except InvalidOperation:
        amount = Decimal(-1)
    if amount is not None and not (amount.is_finite() and 0 <= amount <= _MOST_USE):
        browse.amount_error, amount = _("用量填数字，例如 500"), None
    browse.amount, browse.use = typed, request.args.get("use", "")[:80]
    ids = [one.id for one in shelf.at(ranking.numbers_of(left))] if left.bit_count() <= search.MOST_PRICED else []
    browse.usages = search.for_usage(ids, browse.use, amount, month=periods.month_of(resources.clock.now()))


def _by_own_usage(browse: Browse, shelf: Shelf, left: int) -> list[Listing]:
    """The cheapest first; those that do not count that kind of use come last."""
    months, on = browse.usages.month_fen, today()
    listed = shelf.at(ranking.numbers_of(left))
    return sorted(listed, key=lambda one: (one.id not in months, months.get(one.id, 0), search.turn(one.id, on)))


def _found(shelf: Shelf, browse: Browse) -> tuple[search.Ranked, search.Answer | None]:
    """What the question finds on sale, by worth; everything where nothing is asked that could be looked for."""
    browse.asked = search.parse(browse.query)
    if browse.asked.empty:
        return [(0, shelf.all)], None
    answer = search.find(browse.query)
    if answer is None:
        browse.plain = True
        return [(0, shelf.holding(browse.query))], None
    browse.close = answer.close
    return shelf.ranked(answer.found), answer


def _suggest(browse: Browse) -> None:
    """Another spelling, if it finds anything that is on sale."""
    meant = search.suggestion(browse.query, today())
    if meant:
        browse.meant, browse.meant_url = meant, here_with(q=meant, page=None)


def _facet(group: Group, narrowed: _Narrowed) -> Facet:
    others = narrowed.left(without=group.key)
    chosen = narrowed.chosen.get(group.key, [])
    if group.most:
        counts = narrowed.shelf.count(group.key, others)
        values = _most_frequent(group, counts, chosen)
    else:
        counts = {value: (mask & others).bit_count() for value, mask in group.sets.items()}
        values = [value for value in group.names if counts.get(value) or value in chosen]
    options = [Option(value, group.names[value], counts.get(value, 0), value in chosen) for value in values]
    return Facet(group.key, group.label, options, group.one, group.open or bool(chosen))


def _most_frequent(group: Group, counts: Mapping[str, int], chosen: Sequence[str]) -> list[str]:
    """The chosen ones and those that most of what is left have."""
    most = max(group.most, len(chosen))
    least = min(nlargest(most, counts.values()), default=0)
    some = {value for value, count in counts.items() if count >= least} | set(chosen)
    return nsmallest(most, some, key=lambda value: (value not in chosen, -counts.get(value, 0), group.names[value]))


def _chips(browse: Browse, narrowed: _Narrowed) -> Iterator[Chip]:
    """Every applied choice with what dropping it would leave, so that nobody has to guess."""
    nothing = not browse.page.total
    if browse.query:
        left = narrowed.left(pool=narrowed.shelf.all)
        yield Chip(_("搜索：%(query)s", query=browse.query), here_with(q=None, page=None), left.bit_count(), _first(narrowed, left, nothing))
    for group in narrowed.groups:
        if group.key == "category" and not nothing:
            continue  # the tiles and the panel say it
        for value in narrowed.chosen.get(group.key, []):
            rest = [each for each in narrowed.chosen[group.key] if each != value]
            left = narrowed.left(without=group.key, instead=group.chosen(rest) if rest else -1)
            yield Chip(group.names[value], _without(group.key, value), left.bit_count(), _first(narrowed, left, nothing))


def _together(browse: Browse, narrowed: _Narrowed) -> Chip | None:
    """The fewest conditions without which something is left; of as many, those that leave most."""
    keys = [*(["q"] if browse.query else []), *narrowed.sets][:_MOST_DROPPED]
    for number in range(2, len(keys)):
        dropped = max(combinations(keys, number), key=lambda some: narrowed.left_of(some).bit_count())
        if left := narrowed.left_of(dropped):
            names = {group.key: [group.names[value] for value in narrowed.chosen.get(group.key, [])] for group in narrowed.groups}
            told = [_("搜索：%(query)s", query=browse.query) if key == "q" else _("、").join(names[key]) for key in dropped]
            address = here_with(page=None, **dict.fromkeys(dropped))
            return Chip(_("”和“").join(told), address, left.bit_count(), _first(narrowed, left, wanted=True))
    return None


def _first(narrowed: _Narrowed, left: int, wanted: bool) -> list[str]:
    """The names of what would come first; only told where nothing is left."""
    if not wanted or not left:
        return []
    ranked = [(worth, mask & left) for worth, mask in narrowed.ranked] if left & narrowed.pool else [(0, left)]
    found: list[Listing] = narrowed.shelf.in_order(ranked, "", today(), skip=0, take=BESIDE)
    return [formats.local({"name_zh": one.name_zh, "name_en": one.name_en}, "name") for one in found]


def _without(key: str, value: str) -> str:
    """This address without one choice of a group."""
    kept = [(key, each) for each in request.args.getlist(key) if each != value]
    address = here_with(**{key: None}, page=None)
    if not kept:
        return address
    return f"{address}{'&' if '?' in address else '?'}{urlencode(kept)}"
