"""Answers in JSON, with Chinese as Chinese."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from flask import Response


def answer(body: Any) -> Response:
    """200 with `body` as JSON."""
    return Response(json.dumps(body, ensure_ascii=False), mimetype="application/json")


def instant(at: datetime | None) -> str | None:
    """An instant as RFC 3339, or null."""
    return at.isoformat() if at else None
