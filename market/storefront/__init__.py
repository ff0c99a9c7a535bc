"""Storefront: what anyone may see — home, offerings, providers, solutions, registration, sign-in."""

from __future__ import annotations

from flask import Blueprint

from market.storefront import (
    audit_heads,
    auth,
    finding,
    health,
    help,
    home,
    mailbox,
    offerings,
    policies,
    preview,
    providers,
    recommended,
    register,
    solutions,
    subscribe,
)

#: The page modules; each has a blueprint of its own, named after itself.
MODULES = (audit_heads, auth, finding, health, help, home, mailbox, offerings, policies, preview, providers, recommended, register, solutions, subscribe)

bp = Blueprint("storefront", __name__)
for module in MODULES:
    bp.register_blueprint(module.bp)
