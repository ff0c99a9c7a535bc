"""Meters: what a provider measures. Whoever prices one relies on it, so its meaning never changes."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.exc import IntegrityError

from market import audit, db
from market.catalog.models import Aggregation, Meter, TimeBase
from market.catalog.slugs import METER_SLUG
from market.errors import Invalid, Refused
from market.providers import Provider


class MeterTaken(Refused):
    """The provider has a meter of this name."""

    code = "meter_slug_taken"
    message = "您已有名为“%(slug)s”的计量项，请换一个名称。"


def add_meter(
    provider: Provider,
    *,
    slug: str,
    name_zh: str,
    name_en: str,
    event_type: str,
    value_property: str,
    aggregation: Aggregation | str,
    time_base: TimeBase | str,
    unit_zh: str,
    unit_en: str,
    unit_size: int,
    by: audit.Actor,
    at: datetime,
) -> Meter:
    """A new meter. Raises Invalid with `fields`, MeterTaken."""
    meter = Meter(
        provider=provider, slug=slug.strip(), name_zh=name_zh.strip(), name_en=name_en.strip(),
        event_type=event_type.strip(), value_property=value_property.strip(),
        aggregation=Aggregation(aggregation), time_base=TimeBase(time_base),
        unit_zh=unit_zh.strip(), unit_en=unit_en.strip(), unit_size=unit_size, created_at=at,
    )  # fmt: skip
    if problems := _problems(meter):
        raise Invalid(fields=problems)
    try:
        with db.session.begin_nested():
            db.session.add(meter)
    except IntegrityError as error:
        raise MeterTaken(field="slug", slug=slug) from error
    audit.record("meter.added", meter, by=by, at=at, organization_id=provider.organization_id, after=_shown(meter))
    return meter


def _problems(meter: Meter) -> dict[str, str]:
    problems: dict[str, str] = {}
    if not METER_SLUG.fullmatch(meter.slug):
        problems["slug"] = "代号只用小写字母、数字、下划线和连字符，最多 60 个，例如 storage_gb_hours。"
    for field, message in _NEEDED.items():
        if not getattr(meter, field):
            problems[field] = message
    if meter.aggregation is not Aggregation.COUNT and not meter.value_property:
        problems["value_property"] = "填写事件数据里放数值的字段名，例如 bytes；只有“计次数”不用填。"
    if (meter.aggregation is Aggregation.TIME_WEIGHTED) == (meter.time_base is TimeBase.NONE):
        problems["time_base"] = "“按时间累计”要选按小时累计或整月平均；其他算法不选。"
    if not 1 <= meter.unit_size <= 10**12:
        problems["unit_size"] = "填写几个上报单位等于 1 个计价单位，至少是 1。"
    return problems


_NEEDED = {
    "name_zh": "填写计量项的中文名称。",
    "name_en": "填写计量项的英文名称。",
    "event_type": "填写要计入的事件类型，例如 com.example.request。",
    "unit_zh": "填写中文单位，例如 次。",
    "unit_en": "填写英文单位，例如 call。",
}


def _shown(meter: Meter) -> dict[str, str | int]:
    return {
        "slug": meter.slug, "event_type": meter.event_type, "value_property": meter.value_property,
        "aggregation": meter.aggregation, "time_base": meter.time_base, "unit": meter.unit_zh, "unit_size": meter.unit_size,
    }  # fmt: skip
