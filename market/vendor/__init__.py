"""Vendor portal: where a provider lists, meters, serves and earns."""

from __future__ import annotations

from flask import Blueprint

from market.vendor import (
    activity,
    customers,
    events,
    exports,
    keys,
    meters,
    offerings,
    overview,
    plans,
    profile,
    team,
    webhooks,
)
from market.web import guards

#: The page modules; each has a blueprint of its own, named after itself.
MODULES = (overview, offerings, customers, meters, keys, events, webhooks, activity, profile, team, exports)

offerings.bp.register_blueprint(plans.bp)  # a plan is a page of its offering

bp = Blueprint("vendor", __name__, url_prefix="/vendor")
bp.before_request(guards.provider)
for module in MODULES:
    bp.register_blueprint(module.bp)
