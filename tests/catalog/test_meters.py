"""Meters."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from market import audit, catalog
from market.errors import Invalid, NotFound
from tests.builders.catalog import a_meter, a_plan, a_provider, an_offering

AT = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)


def added(provider, **changes):
    values = {
        "slug": "storage_gb_hours", "name_zh": "存储", "name_en": "Storage", "event_type": "com.example.stored",
        "value_property": "bytes", "aggregation": "time_weighted", "time_base": "hour",
        "unit_zh": "GB·小时", "unit_en": "GB-hours", "unit_size": 1_000_000_000,
    }  # fmt: skip
    named, meaning = _split(values | changes)
    return catalog.add_meter(provider, meaning, **named, by=audit.system("test"), at=AT)


def _split(values):
    """What a meter is called, and what it means."""
    named = {name: values.pop(name) for name in ("slug", "name_zh", "name_en") if name in values}
    return named, catalog.Meaning(**values)


def test_a_meter_is_added_and_on_record(session):
    meter = added(a_provider())
    assert audit.history(meter)[0].action == "meter.added"
    assert meter in catalog.meters_of(meter.provider)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"slug": "GB hours"}, "slug"),
        ({"name_en": " "}, "name_en"),
        ({"event_type": ""}, "event_type"),
        ({"value_property": ""}, "value_property"),
        ({"time_base": ""}, "time_base"),
        ({"aggregation": "sum"}, "time_base"),
        ({"unit_size": 0}, "unit_size"),
        ({"unit_zh": ""}, "unit_zh"),
        ({"dimensions": ["a", "b", "c", "d", "e", "f"]}, "dimensions"),
        ({"dimensions": ["region", "region"]}, "dimensions"),
        ({"dimensions": ["two words"]}, "dimensions"),
    ],
)
def test_a_meter_that_cannot_count_is_refused_at_its_field(session, changes, field):
    with pytest.raises(Invalid) as refusal:
        added(a_provider(), **changes)
    assert list(refusal.value.fields) == [field]


def test_counting_events_needs_no_value(session):
    assert added(a_provider(), aggregation="count", time_base="", value_property="").value_property == ""


def test_a_name_is_used_once_within_a_provider(session):
    provider = a_provider()
    added(provider)
    with pytest.raises(catalog.MeterTaken):
        added(provider)
    added(a_provider())


def test_a_strangers_meter_is_not_found(session):
    with pytest.raises(NotFound):
        catalog.meter_of(a_provider(), a_meter(a_provider()).id)


def changed(meter, **changes):
    values = {name: getattr(meter, name) for name in ("name_zh", "name_en", "event_type", "value_property", "aggregation",
              "time_base", "unit_zh", "unit_en", "unit_size", "dimensions", "rounding")}  # fmt: skip
    named, meaning = _split(values | changes)
    return catalog.change_meter(meter, meaning, **named, by=audit.system("test"), at=AT + timedelta(days=1))


def test_another_name_is_the_same_version(session):
    meter = added(a_provider())
    assert changed(meter, name_zh="空间") is meter
    assert (meter.name_zh, audit.history(meter)[0].action) == ("空间", "meter.renamed")


def test_what_only_prices_otherwise_reads_on_in_the_same_counters(session):
    meter = added(a_provider())
    second = changed(meter, unit_size=1024, rounding="up")
    third = changed(second, unit_zh="GiB·小时", unit_en="GiB-hours")
    assert (second.version_number, third.version_number) == (2, 3)
    assert (second.counter_id, third.counter_id, meter.retired_at) == (meter.id, meter.id, None)
    assert catalog.meters_of(meter.provider) == [third]
    assert catalog.versions_of(meter) == [third, second, meter]


def test_what_counts_otherwise_begins_anew_and_a_version_nobody_priced_is_retired(session):
    meter = added(a_provider())
    second = changed(meter, dimensions=["region"])
    assert (second.counter_id, meter.retired_at) == (second.id, AT + timedelta(days=1))


def test_a_version_that_a_plan_prices_goes_on_counting(session):
    meter = added(a_provider())
    plan = a_plan(an_offering(meter.provider, plans=False), per_unit="1", meter=meter)
    second = changed(meter, value_property="octets")
    assert meter.retired_at is None and plan.charges[0].meter is meter
    assert catalog.plans_with(meter) == [plan] and catalog.plans_with(second) == []


def test_only_the_newest_version_is_followed_by_another(session):
    meter = added(a_provider())
    changed(meter, unit_size=7)
    with pytest.raises(catalog.MeterReplaced):
        changed(meter, unit_size=8)


def test_a_change_that_cannot_count_is_refused_at_its_field(session):
    with pytest.raises(Invalid) as refusal:
        changed(added(a_provider()), time_base="")
    assert list(refusal.value.fields) == ["time_base"]
