"""`/.well-known/security.txt` (RFC 9116): where somebody who found a hole can tell us."""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, Response, url_for

from market import resources
from market.kit.period import local_day, local_midnight

bp = Blueprint("security_txt", __name__)

#: For how long a copy of the file may be believed; the standard recommends less than a year.
LIFE = timedelta(days=180)


@bp.get("/.well-known/security.txt")
def show() -> Response:
    """Made anew every day, so that it never runs out."""
    settings = resources.settings
    expires = local_midnight(local_day(resources.clock.now())) + LIFE
    lines = (
        ("Contact", settings.security_contact),
        ("Expires", expires.isoformat()),
        ("Preferred-Languages", "zh, en"),
        ("Canonical", settings.base_url + url_for(".show")),
        ("Policy", settings.base_url + url_for("storefront.policies.show", subject="rules")),
    )
    text = "".join(f"{name}: {value}\n" for name, value in lines)
    return Response(text, content_type="text/plain; charset=utf-8")
