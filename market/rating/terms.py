"""Charge terms: what a priced line of a plan says, as typed values and as the JSON that stores it."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final, Literal, cast, get_args

from market.kit import quantity
from market.kit.refusal import Refusal

FlatInterval = Literal["month", "year", "once"]


class Rounding(StrEnum):
    """How the quantity of a service period is made whole before anything is deducted from it or priced."""

    NONE = ""
    UP = "up"
    NEAREST = "nearest"
    DOWN = "down"


AMOUNT_PLACES: Final = 2
UNIT_PRICE_PLACES: Final = 8
PRICE_LIMIT: Final = Decimal(10) ** 9
MOST_TIERS: Final = 20
#: More complaints at once than these help nobody.
MOST_PROBLEMS: Final = 60

_ZERO: Final = Decimal(0)
#: Numbers that can be right or wrong whatever the others are.
_ALONE: Final = ("amount", "unit_price", "included", "package_size", "package_price", "flat")
_DECIMAL = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")


class InvalidTerms(Refusal):
    """Charge terms that cannot be rated; `field` is the path of the culprit, as in `tiers.1.up_to`."""

    code = "invalid_terms"

    def __init__(self, field: str, message: str, **params: object) -> None:
        self.field = field
        super().__init__(message, **params)


@dataclass(frozen=True, slots=True)
class Flat:
    """A fixed amount a month or year, or once."""

    amount: Decimal
    interval: FlatInterval


@dataclass(frozen=True, slots=True)
class PerUnit:
    """One price for every unit beyond what is included."""

    unit_price: Decimal
    included: Decimal = _ZERO
    rounding: Rounding = Rounding.NONE


@dataclass(frozen=True, slots=True)
class Tier:
    """Units up to and including `up_to` (None: without end); `flat` is due once the tier is reached."""

    up_to: Decimal | None
    unit_price: Decimal
    flat: Decimal = _ZERO


@dataclass(frozen=True, slots=True)
class Graduated:
    """Every unit at the price of the tier it falls in."""

    tiers: tuple[Tier, ...]
    included: Decimal = _ZERO
    rounding: Rounding = Rounding.NONE


@dataclass(frozen=True, slots=True)
class Volume:
    """All units at the price of the one tier that the whole quantity falls in."""

    tiers: tuple[Tier, ...]
    included: Decimal = _ZERO
    rounding: Rounding = Rounding.NONE


@dataclass(frozen=True, slots=True)
class Package:
    """Whole packages; a begun package counts."""

    package_size: Decimal
    package_price: Decimal
    included: Decimal = _ZERO
    rounding: Rounding = Rounding.NONE


Terms = Flat | PerUnit | Graduated | Volume | Package


def parse(raw: Mapping[str, Any]) -> Terms:
    """Terms from their JSON object; InvalidTerms names the field and says what is wrong."""
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
        return {**raw, name: "1"} if name in _ALONE else None
    place, _, rest = rest.partition(".")
    if name != "tiers" or rest not in _ALONE:
        return None
    rows = list(raw["tiers"])
    rows[int(place)] = {**rows[int(place)], rest: "1"}
    return {**raw, "tiers": rows}


def dump(terms: Terms) -> dict[str, Any]:
    """The JSON object that `parse` reads back as the same terms; all numbers are decimal text."""
    match terms:
        case Flat():
            return {"model": "flat", "interval": terms.interval, "amount": _amount_text(terms.amount)}
        case PerUnit():
            priced: dict[str, Any] = {"model": "per_unit", "unit_price": quantity.text(terms.unit_price)}
        case Graduated():
            priced = {"model": "graduated", "tiers": [_dump_tier(tier) for tier in terms.tiers]}
        case Volume():
            priced = {"model": "volume", "tiers": [_dump_tier(tier) for tier in terms.tiers]}
        case Package():
            priced = {
                "model": "package",
                "package_size": quantity.text(terms.package_size),
                "package_price": _amount_text(terms.package_price),
            }
    whole = {"rounding": terms.rounding.value} if terms.rounding else {}
    return priced | {"included": quantity.text(terms.included)} | whole


def model_of(terms: Terms) -> str:
    """The name of the charge model, as it stands in the JSON."""
    return cast(str, dump(terms)["model"])


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
    return Flat(_amount(raw, "amount"), cast(FlatInterval, interval))


def _read_per_unit(raw: Mapping[str, Any]) -> PerUnit:
    return PerUnit(_unit_price(raw, "unit_price"), _included(raw), _rounding(raw))


def _read_graduated(raw: Mapping[str, Any]) -> Graduated:
    return Graduated(_tiers(raw), _included(raw), _rounding(raw))


def _read_volume(raw: Mapping[str, Any]) -> Volume:
    return Volume(_tiers(raw), _included(raw), _rounding(raw))


def _read_package(raw: Mapping[str, Any]) -> Package:
    size = _quantity(raw, "package_size")
    if size == 0:
        raise InvalidTerms("package_size", "每包数量须大于 0")
    return Package(size, _amount(raw, "package_price"), _included(raw), _rounding(raw))


_READERS: Mapping[str, tuple[Collection[str], Callable[[Mapping[str, Any]], Terms]]] = MappingProxyType(
    {
        "flat": (("interval", "amount"), _read_flat),
        "per_unit": (("unit_price", "included", "rounding"), _read_per_unit),
        "graduated": (("tiers", "included", "rounding"), _read_graduated),
        "volume": (("tiers", "included", "rounding"), _read_volume),
        "package": (("package_size", "package_price", "included", "rounding"), _read_package),
    }
)
MODELS: Final = tuple(_READERS)


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
