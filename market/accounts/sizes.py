"""The size of a firm by the rules of 2011 (工信部联企业〔2011〕300号), as a pure function of its figures.

A firm belongs to the highest class all of whose lower bounds it reaches with every figure that its industry asks
for, so the lowest class among its figures decides. Rule sets carry the day from which they count, because a
revision has been under discussion for years. The bounds of property management, of leasing and business
services and of the remaining industries could not be compared with the original text: pages say that the
authority in charge has the last word.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final, Literal

from market.accounts.models import SizeClass
from market.kit.quantity import text as plain

Measure = Literal["staff", "revenue", "assets"]

#: Money is compared in fen; the rules are written in ten thousand yuan.
WAN_FEN: Final = 1_000_000
#: From the smallest class up.
ORDER: Final = (SizeClass.MICRO, SizeClass.SMALL, SizeClass.MEDIUM, SizeClass.LARGE)

#: The lower bounds of large, medium and small: people, or ten thousand yuan.
Bounds = tuple[int, int, int]


@dataclass(frozen=True)
class Industry:
    """A group of the rules, and the figures that it asks for."""

    slug: str
    name_zh: str
    name_en: str
    staff: Bounds | None = None
    revenue: Bounds | None = None
    assets: Bounds | None = None

    @property
    def measures(self) -> dict[Measure, Bounds]:
        """What it asks for, in the order of the rules."""
        asked: dict[Measure, Bounds | None] = {"staff": self.staff, "revenue": self.revenue, "assets": self.assets}
        return {measure: bounds for measure, bounds in asked.items() if bounds is not None}


@dataclass(frozen=True)
class Rules:
    """One edition of the rules."""

    slug: str
    name_zh: str
    name_en: str
    since: date
    industries: tuple[Industry, ...]


@dataclass(frozen=True)
class Size:
    """What came out: the class, what each figure says by itself, or which figures are missing."""

    size: SizeClass | None
    rules: Rules
    industry: Industry | None
    figures: Mapping[Measure, tuple[int, SizeClass]]
    missing: tuple[Measure | Literal["industry"], ...]


_2011 = Rules(
    "2011-300",
    "《中小企业划型标准规定》（工信部联企业〔2011〕300号）",
    "the classification rules of 2011 (MIIT, document 300 of 2011)",
    date(2011, 6, 18),
    (
        Industry("manufacturing", "工业（制造、采矿、电热水气）", "Industry (manufacturing, mining, utilities)", staff=(1000, 300, 20), revenue=(40000, 2000, 300)),
        Industry("wholesale", "批发业", "Wholesale", staff=(200, 20, 5), revenue=(40000, 5000, 1000)),
        Industry("retail", "零售业", "Retail", staff=(300, 50, 10), revenue=(20000, 500, 100)),
        Industry("lodging", "住宿业", "Lodging", staff=(300, 100, 10), revenue=(10000, 2000, 100)),
        Industry("catering", "餐饮业", "Catering", staff=(300, 100, 10), revenue=(10000, 2000, 100)),
        Industry("software", "软件和信息技术服务业", "Software and IT services", staff=(300, 100, 10), revenue=(10000, 1000, 50)),
        Industry("telecommunications", "信息传输业", "Information transmission", staff=(2000, 100, 10), revenue=(100000, 1000, 100)),
        Industry("transport", "交通运输业", "Transport", staff=(1000, 300, 20), revenue=(30000, 3000, 200)),
        Industry("warehousing", "仓储业", "Warehousing", staff=(200, 100, 20), revenue=(30000, 1000, 100)),
        Industry("post", "邮政业", "Post", staff=(1000, 300, 20), revenue=(30000, 2000, 100)),
        Industry("construction", "建筑业", "Construction", revenue=(80000, 6000, 300), assets=(80000, 5000, 300)),
        Industry("real-estate", "房地产开发经营", "Real estate development", revenue=(200000, 1000, 100), assets=(10000, 5000, 2000)),
        Industry("property-management", "物业管理", "Property management", staff=(1000, 300, 100), revenue=(5000, 1000, 500)),
        Industry("business-services", "租赁和商务服务业", "Leasing and business services", staff=(300, 100, 10), assets=(120000, 8000, 100)),
        Industry("agriculture", "农、林、牧、渔业", "Farming, forestry, animal husbandry, fishing", revenue=(20000, 500, 50)),
        Industry("other", "其他行业", "Other industries", staff=(300, 100, 10)),
    ),
)  # fmt: skip
#: Every edition, the oldest first.
EDITIONS: Final = (_2011,)


def rules_on(on: date) -> Rules:
    """The edition that counts on this day; before the first one, the first."""
    return next((rules for rules in reversed(EDITIONS) if rules.since <= on), EDITIONS[0])


def industries(on: date) -> dict[str, Industry]:
    """The groups that a firm can choose from on this day."""
    return {industry.slug: industry for industry in rules_on(on).industries}


def size_of(
    industry: str | None, *, staff: int | None, revenue_fen: int | None, assets_fen: int | None, on: date
) -> Size:
    """The class of a firm with these figures by the rules of that day; a figure nobody asks for changes nothing."""
    rules = rules_on(on)
    group = industries(on).get(industry or "")
    if group is None:
        return Size(None, rules, None, {}, ("industry",))
    stated: dict[Measure, int | None] = {"staff": staff, "revenue": revenue_fen, "assets": assets_fen}
    figures = {
        measure: (value, _class(value, bounds, 1 if measure == "staff" else WAN_FEN))
        for measure, bounds in group.measures.items()
        if (value := stated[measure]) is not None
    }
    missing = tuple(measure for measure in group.measures if measure not in figures)
    lowest = None if missing else min((said for _, said in figures.values()), key=ORDER.index)
    return Size(lowest, rules, group, figures, missing)


def _class(value: int, bounds: Bounds, unit: int) -> SizeClass:
    large, medium, small = (bound * unit for bound in bounds)
    if value >= large:
        return SizeClass.LARGE
    if value >= medium:
        return SizeClass.MEDIUM
    return SizeClass.SMALL if value >= small else SizeClass.MICRO


_WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "zh": {
        "micro": "微型", "small": "小型", "medium": "中型", "large": "大型",
        "staff": "员工 {value} 人", "revenue": "营业收入 {value} 万元", "assets": "资产总额 {value} 万元",
        "is": "{figure}为{size}", "reaches": "{figure}达到{size}",
        "and": "，", "lowest": "{figures}，按规则取{size}", "same": "{figures}，所以是{size}",
        "need": "还缺{missing}，填了就能算出企业规模", "need.industry": "行业", "need.staff": "员工人数",
        "need.revenue": "年营业收入", "need.assets": "资产总额", "list": "、",
    },
    "en": {
        "micro": "micro", "small": "small", "medium": "medium", "large": "large",
        "staff": "{value} staff", "revenue": "revenue of ¥{value}", "assets": "total assets of ¥{value}",
        "is": "{figure} says {size}", "reaches": "{figure} says {size}",
        "and": ", ", "lowest": "{figures}; by the rules the lower one counts: {size}", "same": "{figures}, so {size}",
        "need": "Still needed to work out the size: {missing}", "need.industry": "industry", "need.staff": "number of staff",
        "need.revenue": "yearly revenue", "need.assets": "total assets", "list": ", ",
    },
}  # fmt: skip


def words(found: Size, language: str = "zh") -> str:
    """Why it came out so, in one sentence: 员工 120 人达到中型，营业收入 900 万元为小型，按规则取小型."""
    say = _WORDS["en" if language == "en" else "zh"]
    if found.size is None:
        return say["need"].format(missing=say["list"].join(say[f"need.{name}"] for name in found.missing))
    parts = say["and"].join(
        say["is" if said is found.size else "reaches"].format(
            figure=say[measure].format(value=_written(measure, value, language)), size=say[said]
        )
        for measure, (value, said) in found.figures.items()
    )
    if len(found.figures) > 1:
        agreed = len({said for _, said in found.figures.values()}) == 1
        parts = say["same" if agreed else "lowest"].format(figures=parts, size=say[found.size])
    return parts[0].upper() + parts[1:]


def _written(measure: Measure, value: int, language: str) -> str:
    if measure == "staff":
        return f"{value:,}"
    if language == "en":
        return f"{Decimal(value) / 100:,.2f}".removesuffix(".00")
    whole, _, rest = plain(Decimal(value) / WAN_FEN).partition(".")
    return f"{int(whole):,}" + (f".{rest}" if rest else "")
