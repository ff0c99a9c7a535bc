"""What a change can be, and what each way of making it comes to: the choices of the change page, before anything is decided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from flask_babel import gettext as _

from market import billing, catalog, db, rating, subscriptions
from market.accounts import Organization, User
from market.catalog import Offering, Plan
from market.console.next_charge import rows
from market.errors import MarketError
from market.subscriptions import (
    ChangeStatus,
    Subscription,
    SubscriptionChange,
    SubscriptionStatus,
)
from market.web import formats, trail
from market.web.errors import field_messages, translate

#: Two presses of a button within so long are one.
DOUBLE = timedelta(minutes=2)
COUNTING = frozenset({ChangeStatus.PLANNED, ChangeStatus.APPLIED})
#: States in which it can be changed; what is being set up, stopped or over cannot.
CHANGEABLE = frozenset({SubscriptionStatus.TRIALING, SubscriptionStatus.ACTIVE, SubscriptionStatus.PAUSED})


@dataclass(frozen=True)
class PlanChoice:
    """A plan to choose: its price in one line, and whether it is the one that is held."""

    plan: Plan
    name: str
    price: str
    held: bool
    retired: bool


def plans_of(subscription: Subscription, organization: Organization) -> list[Plan]:
    """The plan that is held, then what else this firm can have of the offering."""
    offering = catalog.offering_by_slug(subscription.plan.offering.slug)
    others = catalog.plans_for(offering, organization)
    return [subscription.plan, *(plan for plan in others if plan.id != subscription.plan_id)]


def choices(subscription: Subscription, plans: Sequence[Plan]) -> list[PlanChoice]:
    """How the plans stand on the page."""
    names = [formats.local(plan, "name") for plan in plans]
    return [
        PlanChoice(
            plan,
            name if names.count(name) == 1 else _("%(plan)s，第 %(version)s 版", plan=name, version=plan.version_number),
            price_of(plan),
            held=plan.id == subscription.plan_id,
            retired=plan.retired_at is not None,
        )
        for plan, name in zip(plans, names, strict=True)
    ]


def price_of(plan: Plan) -> str:
    """What stands on the card: fees first, then what use costs."""
    said: list[str] = []
    for charge in plan.charges:
        unit = formats.local(charge.meter, "unit") if charge.meter else formats.local(plan, "quantity_unit")
        said += rating.describe(rating.parse(charge.terms), unit, formats.language())[:1]
    return " + ".join(said)


def numbers_of(plan: Plan) -> str:
    """In which numbers a plan is sold, in words; empty where it is not sold by number."""
    unit = formats.local(plan, "quantity_unit")
    if not unit:
        return ""
    low = formats.quantity(plan.quantity_minimum, unit)
    words = (
        _("%(low)s 到 %(high)s", low=low, high=formats.quantity(plan.quantity_maximum, unit))
        if plan.quantity_maximum
        else _("%(low)s 起", low=low)
    )
    return words if plan.quantity_step == 1 else _("%(range)s，每次加 %(step)s", range=words, step=plan.quantity_step)


@dataclass(frozen=True)
class Wish:
    """What is wanted: a plan in a number, perhaps from a day, perhaps until one."""

    plan: Plan
    quantity: int
    on: date | None = None

    @property
    def told(self) -> str:
        """As the page remembers what it showed."""
        return f"{self.plan.id}:{self.quantity}:{self.on or ''}"


def mark(subscription: Subscription) -> str:
    """What a page was made from, so that it notices when somebody else has changed it meanwhile."""
    planned = sorted(one.id for one in subscription.changes if one.status is ChangeStatus.PLANNED)
    parts = (subscription.plan_id, subscription.quantity, subscription.status.value, subscription.cancel_at, *planned)
    return "-".join(str(part) for part in parts)


def terms_of(plan: Plan) -> str:
    """The fingerprint of what is agreed to with another plan; empty where nobody can agree to it now."""
    revision = catalog.live_revision(db.session.get_one(Offering, plan.offering_id))
    return subscriptions.terms_hash(subscriptions.terms(plan, revision))


def usual(subscription: Subscription, wish: Wish, now: datetime) -> str:
    """More at once, less when what is paid for is used up; on the day where one was given."""
    if wish.on is not None:
        return "day"
    return subscriptions.default_when(subscription, wish.plan, wish.quantity, at=now)


def asked_already(subscription: Subscription, wish: Wish, user: User, now: datetime) -> bool:
    """Whether this very person has just asked for this very thing: the button was pressed twice."""
    just = just_asked(subscription, user, now)
    asked = [(one.plan_id or subscription.plan_id, one.quantity or subscription.quantity) for one in just]
    return (wish.plan.id, wish.quantity) in asked


def just_asked(subscription: Subscription, user: User, now: datetime) -> list[SubscriptionChange]:
    """What she has asked for so lately that a second press may mean it."""
    mine = [one for one in subscription.changes if one.asked_by_id == user.id and one.status in COUNTING]
    return [one for one in mine if now - one.asked_at < DOUBLE]


def what_happened(subscription: Subscription) -> str:
    """Why a page is out of date: who did what meanwhile."""
    event = subscriptions.timeline(subscription)[0]
    return _(
        "您看页面的这段时间，%(who)s做了更改：%(what)s（%(time)s）。您填的都还在；看过新的金额，再确认一次。",
        who=trail.actor(event), what=trail.title(event), time=formats.datetime(event.at),
    )  # fmt: skip


@dataclass(frozen=True)
class Way:
    """One way of making the change, and what it comes to; without a preview `refused` says why it cannot be."""

    when: str
    label: str
    preview: billing.ChangePreview | None = None
    refused: str = ""


def ways(subscription: Subscription, wish: Wish, now: datetime) -> list[Way]:
    """Today, at the period's end and, where one is given, on a day: side by side. Raises what cannot be at all."""
    plan, number = wish.plan, wish.quantity if wish.plan.quantity_unit_zh else None
    first, later = billing.preview_change(subscription, plan=plan, quantity=number, at=now)
    found = [Way("now", _("今天起"), first)]
    found.append(Way("period_end", _("期末以后"), later, "" if later else _("在那之前就停用了")))
    if wish.on is not None:
        try:
            on_day = billing.preview_on(subscription, plan=plan, quantity=number, on=wish.on, at=now)
            found.append(Way("day", _("指定的日期起"), on_day))
        except MarketError as refusal:
            said = [*field_messages(refusal).values(), translate(refusal)]
            found.append(Way("day", _("指定的日期起"), None, said[0]))
    return found


def working(preview: billing.ChangePreview | billing.EndPreview) -> list[dict[str, Any]]:
    """How the bill with the change comes about, line by line."""
    return rows(preview.lines)
