"""`/audit-heads`: the newest link of the trail's chain, told to everybody every day, and how to check with it."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template

from market import audit, db
from market.web import paging

bp = Blueprint("audit_heads", __name__)

PAGE_SIZE = 31


@bp.get("/audit-heads")
def index() -> str:
    """What is published, what it proves, and how anybody checks it."""
    return render_template(
        "storefront/audit_heads/index.html", heads=paging.page_of(audit.published_heads(), size=PAGE_SIZE)
    )


@bp.get("/audit-heads.json")
def listing() -> dict[str, Any]:
    """All of them for programs, the newest day first."""
    return {
        "algorithm": "SHA-256",
        "heads": [
            {
                "day": head.day.isoformat(),
                "position": head.position,
                "hash": head.hash,
                "published_at": head.published_at.isoformat(),
            }
            for head in db.session.scalars(audit.published_heads())
        ],
    }
