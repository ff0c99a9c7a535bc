"""Administration: reviews, the recommended catalogue, payments, the audit trail."""

from __future__ import annotations

from flask import Blueprint

from market.admin import (
    audit,
    balances,
    bills,
    credit_notes,
    credit_proposals,
    disputes,
    dunning,
    fapiao,
    gateway_news,
    gateway_payments,
    ledger,
    menu,
    month_end,
    offerings,
    opinions,
    organizations,
    overview,
    payments,
    policies,
    providers,
    provisioning,
    recommended,
    refunds,
    reports,
    requirements,
    reviews,
    statements,
    team,
    transfers,
    verifications,
)
from market.web import guards

#: The page modules; each has a blueprint of its own, named after itself.
MODULES = (overview, reviews, offerings, opinions, reports, requirements, recommended, providers, organizations, verifications, provisioning, payments, bills, month_end, credit_notes, dunning, ledger, fapiao, policies, team, audit)

credit_notes.bp.register_blueprint(credit_proposals.bp)
credit_notes.bp.register_blueprint(refunds.bp)
credit_notes.bp.register_blueprint(balances.bp)
payments.bp.register_blueprint(statements.bp)
payments.bp.register_blueprint(transfers.bp)
for part in (gateway_payments, gateway_news, disputes):
    payments.bp.register_blueprint(part.bp)

bp = Blueprint("admin", __name__, url_prefix="/admin")
bp.before_request(guards.administrator)
bp.context_processor(menu.counts)
for module in MODULES:
    bp.register_blueprint(module.bp)
