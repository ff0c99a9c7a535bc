"""Vendor portal: where a provider lists, meters, serves and earns."""

from __future__ import annotations

from flask import Blueprint

from market.vendor import customers, events, keys, meters
from market.web import guards

#: The page modules; each has a blueprint of its own, named after itself.
MODULES = (customers, meters, keys, events)

bp = Blueprint("vendor", __name__, url_prefix="/vendor")
bp.before_request(guards.provider)
for module in MODULES:
    bp.register_blueprint(module.bp)
