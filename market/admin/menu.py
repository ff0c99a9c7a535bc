"""The numbers beside entries of the administrators' menu: what waits for whoever looks."""

from __future__ import annotations

from typing import Any

from flask import g

from market.billing import credit_notes
from market.web import guards


def credits_waiting() -> tuple[int, int]:
    """Credits for a second person and refunds that nobody has paid; asked once for each page."""
    if "credits_waiting" not in g:
        g.credits_waiting = credit_notes.work_waiting()
    proposals, refunds = g.credits_waiting
    return proposals, refunds


def counts() -> dict[str, Any]:
    """The numbers for templates, only of what the asker may decide."""
    if g.get("can") is None or not (guards.can("credits.approve") or guards.can("refunds.settle")):
        return {}
    proposals, refunds = credits_waiting()
    mine = proposals * guards.can("credits.approve") + refunds * guards.can("refunds.settle")
    return {"menu_counts": {"admin.credit_notes.index": mine}}
