"""Vendor portal: where a provider lists, meters, serves and earns."""

from __future__ import annotations

from flask import Blueprint

from market.vendor import (
    activity,
    batch,
    contracts,
    correction_files,
    corrections,
    credit_notes,
    customers,
    days,
    events,
    exports,
    fapiao,
    files,
    first_event,
    keys,
    lines,
    menu,
    meters,
    offerings,
    overview,
    plans,
    price_changes,
    private_plans,
    profile,
    refused,
    reviews,
    tasks,
    team,
    webhooks,
)
from market.web import guards

#: The page modules; each has a blueprint of its own, named after itself.
MODULES = (overview, offerings, tasks, customers, contracts, meters, keys, events, days, reviews, lines, credit_notes, fapiao, webhooks, activity, profile, team, exports)

for part in (plans, private_plans, price_changes):  # pages of an offering
    offerings.bp.register_blueprint(part.bp)
tasks.bp.register_blueprint(batch.bp)
for part in (refused, files, first_event, corrections, correction_files):
    events.bp.register_blueprint(part.bp)

bp = Blueprint("vendor", __name__, url_prefix="/vendor")
bp.before_request(guards.provider)
bp.context_processor(menu.counts)
for module in MODULES:
    bp.register_blueprint(module.bp)
