"""Plans: drafts can change, what was published cannot."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from market import audit, catalog
from market.catalog import OfferingStatus, PlanStatus, RevisionStatus
from tests.builders.catalog import a_meter, a_plan, a_provider, an_offering

AT = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
BY = audit.system("test")
FEE = {"terms": {"model": "flat", "interval": "month", "amount": "99"}}


def saved(offering, charges=(FEE,), **changes):
    values = {"slug": "basic", "name_zh": "基础版", "name_en": "Basic", "summary_zh": "", "summary_en": "",
              "trial_days": 0, "position": 0}  # fmt: skip
    return catalog.save_plan(offering, **(values | changes), charges=charges, by=BY, at=AT)


def per_unit(price="0.5", meter="api_calls", **more):
    return {"meter": meter, "terms": {"model": "per_unit", "unit_price": price}, **more}


def test_a_plan_is_saved_with_charges_in_their_order(session):
    offering = an_offering(plans=False)
    a_meter(offering.provider)
    plan = saved(offering, [FEE, per_unit()])
    assert [(charge.slug, charge.name_zh, charge.position) for charge in plan.charges] == [
        ("fee-month", "月费", 0), ("api_calls", "调用次数", 1)
    ]  # fmt: skip
    assert plan.charges[0].terms == {"model": "flat", "interval": "month", "amount": "99.00"}
    assert plan.charges[1].tax_rate == offering.provider.tax_rate


def test_saving_a_draft_again_replaces_its_charges(session):
    offering = an_offering(plans=False)
    a_meter(offering.provider)
    first = saved(offering, [FEE, per_unit("0.5")])
    second = saved(offering, [per_unit("0.6")], name_zh="标准版")
    assert first is second
    assert [charge.terms["unit_price"] for charge in second.charges] == ["0.6"]
    assert audit.history(second)[0].before["charges"]["api_calls"]["unit_price"] == "0.5"


def test_a_published_plan_never_changes_and_gets_a_next_version(session):
    published = a_plan(per_unit="0.01")
    draft = saved(published.offering, [per_unit("0.02")])
    assert (draft.version_number, draft.status) == (2, PlanStatus.DRAFT)
    assert published.charges[0].terms["unit_price"] == "0.01"
    assert published.status is PlanStatus.PUBLISHED


@pytest.mark.parametrize(
    ("charge", "field"),
    [
        ({"terms": {"model": "per_unit", "unit_price": "0.1"}}, "charges.0.meter"),
        ({**FEE, "meter": "api_calls"}, "charges.0.meter"),
        (per_unit(meter="unknown"), "charges.0.meter"),
        (per_unit("-1"), "charges.0.unit_price"),
        (per_unit("0.123456789"), "charges.0.unit_price"),
        ({"meter": "api_calls", "terms": {"model": "graduated", "tiers": [{"up_to": "5", "unit_price": "1"}]}}, "charges.0.tiers.0.up_to"),
        ({"terms": {"model": "auction"}}, "charges.0.model"),
        ({}, "charges.0.model"),
        ({**FEE, "tax_rate": "6%"}, "charges.0.tax_rate"),
        ({**FEE, "tax_rate": "0.9"}, "charges.0.tax_rate"),
        (per_unit(typical="many"), "charges.0.typical"),
        (per_unit(filter_property="region", filter_values=["gz"]), "charges.0.filter_property"),
        (per_unit(meter="sliced", filter_property="region"), "charges.0.filter_values"),
        (per_unit(meter="sliced", filter_values=["gz"]), "charges.0.filter_property"),
        (per_unit(meter="sliced", filter_property="region", filter_values=["gz", "gz"]), "charges.0.filter_values"),
        (per_unit(meter="sliced", filter_property="region", filter_values=["x" * 101]), "charges.0.filter_values"),
        (per_unit(typical="-2"), "charges.0.typical"),
        ({**FEE, "slug": "A B"}, "charges.0.slug"),
    ],
)
def test_a_charge_that_cannot_be_billed_is_refused_at_its_field(session, charge, field):
    offering = an_offering(plans=False)
    a_meter(offering.provider)
    a_meter(offering.provider, "sliced", dimensions=["region"])
    with pytest.raises(catalog.PlanInvalid) as refusal:
        saved(offering, [charge])
    assert list(refusal.value.fields) == [field]


def test_another_providers_meter_is_unknown(session):
    a_meter(a_provider(), "theirs")
    with pytest.raises(catalog.PlanInvalid) as refusal:
        saved(an_offering(plans=False), [per_unit(meter="theirs")])
    assert "charges.0.meter" in refusal.value.fields


def test_two_charges_cannot_share_a_name(session):
    with pytest.raises(catalog.PlanInvalid) as refusal:
        saved(an_offering(plans=False), [FEE, FEE])
    assert list(refusal.value.fields) == ["charges.1.slug"]


@pytest.mark.parametrize(
    ("field", "value"), [("slug", "Basic!"), ("name_zh", " "), ("name_en", ""), ("trial_days", -1), ("trial_days", 366)]
)
def test_a_plan_has_a_name_in_both_languages_and_a_possible_trial(session, field, value):
    with pytest.raises(catalog.PlanInvalid) as refusal:
        saved(an_offering(plans=False), **{field: value})
    assert list(refusal.value.fields) == [field]


@pytest.mark.parametrize("status", [RevisionStatus.SUBMITTED, RevisionStatus.IN_REVIEW])
def test_plans_stand_still_while_an_administrator_reads(session, status):
    offering = an_offering(status=OfferingStatus.UNLISTED)
    offering.revisions[0].status = status
    with pytest.raises(catalog.NotEditable):
        saved(offering)
    with pytest.raises(catalog.NotEditable):
        catalog.drop_plan(offering.plans[0], by=BY, at=AT)


def test_a_dropped_draft_is_gone(session):
    offering = an_offering(status=OfferingStatus.UNLISTED)
    catalog.drop_plan(offering.plans[0], by=BY, at=AT)
    assert list(catalog.plans_of(offering)) == []


def test_a_dropped_published_plan_is_retired_and_announced(session):
    plan = a_plan(monthly="9")
    a_plan(plan.offering, slug="big", monthly="99")
    said = []
    with catalog.offering_changed.connected_to(lambda sender, **_: said.append(sender)):
        catalog.drop_plan(plan, by=BY, at=AT)
    assert (plan.status, plan.retired_at) == (PlanStatus.RETIRED, AT)
    assert said == [plan.offering]


def test_the_last_plan_of_a_live_offering_stays(session):
    with pytest.raises(catalog.LastPlan):
        catalog.drop_plan(a_plan(monthly="9"), by=BY, at=AT)


def test_a_draft_takes_the_place_of_its_published_version(session):
    plan = a_plan(monthly="9")
    big = a_plan(plan.offering, slug="big", monthly="99", position=1)
    draft = saved(plan.offering)
    assert catalog.on_sale_after(plan.offering) == [draft, big]


def test_a_charge_prices_a_part_of_the_usage_as_its_meter_rounds(session):
    offering = an_offering(plans=False)
    a_meter(offering.provider, "sliced", dimensions=["region"], rounding="up")
    [charge] = saved(offering, [per_unit(meter="sliced", filter_property="region", filter_values=["gz", "sz"])]).charges
    assert charge.filter == catalog.Filter("region", ("gz", "sz"))
    assert charge.terms["rounding"] == "up"


def test_the_next_version_of_a_plan_prices_the_newest_version_of_its_meter(session):
    published = a_plan(per_unit="0.01")
    meter = published.charges[0].meter
    thousands = replace(catalog.meaning_of(meter), unit_zh="千次", unit_en="1,000 calls", unit_size=1000)
    newest = catalog.change_meter(meter, thousands, name_zh="调用", name_en="Calls", by=BY, at=AT)
    draft = saved(published.offering, [per_unit("0.02")])
    assert (published.charges[0].meter, draft.charges[0].meter) == (meter, newest)
