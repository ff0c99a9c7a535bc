"""Meters."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from market import audit, catalog
from market.errors import Invalid, NotFound
from tests.builders.catalog import a_meter, a_provider

AT = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)


def added(provider, **changes):
    values = {
        "slug": "storage_gb_hours", "name_zh": "存储", "name_en": "Storage", "event_type": "com.example.stored",
        "value_property": "bytes", "aggregation": "time_weighted", "time_base": "hour",
        "unit_zh": "GB·小时", "unit_en": "GB-hours", "unit_size": 1_000_000_000,
    }  # fmt: skip
    return catalog.add_meter(provider, **(values | changes), by=audit.system("test"), at=AT)


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
