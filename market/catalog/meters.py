"""Meters: what a provider measures. Whoever prices one relies on it, so a version never changes its meaning."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from typing import Any

from sqlalchemy import exists, func, select
from sqlalchemy.exc import IntegrityError

from market import audit, db
from market.catalog.models import Aggregation, Charge, Meter, Rounding, TimeBase
from market.catalog.slugs import METER_SLUG
from market.errors import Invalid, Refused
from market.providers import Provider

MOST_DIMENSIONS = 5
#: A key of an event's data that a filter and an address can name.
_DIMENSION = re.compile(r"[^\s,，、=\[\]\"']{1,60}")


class MeterTaken(Refused):
    """The provider has a meter of this name."""

    code = "meter_slug_taken"
    message = "您已有名为“%(slug)s”的计量项，请换一个名称。"


class MeterReplaced(Refused):
    """There is a newer version; only the newest one can be followed by another."""

    code = "meter_replaced"
    message = "这个计量项已有新的一版，请在最新一版上修改。"


@dataclass(frozen=True, kw_only=True)
class Meaning:
    """What a version of a meter means. Its first part says what is counted, the rest how that becomes a priced quantity."""

    event_type: str
    value_property: str
    aggregation: Aggregation | str
    dimensions: Sequence[str] = ()
    time_base: TimeBase | str
    unit_zh: str
    unit_en: str
    unit_size: int
    rounding: Rounding | str = Rounding.NONE

    def tidy(self) -> Meaning:
        """The same without blanks that mean nothing; two that mean the same are equal."""
        texts = {name: getattr(self, name).strip() for name in ("event_type", "value_property", "unit_zh", "unit_en")}
        return replace(
            self, **texts, aggregation=Aggregation(self.aggregation), time_base=TimeBase(self.time_base),
            rounding=Rounding(self.rounding), dimensions=tuple(each.strip() for each in self.dimensions if each.strip()),
        )  # fmt: skip

    @property
    def counted(self) -> tuple[Any, ...]:
        """What decides what the counters say."""
        return self.event_type, self.value_property, self.aggregation, self.dimensions


def add_meter(
    provider: Provider, meaning: Meaning, *, slug: str, name_zh: str, name_en: str, by: audit.Actor, at: datetime
) -> Meter:
    """A new meter. Raises Invalid with `fields`, MeterTaken."""
    meter = Meter(provider=provider, slug=slug.strip(), version_number=1, created_at=at)
    _write(meter, meaning.tidy(), name_zh, name_en)
    if not METER_SLUG.fullmatch(meter.slug):
        message = "代号只用小写字母、数字、下划线和连字符，最多 60 个，例如 storage_gb_hours。"
        raise Invalid(fields={"slug": message, **_problems(meter)})
    if problems := _problems(meter):
        raise Invalid(fields=problems)
    try:
        with db.session.begin_nested():
            db.session.add(meter)
    except IntegrityError as error:
        raise MeterTaken(field="slug", slug=slug) from error
    audit.record("meter.added", meter, by=by, at=at, organization_id=provider.organization_id, after=_shown(meter))
    return meter


def change_meter(
    meter: Meter, meaning: Meaning, *, name_zh: str, name_en: str, by: audit.Actor, at: datetime
) -> Meter:
    """The meter with another name; another meaning makes its next version, and plans keep the one they have.

    A version that counts the same and is only priced otherwise reads the counters of the one before, so it knows
    what was used so far; any other begins to count now. One that no plan was written with is retired by the next.
    Raises Invalid with `fields`, MeterReplaced.
    """
    meaning, provider = meaning.tidy(), db.session.get_one(Provider, meter.provider_id)
    if meaning == meaning_of(meter):
        return _rename(meter, provider, name_zh, name_en, by=by, at=at)
    newest = select(func.max(Meter.version_number)).where(Meter.provider_id == provider.id, Meter.slug == meter.slug)
    if db.session.scalar(newest) != meter.version_number:
        raise MeterReplaced
    same = meaning.counted == meaning_of(meter).counted
    following = Meter(
        provider=provider, slug=meter.slug, version_number=meter.version_number + 1, created_at=at,
        reads_id=meter.counter_id if same else None, counts_from=(meter.counts_from or meter.created_at) if same else None,
    )  # fmt: skip
    _write(following, meaning, name_zh, name_en)
    if problems := _problems(following):
        raise Invalid(fields=problems)
    try:
        with db.session.begin_nested():
            db.session.add(following)
    except IntegrityError as error:
        raise MeterReplaced from error
    if not same:
        _retire_unused(meter, at)
    audit.record(
        "meter.changed", following, by=by, at=at, organization_id=provider.organization_id,
        before=_shown(meter), after=_shown(following),
    )  # fmt: skip
    return following


def meaning_of(meter: Meter) -> Meaning:
    """What a version means."""
    values = {field.name: getattr(meter, field.name) for field in fields(Meaning)}
    return Meaning(**values | {"dimensions": tuple(meter.dimensions)})


def _write(meter: Meter, meaning: Meaning, name_zh: str, name_en: str) -> None:
    for name, value in asdict(meaning).items():
        setattr(meter, name, value)
    meter.dimensions = list(meaning.dimensions)
    meter.name_zh, meter.name_en = name_zh.strip(), name_en.strip()


def _rename(
    meter: Meter, provider: Provider, name_zh: str, name_en: str, *, by: audit.Actor, at: datetime
) -> Meter:
    before = {"name_zh": meter.name_zh, "name_en": meter.name_en}
    after = {"name_zh": name_zh.strip(), "name_en": name_en.strip()}
    if before == after:
        return meter
    if problems := {name: _NEEDED[name] for name, value in after.items() if not value}:
        raise Invalid(fields=problems)
    meter.name_zh, meter.name_en = after["name_zh"], after["name_en"]
    audit.record(
        "meter.renamed", meter, by=by, at=at, organization_id=provider.organization_id, before=before, after=after
    )
    return meter


def _retire_unused(meter: Meter, at: datetime) -> None:
    """Counters that no plan reads are not kept on, so that events need not suit a version that never counted."""
    counting = db.session.get_one(Meter, meter.counter_id)
    family = (Meter.id == counting.id) | (Meter.reads_id == counting.id)
    used = exists().where(Charge.meter_id == Meter.id, family)
    if not db.session.scalar(select(used)):
        counting.retired_at = at


def _problems(meter: Meter) -> dict[str, str]:
    problems = {field: message for field, message in _NEEDED.items() if not getattr(meter, field)}
    if meter.aggregation is not Aggregation.COUNT and not meter.value_property:
        problems["value_property"] = "填写事件数据里放数值的字段名，例如 bytes；只有“计次数”不用填。"
    if (meter.aggregation is Aggregation.TIME_WEIGHTED) == (meter.time_base is TimeBase.NONE):
        problems["time_base"] = "“按时间累计”要选按小时累计或整月平均；其他算法不选。"
    if not 1 <= meter.unit_size <= 10**12:
        problems["unit_size"] = "填写几个上报单位等于 1 个计价单位，至少是 1。"
    for message in _dimension_problems(meter.dimensions):
        problems["dimensions"] = message
    return problems


def _dimension_problems(names: Sequence[str]) -> Iterator[str]:
    if len(names) > MOST_DIMENSIONS:
        yield "最多按 5 个字段分组。"
    if len(set(names)) < len(names):
        yield "同一个字段只写一次。"
    if not all(_DIMENSION.fullmatch(name) for name in names):
        yield "字段名最多 60 个字符，不带空格和标点，例如 region。"


_NEEDED = {
    "name_zh": "填写计量项的中文名称。",
    "name_en": "填写计量项的英文名称。",
    "event_type": "填写要计入的事件类型，例如 com.example.request。",
    "unit_zh": "填写中文单位，例如 次。",
    "unit_en": "填写英文单位，例如 call。",
}


def _shown(meter: Meter) -> dict[str, Any]:
    return {
        "slug": meter.slug, "version": meter.version_number, "event_type": meter.event_type,
        "value_property": meter.value_property, "aggregation": meter.aggregation, "time_base": meter.time_base,
        "unit": meter.unit_zh, "unit_size": meter.unit_size, "dimensions": list(meter.dimensions), "rounding": meter.rounding,
    }  # fmt: skip
