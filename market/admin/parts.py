"""What several pages of the administration share: ages, links to things of the trail."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from flask_babel import gettext as _

from market.audit import AuditEvent
from market.billing import Setback
from market.payments import Payment
from market.web import trail
from market.web.navigation import url_if

#: What an administrator decides about a payment, with her words.
Decision = Callable[[Payment, str], object]

#: The page of each kind of thing in the trail that has one.
PAGES = {
    "OfferingRevision": "admin.reviews.show",
    "Offering": "admin.offerings.show",
    "Provider": "admin.providers.show",
    "Organization": "admin.organizations.show",
    "Entry": "admin.recommended.show",
    "Bill": "admin.bills.show",
    "Payment": "admin.payments.show",
    "CreditNote": "admin.credit_notes.show",
    "CreditProposal": "admin.credit_notes.proposals.show",
    "BalanceGrant": "admin.credit_notes.balances.show",
    "RefundRequest": "admin.credit_notes.refunds.show",
    "Review": "admin.opinions.show",
    "ProblemReport": "admin.reports.show",
    "Requirement": "admin.requirements.show",
}


def age(since: datetime, now: datetime) -> str:
    """How long something has been waiting: 3 天, 5 小时, 12 分钟."""
    waited = max(now - since, timedelta())
    if waited >= timedelta(days=1):
        return _("%(number)s 天", number=waited.days)
    if waited >= timedelta(hours=1):
        return _("%(number)s 小时", number=waited.seconds // 3600)
    return _("%(number)s 分钟", number=waited.seconds // 60)


def subject_url(event: AuditEvent) -> str | None:
    """Where the thing that a row is about can be seen, if there is such a page."""
    endpoint = PAGES.get(event.subject_type)
    return url_if(endpoint, id=event.subject_id) if endpoint and event.subject_id else None


def anchor(field: str) -> str:
    """The id of a field's place on the review page."""
    return "f-" + field.replace(".", "-")


def quoted(words: str) -> str:
    """What somebody wrote, in quotation marks; nothing stays nothing."""
    return _("“%(text)s”", text=words) if words else ""


def timeline(events: Iterable[AuditEvent]) -> list[dict[str, Any]]:
    """Rows of the trail as the timeline shows them."""
    return [
        {"at": event.at, "title": trail.title(event), "actor": trail.actor(event), "text": quoted(event.reason)}
        for event in events
    ]


def said(why: Setback) -> str:
    """What a refusal said, in the visitor's language; of anything else what the program called it."""
    try:
        return _(why.message, **why.params) if why.message else why.told
    except (KeyError, TypeError, ValueError):  # written down by another version
        return why.told
