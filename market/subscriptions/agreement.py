"""What was agreed: the terms of a plan and its offering in one canonical form, and their fingerprint."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from market import db, resources
from market.catalog.models import Charge, Offering, OfferingRevision, Plan

#: The promises and the way out, as far as the revision states them.
FACTS = (
    "availability", "availability_credit_zh", "availability_credit_en", "deadline_setup_zh", "deadline_setup_en",
    "data_location", "cross_border", "cross_border_note_zh", "cross_border_note_en",
    "support_hours_zh", "support_hours_en", "fapiao", "payment_methods",
    "export_format_zh", "export_format_en", "export_days", "deletion_days", "exit_fee",
)  # fmt: skip


def terms(plan: Plan, revision: OfferingRevision) -> dict[str, Any]:
    """Everything a buyer agrees to; `plan.charges` and their meters are loaded.

    The order of keys and the absence of anything that changes by itself make it comparable for ever.
    """
    return {
        "offering": db.session.get_one(Offering, plan.offering_id).slug,
        "revision": revision.number,
        "name_zh": revision.facts.get("name_zh", ""),
        "name_en": revision.facts.get("name_en", ""),
        "plan": {
            "slug": plan.slug,
            "version": plan.version_number,
            "name_zh": plan.name_zh,
            "name_en": plan.name_en,
            "trial_days": plan.trial_days,
            **_by_quantity(plan),
        },
        "charges": [_charge(charge) for charge in plan.charges],
        "facts": {name: revision.facts[name] for name in FACTS if name in revision.facts},
        "rules": {
            "grace_days": resources.settings.grace_days,
            "payment_days": resources.settings.payment_days,
            "notice_days": plan.notice_days,
        },
    }


def _by_quantity(plan: Plan) -> dict[str, Any]:
    """How many there can be of it; nothing for a plan that is not sold by quantity."""
    if not plan.quantity_unit_zh:
        return {}
    return {
        "quantity": {
            "unit_zh": plan.quantity_unit_zh, "unit_en": plan.quantity_unit_en, "minimum": plan.quantity_minimum,
            "maximum": plan.quantity_maximum, "step": plan.quantity_step,
        }
    }  # fmt: skip


def terms_hash(agreed: dict[str, Any]) -> str:
    """SHA-256 of the canonical JSON, in hexadecimal."""
    text = json.dumps(agreed, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _charge(charge: Charge) -> dict[str, Any]:
    meter = charge.meter
    return {
        "slug": charge.slug,
        "name_zh": charge.name_zh,
        "name_en": charge.name_en,
        "terms": charge.terms,
        "tax_rate": charge.tax_rate,
        "filter": {charge.filter_property: charge.filter_values} if charge.filter else {},
        "meter": meter
        and {
            "slug": meter.slug,
            "version": meter.version_number,
            "aggregation": meter.aggregation.value,
            "time_base": meter.time_base.value,
            "unit_zh": meter.unit_zh,
            "unit_en": meter.unit_en,
            "unit_size": meter.unit_size,
            "dimensions": meter.dimensions,
            "rounding": meter.rounding.value,
        },
    }
