"""Console: where a subscribing enterprise sees and runs what it buys."""

from __future__ import annotations

from flask import Blueprint

from market.console import (
    access,
    activity,
    approvals,
    balance,
    bills,
    budget,
    contracts,
    credit_notes,
    days,
    exports,
    fapiao,
    keys,
    organization,
    overview,
    payments,
    prices,
    receipts,
    replay,
    reviews,
    setup,
    subscriptions,
    team,
    titles,
    usage,
    verification,
)
from market.web import guards

#: The page modules; each has a blueprint of its own, named after itself.
MODULES = (
    access, setup, activity, approvals, balance, bills, budget, contracts, credit_notes, days, exports, fapiao, keys, organization, overview, payments, prices, receipts, replay, reviews, subscriptions, team,
    usage, verification,
)  # fmt: skip

fapiao.bp.register_blueprint(titles.bp)

bp = Blueprint("console", __name__, url_prefix="/console")
bp.before_request(guards.buyer)
for module in MODULES:
    bp.register_blueprint(module.bp)
