"""Administration: reviews, the recommended catalogue, payments, the audit trail."""

from __future__ import annotations

from flask import Blueprint

from market.admin import (
    audit,
    bills,
    offerings,
    organizations,
    overview,
    payments,
    policies,
    providers,
    provisioning,
    recommended,
    reviews,
    team,
    verifications,
)
from market.web import guards

#: The page modules; each has a blueprint of its own, named after itself.
MODULES = (overview, reviews, offerings, recommended, providers, organizations, verifications, provisioning, payments, bills, policies, team, audit)

bp = Blueprint("admin", __name__, url_prefix="/admin")
bp.before_request(guards.administrator)
for module in MODULES:
    bp.register_blueprint(module.bp)
