"""The groups of choices that narrow a list, in the words of the people who choose."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from market.catalog import Branch
from market.search import BUDGETS, EVERY, PROMISES, Shelf
from market.storefront import places
from market.storefront.plan_words import plan_words
from market.web import formats
from market.web.locale import chosen_language

#: So many providers are offered as choices: those with most services among what is left.
MOST_PROVIDERS = 10

BILLING = {
    "usage": _l("按用量付费"),
    "month": _l("按月付费"),
    "year": _l("按年付费"),
    "once": _l("有一次性费用"),
}
SUPPORT = {"always": _l("24 小时有人"), "daily": _l("每天有人，含周末")}
FAPIAO = {"special": _l("能开专票"), "ordinary": _l("能开普票")}
PLACES = {"1": _l("数据存放在广东省内"), "cn": _l("数据存放在境内")}


@dataclass(frozen=True)
class Group:
    """A set of choices about one property of an offering: what each is called, and which offerings have it."""

    key: str
    label: str
    names: Mapping[str, str]
    sets: Mapping[str, int]
    one: bool = False  # only one choice at a time
    open: bool = True  # whether the panel shows it unfolded from the start
    most: int = 0  # so many choices are shown, the most frequent first; 0: all, in their order

    def chosen(self, values: Sequence[str]) -> int:
        """The offerings that have any of the values."""
        found = 0
        for value in values:
            found |= self.sets.get(value, 0)
        return found


def groups(shelf: Shelf, branches: Sequence[Branch], category: Branch | None, listed: Collection[int]) -> list[Group]:
    """All groups that make sense here: sub-categories only inside a category.

    What each choice is called and which offerings have it is kept with the shelf; what is `listed` as recommended is not.
    """
    words = plan_words()
    key = ("groups", chosen_language(), category.category.slug if category else "")
    known = shelf.kept.get(key)
    if known is None or known[0] is not words:
        known = shelf.kept[key] = (words, _groups(shelf, branches, category))
    chosen = shelf.those(listed)
    return [replace(group, sets={"1": chosen}) if group.key == "recommended" else group for group in known[1]]


def _groups(shelf: Shelf, branches: Sequence[Branch], category: Branch | None) -> list[Group]:
    found = [
        _plain(shelf, "category", _l("类别"), {one.category.slug: formats.local(one.category, "name") for one in branches}, one=True),
        _plain(shelf, "budget", _l("一个月大约多少钱"), _budgets(), one=True),
        _plain(shelf, "trial", _l("试用"), {"1": _l("有免费试用")}),
        _plain(shelf, "billing", _l("怎么收费"), BILLING),
        _plain(shelf, "local", _l("数据存放地"), PLACES, one=True),
        _plain(shelf, "cert", _l("合规证明"), places.SHORT_NAMES),
        _plain(shelf, "fapiao", _l("发票"), FAPIAO),
        Group("recommended", _("推荐目录"), {"1": _("在推荐目录里")}, {}),
        _plain(shelf, "uptime", _l("可用性承诺"), {each: _("%(percent)s%% 或更高", percent=each) for each in PROMISES}, one=True, open=False),
        _plain(shelf, "support", _l("人工客服时间"), SUPPORT, one=True, open=False),
        _sectors(shelf),
        _providers(shelf),
    ]
    if category is not None:
        names = {child.slug: formats.local(child, "name") for child in category.children}
        found.insert(1, _plain(shelf, "subcategory", _l("小类"), names, one=True))
    return found


def _plain(
    shelf: Shelf, key: str, label: LazyString, names: Mapping[str, Any], *, one: bool = False, open: bool = True
) -> Group:
    return Group(key, str(label), {value: str(name) for value, name in names.items()}, {value: shelf.having.get(f"{key}={value}", 0) for value in names}, one, open)


def _budgets() -> dict[str, str]:
    return {str(most): _("每月 ¥%(most)s 以内", most=f"{most:,}") for most in BUDGETS}


def _sectors(shelf: Shelf) -> Group:
    """What is made for a sector or says that it suits every one; sectors that nothing is made for are not offered."""
    names = {
        sector.slug: formats.local(sector, "name") for sector in plan_words().sectors if shelf.having.get(f"sector={sector.slug}")
    }
    every = shelf.having.get(f"sector={EVERY}", 0)
    return Group("sector", _("适合的行业"), names, {slug: shelf.having[f"sector={slug}"] | every for slug in names}, one=True, open=False)


def _providers(shelf: Shelf) -> Group:
    names, sets = shelf.provider_names(chosen_language()), shelf.values_of("provider")
    return Group("provider", _("服务商"), names, sets, open=False, most=MOST_PROVIDERS)
