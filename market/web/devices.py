"""Browsers that an account has been signed in from: a signed cookie says so, and strangers cannot lock their owner out.

The cookie names no session and opens nothing: it only lets its holder's tries be counted apart (OWASP: device cookies).
"""

import hashlib
import secrets
from typing import Any

from flask import Response, after_this_request, current_app, request
from itsdangerous import BadSignature, URLSafeSerializer

#: The longest that browsers keep a cookie.
LIFE_SECONDS = 400 * 24 * 3600
#: How many accounts one browser is known for; the oldest is forgotten.
ACCOUNTS = 5


def key_for(email: str) -> str:
    """The name under which this browser's tries at this account are counted; empty for a stranger."""
    known = _read()
    return str(known["id"]) if known and _digest(email) in known["accounts"] else ""


def remember(email: str) -> None:
    """From now on this browser is known for this account."""
    known = _read() or {"id": secrets.token_urlsafe(16), "accounts": []}
    others = [account for account in known["accounts"] if account != _digest(email)]
    kept = {"id": known["id"], "accounts": [*others, _digest(email)][-ACCOUNTS:]}

    @after_this_request
    def _keep(response: Response) -> Response:
        response.set_cookie(
            _name(), str(_serializer().dumps(kept)), max_age=LIFE_SECONDS, httponly=True, samesite="Lax",
            secure=current_app.config["SESSION_COOKIE_SECURE"],
        )  # fmt: skip
        return response


def _read() -> dict[str, Any] | None:
    try:
        known = _serializer().loads(request.cookies.get(_name(), ""))
    except BadSignature:
        return None
    return known if isinstance(known, dict) and {"id", "accounts"} <= known.keys() else None


def _name() -> str:
    """With the prefix that the session's cookie has."""
    return str(current_app.config["SESSION_COOKIE_NAME"]).removesuffix("session") + "device"


def _serializer() -> URLSafeSerializer:
    keys = [*(current_app.config.get("SECRET_KEY_FALLBACKS") or []), current_app.secret_key]
    return URLSafeSerializer(keys, salt="market device")


def _digest(email: str) -> str:
    return hashlib.sha256(email.encode()).hexdigest()[:16]
