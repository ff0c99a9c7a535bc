"""Account: a person's own settings, whichever side of the marketplace she works on."""

from __future__ import annotations

from flask import Blueprint

from market.account import confirm, email, passkeys, password, privacy, profile, second_step, sessions
from market.web import guards

#: The page modules; each has a blueprint of its own, named after itself.
MODULES = (confirm, profile, email, password, sessions, privacy, second_step, passkeys)

bp = Blueprint("account", __name__, url_prefix="/account")
bp.before_request(guards.signed_in)
for module in MODULES:
    bp.register_blueprint(module.bp)
