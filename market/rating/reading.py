"""Charge terms as the JSON that stores them: read, refused field by field, written back."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final, cast, get_args

from market.kit import quantity
from market.kit.refusal import Refusal
from market.rating.terms import (
    Flat,
    FlatInterval,
    Graduated,
    Metered,
    Package,
    Percentage,
    PerUnit,
    Rounding,
    Terms,
    Tier,
    Volume,
)

AMOUNT_PLACES: Final = 2
UNIT_PRICE_PLACES: Final = 8
PERCENT_PLACES: Final = 6
PRICE_LIMIT: Final = Decimal(10) ** 9
MOST_TIERS: Final = 20
#: More complaints at once than these help nobody.
MOST_PROBLEMS: Final = 60
#: So many different terms are remembered as they were read.
MOST_KNOWN: Final = 4096

_ZERO: Final = Decimal(0)
_HUNDRED: Final = Decimal(100)
#: Numbers that can be right or wrong whatever the others are, with what is right in their place.
_ALONE: Final = {
    "amount": "1", "count": "", "unit_price": "1", "package_size": "1", "package_price": "1", "percent": "1", "flat": "",
    "included": "", "fee": "", "fee_minimum": "", "fee_maximum": "", "discount": "", "minimum": "", "maximum": "",
}  # fmt: skip
_DECIMAL = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
_known: dict[str, Terms] = {}


class InvalidTerms(Refusal):
    """Charge terms that cannot be rated; `field` is the path of the culprit, as in `tiers.1.up_to`."""

    code = "invalid_terms"

    def __init__(self, field: str, message: str, **params: object) -> None:
        self.field = field
        super().__init__(message, **params)


def parse(raw: Mapping[str, Any]) -> Terms:
    """Terms from their JSON object; InvalidTerms names the field and says what is wrong."""
    written = repr(raw) if type(raw) is dict else ""
    found = _known.get(written)
    if found is None:
        found = _parse(raw)
        if len(_known) >= MOST_KNOWN:
            _known.clear()
        if written:
            _known[written] = found
    return found


def _parse(raw: Mapping[str, Any]) -> Terms:
    if not isinstance(raw, Mapping):
        raise InvalidTerms("", "计费条款须是一个对象")
    model = raw.get("model")
    if not isinstance(model, str) or model not in _READERS:
        raise InvalidTerms("model", "未知的计费方式：%(model)s", model=_shown(model))
    keys, read = _READERS[model]
    _refuse_unknown(raw, {"model", *keys}, "")
    return read(raw)


def problems(raw: Mapping[str, Any]) -> list[InvalidTerms]:
    """Everything `parse` would refuse, box by box. A wrong bound ends the list: what follows depends on it."""
    found: list[InvalidTerms] = []
    while True:
        try:
            parse(raw)
        except InvalidTerms as refusal:
            found.append(refusal)
            mended = _mended(raw, refusal.field)
            if mended is None or len(found) > MOST_PROBLEMS:
                return found
            raw = mended
        else:
            return found


def _mended(raw: Any, path: str) -> Any:
    """`raw` with a number that is right at `path`, so that the rest can be read; None where none would do."""
    name, _, rest = path.partition(".")
    if not rest:
        return {**raw, name: _ALONE[name]} if name in _ALONE else None
    place, _, rest = rest.partition(".")
    if name != "tiers" or rest not in _ALONE:
        return None
    rows = list(raw["tiers"])
    rows[int(place)] = {**rows[int(place)], rest: _ALONE[rest]}
    return {**raw, "tiers": rows}


def dump(terms: Terms) -> dict[str, Any]:
    """The JSON object that `parse` reads back as the same terms; all numbers are decimal text."""
    if isinstance(terms, Flat):
        fee = {"model": "flat", "interval": terms.interval, "amount": _amount_text(terms.amount)}
        return fee if terms.count == 1 else fee | {"count": quantity.text(terms.count)}
    written = {"model": model_of(terms), **_dump_price(terms), "included": quantity.text(terms.included)}
    if terms.rounding:
        written["rounding"] = terms.rounding.value
    if terms.discount:
        written["discount"] = quantity.text(terms.discount)
    if terms.minimum:
        written["minimum"] = _amount_text(terms.minimum)
    return written if terms.maximum is None else written | {"maximum": _amount_text(terms.maximum)}


def model_of(terms: Terms) -> str:
    """The name of the charge model, as it stands in the JSON."""
    return _NAMES[type(terms)]


def _dump_price(terms: Metered) -> dict[str, Any]:
    match terms:
        case PerUnit():
            return {"unit_price": quantity.text(terms.unit_price)}
        case Graduated() | Volume():
            return {"tiers": [_dump_tier(tier) for tier in terms.tiers]}
        case Package():
            return {"package_size": quantity.text(terms.package_size), "package_price": _amount_text(terms.package_price)}
        case Percentage():
            price = {"percent": quantity.text(terms.percent), "fee": quantity.text(terms.fee)}
            if terms.fee_minimum:
                price["fee_minimum"] = quantity.text(terms.fee_minimum)
            return price if terms.fee_maximum is None else price | {"fee_maximum": quantity.text(terms.fee_maximum)}


def _dump_tier(tier: Tier) -> dict[str, Any]:
    return {
        "up_to": None if tier.up_to is None else quantity.text(tier.up_to),
        "unit_price": quantity.text(tier.unit_price),
        "flat": _amount_text(tier.flat),
    }


def _read_flat(raw: Mapping[str, Any]) -> Flat:
    interval = raw.get("interval")
    if interval not in get_args(FlatInterval):
        raise InvalidTerms("interval", "固定费用须说明按月（month）、按年（year）还是一次性（once）")
    count = Decimal(1) if _blank(raw.get("count")) else _quantity(raw, "count")
    return Flat(_amount(raw, "amount"), cast(FlatInterval, interval), count)


def _read_per_unit(raw: Mapping[str, Any]) -> PerUnit:
    return PerUnit(_unit_price(raw, "unit_price"), _included(raw), _rounding(raw), **_limits(raw))


def _read_graduated(raw: Mapping[str, Any]) -> Graduated:
    return Graduated(_tiers(raw), _included(raw), _rounding(raw), **_limits(raw))


def _read_volume(raw: Mapping[str, Any]) -> Volume:
    return Volume(_tiers(raw), _included(raw), _rounding(raw), **_limits(raw))


def _read_package(raw: Mapping[str, Any]) -> Package:
    size = _quantity(raw, "package_size")
    if size == 0:
        raise InvalidTerms("package_size", "每包数量须大于 0")
    return Package(size, _amount(raw, "package_price"), _included(raw), _rounding(raw), **_limits(raw))


def _read_percentage(raw: Mapping[str, Any]) -> Percentage:
    percent, fee = _percent(raw, "percent"), _optional(raw, "fee", _unit_price)
    least, most = _optional(raw, "fee_minimum", _unit_price), _most(raw, "fee_maximum", _unit_price)
    if most is not None and most < least:
        raise InvalidTerms("fee_maximum", "每笔最多收的不能少于每笔至少收的 %(least)s 元", least=quantity.text(least))
    included = _included(raw)
    if included and (least or most is not None):
        raise InvalidTerms("included", "每笔有最低或最高收费时，不能再含免费的交易金额：说不清免的是哪几笔")
    return Percentage(percent, fee, least, most, included, **_limits(raw))


_LIMITS: Final = ("discount", "minimum", "maximum")
_READERS: Mapping[str, tuple[Collection[str], Callable[[Mapping[str, Any]], Terms]]] = MappingProxyType(
    {
        "flat": (("interval", "amount", "count"), _read_flat),
        "per_unit": (("unit_price", "included", "rounding", *_LIMITS), _read_per_unit),
        "graduated": (("tiers", "included", "rounding", *_LIMITS), _read_graduated),
        "volume": (("tiers", "included", "rounding", *_LIMITS), _read_volume),
        "package": (("package_size", "package_price", "included", "rounding", *_LIMITS), _read_package),
        "percentage": (("percent", "fee", "fee_minimum", "fee_maximum", "included", *_LIMITS), _read_percentage),
    }
)
_NAMES: Mapping[type, str] = MappingProxyType(
    {
        Flat: "flat", PerUnit: "per_unit", Graduated: "graduated", Volume: "volume", Package: "package",
        Percentage: "percentage",
    }
)  # fmt: skip

MODELS: Final = tuple(_READERS)


def _limits(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Discount, and what a full period costs at least and at most."""
    least, most = _optional(raw, "minimum", _amount), _most(raw, "maximum", _amount)
    if most is not None and most < least:
        raise InvalidTerms("maximum", "每期最多收的不能少于每期至少收的 %(least)s 元", least=_amount_text(least))
    return {"discount": _optional(raw, "discount", _percent), "minimum": least, "maximum": most}


def _optional(raw: Mapping[str, Any], name: str, read: Callable[[Mapping[str, Any], str], Decimal]) -> Decimal:
    return _ZERO if _blank(raw.get(name)) else read(raw, name)


def _most(raw: Mapping[str, Any], name: str, read: Callable[[Mapping[str, Any], str], Decimal]) -> Decimal | None:
    if _blank(raw.get(name)):
        return None
    most = read(raw, name)
    if not most:
        raise InvalidTerms(name, "须大于 0；没有上限就留空")
    return most


def _percent(raw: Mapping[str, Any], name: str) -> Decimal:
    percent = _number(raw, name, "", PERCENT_PLACES, PRICE_LIMIT)
    if percent > _HUNDRED:
        raise InvalidTerms(name, "百分比不能超过 100")
    return percent


def _tiers(raw: Mapping[str, Any]) -> tuple[Tier, ...]:
    rows = raw.get("tiers")
    if not isinstance(rows, list | tuple) or not rows:
        raise InvalidTerms("tiers", "请至少填写一档价格")
    if len(rows) > MOST_TIERS:
        raise InvalidTerms("tiers", "最多 %(most)s 档价格", most=MOST_TIERS)
    tiers = tuple(_tier(row, f"tiers.{position}") for position, row in enumerate(rows))
    _check_bounds(tiers)
    return tiers


def _tier(row: Any, path: str) -> Tier:
    if not isinstance(row, Mapping):
        raise InvalidTerms(path, "每一档须写明上限和单价")
    _refuse_unknown(row, {"up_to", "unit_price", "flat"}, path)
    return Tier(
        None if _blank(row.get("up_to")) else _quantity(row, "up_to", path),
        _unit_price(row, "unit_price", path),
        _ZERO if _blank(row.get("flat")) else _amount(row, "flat", path),
    )


def _check_bounds(tiers: tuple[Tier, ...]) -> None:
    """Each tier begins where the one before ends, so bounds that rise leave neither gap nor overlap."""
    reached = _ZERO
    for position, tier in enumerate(tiers):
        path, last = f"tiers.{position}.up_to", position == len(tiers) - 1
        if last and tier.up_to is not None:
            raise InvalidTerms(path, "最后一档不能有上限，否则超出部分没有价格")
        if not last and tier.up_to is None:
            raise InvalidTerms(path, "第 %(tier)s 档缺少上限：只有最后一档可以不设上限", tier=position + 1)
        if tier.up_to is not None and tier.up_to <= reached:
            raise InvalidTerms(
                path,
                "第 %(tier)s 档的上限须大于 %(reached)s，否则与前一档重叠",
                tier=position + 1,
                reached=quantity.text(reached),
            )
        reached = tier.up_to or reached


def _rounding(raw: Mapping[str, Any]) -> Rounding:
    value = raw.get("rounding", "")
    if not isinstance(value, str) or value not in list(Rounding):
        raise InvalidTerms("rounding", "不认识的取整方式：%(rounding)s", rounding=_shown(value))
    return Rounding(value)


def _included(raw: Mapping[str, Any]) -> Decimal:
    return _ZERO if _blank(raw.get("included")) else _quantity(raw, "included")


def _quantity(raw: Mapping[str, Any], name: str, path: str = "") -> Decimal:
    return _number(raw, name, path, quantity.PLACES, quantity.LIMIT)


def _amount(raw: Mapping[str, Any], name: str, path: str = "") -> Decimal:
    return _number(raw, name, path, AMOUNT_PLACES, PRICE_LIMIT)


def _unit_price(raw: Mapping[str, Any], name: str, path: str = "") -> Decimal:
    return _number(raw, name, path, UNIT_PRICE_PLACES, PRICE_LIMIT)


def _number(raw: Mapping[str, Any], name: str, path: str, places: int, limit: Decimal) -> Decimal:
    field, value = f"{path}.{name}" if path else name, raw.get(name)
    if _blank(value):
        raise InvalidTerms(field, "请填写此项")
    if not isinstance(value, str) or not _DECIMAL.fullmatch(value.strip()):
        raise InvalidTerms(field, "“%(value)s”不是十进制数字文本，请写成 \"0.12\" 的样子", value=_shown(value))
    number = Decimal(value.strip())
    if number < 0:
        raise InvalidTerms(field, "不能小于 0")
    if number >= limit:
        raise InvalidTerms(field, "数字太大：须小于 %(limit)s", limit=f"{limit:,f}")
    if quantity.places(number) > places:
        raise InvalidTerms(field, "最多 %(places)s 位小数", places=places)
    return Decimal(quantity.text(number))


def _refuse_unknown(raw: Mapping[str, Any], known: set[str], path: str) -> None:
    for key in raw:
        if key not in known:
            raise InvalidTerms(f"{path}.{key}" if path else str(key), "此处没有“%(key)s”这一项", key=_shown(key))


def _blank(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _shown(value: Any) -> str:
    return str(value)[:40]


def _amount_text(amount: Decimal) -> str:
    return f"{amount:.2f}"
