"""The numbers beside entries of the provider's menu: what waits for somebody."""

from __future__ import annotations

from typing import Any

from flask import g

from market import quality, subscriptions
from market.billing import fapiao
from market.vendor.events import open_refused
from market.web import guards


def open_tasks() -> int:
    """How many tasks wait for the provider; asked once for each page."""
    if "open_tasks" not in g:
        g.open_tasks = subscriptions.open_requests(g.provider)
    return int(g.open_tasks)


def counts() -> dict[str, Any]:
    """The numbers for templates, only of pages that the asker may open."""
    if g.get("provider") is None:
        return {}
    found: dict[str, int] = {}
    if guards.can("customers.read"):
        found["vendor.tasks.index"] = open_tasks()
    if guards.can("events.read"):
        found["vendor.events.index"] = open_refused()
    if guards.can("reviews.read"):
        found["vendor.reviews.index"] = quality.unanswered(g.provider)
    if guards.can("fapiao.read"):
        found["vendor.fapiao.index"] = fapiao.waiting(g.provider)
    return {"menu_counts": found}
