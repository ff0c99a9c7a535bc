"""`/healthz`: whether this process can serve, for supervisors and load balancers."""

from __future__ import annotations

from flask import Blueprint
from sqlalchemy import text

from market import db

bp = Blueprint("health", __name__)


@bp.get("/healthz")
def show() -> tuple[dict[str, str], int]:
    """200 when the database answers; otherwise the error page's 500 says no."""
    db.session.execute(text("SELECT 1"))
    return {"status": "ok"}, 200
