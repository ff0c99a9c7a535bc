"""The numbers beside entries of the administrators' menu: what waits for whoever looks."""

from __future__ import annotations

from typing import Any

from flask import g

from market.billing import credit_notes
from market.billing.credit_notes import Work
from market.payments import waiting
from market.web import guards


def credits_waiting() -> Work:
    """Credits and grants for a second person, and refunds that nobody has paid; asked once for each page."""
    if "credits_waiting" not in g:
        g.credits_waiting = credit_notes.work_waiting()
    work: Work = g.credits_waiting
    return work


def payments_waiting() -> waiting.Work:
    """Money that a person has to look at; asked once for each page."""
    if "payments_waiting" not in g:
        g.payments_waiting = waiting.work_waiting()
    work: waiting.Work = g.payments_waiting
    return work


def counts() -> dict[str, Any]:
    """The numbers for templates, only of what the asker may decide."""
    if g.get("can") is None or not (guards.can("credits.approve") or guards.can("refunds.settle")):
        return {}
    work = credits_waiting()
    mine = (work.proposals + work.grants) * guards.can("credits.approve") + work.refunds * guards.can("refunds.settle")
    return {"menu_counts": {"admin.credit_notes.index": mine}}
