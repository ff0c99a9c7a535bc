"""Browsing: what the address of a list asks for, which offerings that leaves, and what else could be asked.

Within a group choices add up (either certificate will do), between groups they narrow. The count
beside a choice says how many offerings it would leave with the other groups as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from flask import request
from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from market import catalog, search
from market.catalog import Branch
from market.search import Listing, Shelf
from market.storefront import places
from market.web import formats
from market.web.locale import here_with

LONGEST_QUERY = 100

SORTS = {
    "": _l("最新上架"),
    "price": _l("常见用量月费从低到高"),
    "-price": _l("常见用量月费从高到低"),
}
SEARCH_SORTS = {"": _l("最相关"), "price": SORTS["price"], "-price": SORTS["-price"], "new": _l("最新上架")}
BILLING = {
    "usage": _l("按用量付费"),
    "month": _l("按月付费"),
    "year": _l("按年付费"),
    "once": _l("有一次性费用"),
}


@dataclass(frozen=True)
class Group:
    """A set of choices about one property of an offering."""

    key: str
    label: LazyString
    values: Callable[[Listing], Iterable[str]]
    names: dict[str, Any]
    one: bool = False  # only one choice at a time


GROUPS = (
    Group("trial", _l("试用"), lambda one: ["1"] if one.trial else [], {"1": _l("有免费试用")}),
    Group("local", _l("数据存放地"), lambda one: ["1"] if one.local else [], {"1": _l("数据存放在广东省内")}),
    Group("billing", _l("怎么收费"), lambda one: one.billing, BILLING),
    Group("cert", _l("合规证明"), lambda one: one.certificates, places.SHORT_NAMES),
)


@dataclass(frozen=True)
class Option:
    """One choice with the number of offerings it would leave."""

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


@dataclass(frozen=True)
class Chip:
    """An applied choice and the address without it."""

    label: str
    url: str
    left: int = 0


@dataclass
class Browse:
    """One reading of a list's address. `listings` are what is left, in the order asked for."""

    branches: Sequence[Branch]
    query: str = ""
    category: Branch | None = None
    unknown_category: str = ""
    chosen: dict[str, list[str]] = field(default_factory=dict)
    sort: str = ""
    error: str = ""
    close: bool = False
    listings: list[Listing] = field(default_factory=list)
    facets: list[Facet] = field(default_factory=list)
    chips: list[Chip] = field(default_factory=list)

    @property
    def sorts(self) -> dict[str, LazyString]:
        """The orders on offer: only a search has a most relevant one."""
        return SEARCH_SORTS if self.query else SORTS

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
    branches = catalog.categories()
    browse = Browse(branches, query=_words_asked())
    _read_category(browse)
    groups = _groups(browse.category)
    browse.chosen = {group.key: values for group in groups if (values := _chosen(group))}
    browse.sort = request.args.get("sort", "")
    if browse.sort not in browse.sorts:
        browse.sort = ""
    if len(browse.query) > LONGEST_QUERY:
        browse.error = _(
            "搜索词最多 %(limit)d 个字，现在有 %(count)d 个。留下最要紧的几个词再搜",
            limit=LONGEST_QUERY, count=len(browse.query),
        )  # fmt: skip
        return browse
    _answer(browse, groups)
    return browse


def _words_asked() -> str:
    """What stands in the search box, without what nobody can see."""
    typed = request.args.get("q", "")
    return " ".join("".join(letter if letter.isprintable() else " " for letter in typed).split())


def _read_category(browse: Browse) -> None:
    wanted = request.args.get("category", "")
    browse.category = next((one for one in browse.branches if one.category.slug == wanted), None)
    if wanted and browse.category is None:
        browse.unknown_category = wanted[:40]


def _groups(branch: Branch | None) -> list[Group]:
    """The groups that make sense here: sub-categories only inside a category."""
    if branch is None:
        return list(GROUPS)
    names = {child.slug: formats.local(child, "name") for child in branch.children}
    inside = Group("subcategory", _l("小类"), lambda one: [one.subcategory], names, one=True)
    return [inside, *GROUPS]


def _chosen(group: Group) -> list[str]:
    known = [value for value in dict.fromkeys(request.args.getlist(group.key)) if value in group.names]
    return known[-1:] if group.one else known


def _answer(browse: Browse, groups: list[Group]) -> None:
    shelf = search.shelf()
    pool = _found(shelf, browse)
    if browse.category is not None:
        pool = [one for one in pool if one.category == browse.category.category.slug]
    passes = {key: _test(group, browse.chosen[key]) for group in groups if (key := group.key) in browse.chosen}
    browse.listings = _sorted([one for one in pool if all(test(one) for test in passes.values())], browse.sort)
    browse.facets = [facet for group in groups if (facet := _facet(group, browse, pool, passes)).options]
    browse.chips = list(_chips(groups, browse, pool, passes))


def _found(shelf: Shelf, browse: Browse) -> list[Listing]:
    """What holds every word; if nothing does, what holds some, and `browse.close` says so."""
    if not browse.query:
        return list(shelf.listings.values())
    ids = search.find(browse.query)
    if ids is None:
        return shelf.holding(browse.query)
    exact = shelf.among(ids)
    if exact:
        return exact
    near = shelf.among(search.find(browse.query, some=True) or [])
    browse.close = bool(near)
    return near


def _test(group: Group, chosen: list[str]) -> Callable[[Listing], bool]:
    wanted = set(chosen)
    return lambda one: not wanted.isdisjoint(group.values(one))


def _sorted(listings: list[Listing], sort: str) -> list[Listing]:
    if sort in ("price", "-price"):
        return sorted(listings, key=lambda one: one.month_fen, reverse=sort == "-price")
    if sort == "new":
        return sorted(listings, key=lambda one: one.listed_at.timestamp() if one.listed_at else 0.0, reverse=True)
    return listings


def _facet(group: Group, browse: Browse, pool: list[Listing], passes: dict[str, Any]) -> Facet:
    others = [test for key, test in passes.items() if key != group.key]
    counts = dict.fromkeys(group.names, 0)
    for one in pool:
        if all(test(one) for test in others):
            for value in group.values(one):
                if value in counts:
                    counts[value] += 1
    chosen = browse.chosen.get(group.key, [])
    options = [
        Option(value, str(label), counts[value], value in chosen)
        for value, label in group.names.items()
        if counts[value] or value in chosen
    ]
    return Facet(group.key, str(group.label), options, group.one)


def _chips(
    groups: list[Group], browse: Browse, pool: list[Listing], passes: dict[str, Any]
) -> Iterator[Chip]:
    """Every applied choice with the number that dropping it would leave, so that nobody has to guess."""
    if browse.query:
        left = sum(1 for one in search.shelf().listings.values()
                   if _in_category(browse, one) and all(test(one) for test in passes.values()))  # fmt: skip
        yield Chip(_("搜索：%(query)s", query=browse.query), here_with(q=None, page=None), left)
    for group in groups:
        for value in browse.chosen.get(group.key, []):
            rest = [each for each in browse.chosen[group.key] if each != value]
            tests = {key: test for key, test in passes.items() if key != group.key}
            if rest:
                tests[group.key] = _test(group, rest)
            left = sum(1 for one in pool if all(test(one) for test in tests.values()))
            yield Chip(str(group.names[value]), _without(group.key, value), left)


def _in_category(browse: Browse, one: Listing) -> bool:
    return browse.category is None or one.category == browse.category.category.slug


def _without(key: str, value: str) -> str:
    """This address without one choice of a group."""
    kept = [(key, each) for each in request.args.getlist(key) if each != value]
    address = here_with(**{key: None}, page=None)
    if not kept:
        return address
    return f"{address}{'&' if '?' in address else '?'}{urlencode(kept)}"
