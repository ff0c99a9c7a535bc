"""What the visitor's firm would have paid here for what it has used lately of services of the same kind.

Only people who may see their firm's money are told, and none of it stands in an address.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from market import accounts, billing, catalog, subscriptions
from market.accounts import Organization, OrganizationKind
from market.catalog import Offering
from market.subscriptions import Subscription
from market.web import formats, guards
from market.web import replays as words
from market.web.replays import Row

#: Subscriptions with a table of their own; the rest is one list.
TABLES = 3


@dataclass(frozen=True)
class Told:
    """One subscription of the firm's, with this offering's plans: those that can be compared, and why others cannot."""

    subscription: Subscription
    own: Row
    months: str
    pauses: str
    rows: Sequence[Row]
    others: Sequence[tuple[str, list[str]]]
    #: Whether it is a subscription to this very offering.
    here: bool

    @property
    def telling(self) -> bool:
        """Whether there is more to say than that nothing can be compared."""
        return bool(self.here or self.rows)


def told(offering: Offering, *, now: datetime) -> tuple[list[Told], list[Told]]:
    """For each of the firm's subscriptions in the same sub-category that has been used for a whole month.

    First what gets a table, this very offering's before others', then the rest.
    """
    firm = reader()
    if firm is None:
        return [], []
    alike = like(firm, {kind_of(offering)})
    if not alike:
        return [], []
    found = [_told(known, offering) for known in billing.lately(firm, alike, now=now) if known.months]
    found.sort(key=lambda each: (not each.here, not each.rows))
    tables = [each for each in found if each.telling][:TABLES]
    return tables, [each for each in found if each not in tables]


def reader() -> Organization | None:
    """The firm whose money the visitor may see; None for strangers, for those who only sell, and without that right."""
    membership = guards.membership_of(OrganizationKind.BUYER)
    if membership is None or not accounts.may(OrganizationKind.BUYER, membership.role, "money.read"):
        return None
    return membership.organization


def like(firm: Organization, kinds: Collection[str]) -> list[Subscription]:
    """What the firm uses now of these sub-categories, the newest first."""
    return [
        one for one in subscriptions.subscriptions_of(firm)
        if one.started_at and one.status in subscriptions.LIVE and one.revision.facts.get("subcategory") in kinds
    ]  # fmt: skip


def kind_of(offering: Offering) -> str:
    """The sub-category a service is in."""
    return str(catalog.shown_revision(offering).facts["subcategory"])


def _told(known: billing.Lately, offering: Offering) -> Told:
    rows = [each for each in words.rows(known) if each.offered and each.offered.plan.offering_id == offering.id]
    others = [
        (formats.local(offered.plan, "name"), words.why_not(found))
        for offered, found in known.others if offered.plan.offering_id == offering.id
    ]  # fmt: skip
    return Told(
        known.subscription, words.own_row(known), words.months_named(known.months), words.pauses(known.usage), rows, others,
        known.subscription.plan.offering_id == offering.id,
    )  # fmt: skip
