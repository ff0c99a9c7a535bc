"""Storefront: what anyone may see — home, offerings, providers, solutions, registration, sign-in."""

from __future__ import annotations

from flask import Blueprint

from market.storefront import (
    audit_heads,
    auth,
    changes,
    compare,
    compare_file,
    feeds,
    finding,
    health,
    help,
    home,
    invitations,
    mailbox,
    offerings,
    passkey,
    policies,
    preview,
    problems,
    providers,
    recommended,
    recovery,
    register,
    requirements,
    reviews,
    second_step,
    security_txt,
    solutions,
    subscribe,
)

#: The page modules; each has a blueprint of its own, named after itself.
MODULES = (
    audit_heads, auth, changes, compare, compare_file, feeds, finding, health, help, home, invitations, mailbox, offerings, passkey, policies, preview, problems, providers, recommended, recovery, register, requirements, reviews, second_step, security_txt, solutions, subscribe,
)  # fmt: skip

bp = Blueprint("storefront", __name__)
for module in MODULES:
    bp.register_blueprint(module.bp)
