"""Previews: what a change, a pause or an end would do to the bills. Reads only.

Each is drawn up twice by the code of the bill, as things are and as they would be, so that a preview says what the bill
will say. Money back stands there less what administrators have credited of the fees; how much of it fits on one bill is
for the bill.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Literal

from market import db, rating, subscriptions
from market.accounts import Organization
from market.billing import credits
from market.billing.drafts import draw_up_one
from market.billing.estimates import guessed_use
from market.billing.lines import LineDraft
from market.billing.models import LineKind
from market.billing.periods import following, period_of
from market.billing.tracks import pieces
from market.catalog import Plan
from market.kit import period as periods
from market.kit.period import Period
from market.subscriptions import ChangeKind, Held, Segment, Subscription, SubscriptionChange, changes
from market.subscriptions.considering import considered

When = Literal["now", "period_end"]
_DAY = timedelta(days=1)
_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class ChangePreview:
    """What a change does from a midnight on.

    `lines` are the subscription's of the month it falls in, with the use until now; `before` the same without it.
    """

    when: When | date
    effective_at: datetime
    plan: Plan
    quantity: int
    default: bool
    month: Period
    before: tuple[LineDraft, ...]
    lines: tuple[LineDraft, ...]
    monthly_fen: int
    monthly_before_fen: int
    yearly_fen: int
    once_fen: int
    basis: Period | None

    @property
    def bill_fen(self) -> int:
        """The subscription's part of that month's bill, money back deducted."""
        return _total(self.lines)

    @property
    def difference_fen(self) -> int:
        """How much more (or less) that is than without the change."""
        return _total(self.lines) - _total(self.before)

    @property
    def back_fen(self) -> int:
        """What is given back of fees paid in advance."""
        return _back(self.lines) - _back(self.before)

    @property
    def due_fen(self) -> int:
        """Yearly and one-off fees that the change makes due."""
        return _ahead(self.lines) - _ahead(self.before)


@dataclass(frozen=True, slots=True)
class EndPreview:
    """What an end means: the bill it leaves, what is given back, until when data can be fetched and is kept."""

    when: When
    ends_at: datetime
    month: Period
    lines: tuple[LineDraft, ...]
    until_fen: int
    export_until: date | None
    deleted_on: date | None
    exit_fee: str

    @property
    def last_day(self) -> date:
        """The last day it can be used."""
        return periods.local_day(self.ends_at - _INSTANT)

    @property
    def bill_fen(self) -> int:
        """The subscription's part of this month's bill, money back deducted."""
        return _total(self.lines)

    @property
    def back_fen(self) -> int:
        """What is given back of fees paid in advance."""
        return _back(self.lines)


def preview_change(
    subscription: Subscription, *, plan: Plan | None = None, quantity: int | None = None, at: datetime
) -> tuple[ChangePreview, ChangePreview | None]:
    """Another plan or quantity, now and at the period's end; no second one where it is to end before.

    `subscription` is loaded as by `with_plan`, `plan` with charges and meters.
    Raises NotRunning, HasEnded, IsSuspended, OtherOffering, QuantityUnsuitable, NothingChanges.
    """
    changes.check_state(subscription, at)
    found = [_changed(subscription, when, plan, quantity, at) for when in ("now", "period_end")]
    now, later = found
    if now is None or (not now[0] and (later is None or not later[0])):
        raise subscriptions.NothingChanges
    return now[1], later[1] if later else None


def preview_on(
    subscription: Subscription, *, on: date, plan: Plan | None = None, quantity: int | None = None, at: datetime
) -> ChangePreview:
    """The same from a day to come. Raises what `preview_change` raises, EndsBefore, and Invalid for field `on`."""
    changes.check_state(subscription, at)
    found = _changed(subscription, on, plan, quantity, at)
    if found is None:
        raise subscriptions.EndsBefore
    if not found[0]:
        raise subscriptions.NothingChanges
    return found[1]


def preview_pause(subscription: Subscription, *, at: datetime) -> tuple[ChangePreview, ChangePreview | None]:
    """A pause from the coming midnight and from the period's end; `monthly_fen` is a whole month of it.

    Raises NotRunning, HasEnded, IsSuspended, EndsBefore.
    """
    changes.check_state(subscription, at)
    tomorrow = periods.local_day(at) + _DAY
    first = _paused(subscription, "now", changes.effective_at(subscription, tomorrow, at), at)
    midnight = _midnight(subscription, "period_end", at)
    return first, None if midnight is None else _paused(subscription, "period_end", midnight, at)


def preview_end(subscription: Subscription, *, at: datetime) -> tuple[EndPreview, EndPreview]:
    """Leaving, now and at the period's end. Raises NotRunning, HasEnded."""
    if subscription.status in subscriptions.OPENING:
        raise subscriptions.NotRunning
    if subscription.status not in subscriptions.LIVE:
        raise subscriptions.HasEnded
    at_end = subscription.cancel_at or subscriptions.period_end(subscription, at)
    return _ended(subscription, "now", at, at), _ended(subscription, "period_end", max(at, at_end), at)


# --- one way of changing -----------------------------------------------------------------


def _changed(
    subscription: Subscription, when: When | date, plan: Plan | None, quantity: int | None, at: datetime
) -> tuple[bool, ChangePreview] | None:
    """(whether anything would change, the preview); None where it ends before."""
    midnight = _midnight(subscription, when, at)
    if midnight is None:
        return None
    held = subscriptions.held_at(subscription, midnight)
    new = changes.wanted(held, plan, quantity)
    row = SubscriptionChange(kind=ChangeKind.PLAN, plan=new.plan, quantity=new.quantity, effective_at=midnight)
    default = subscriptions.default_when(subscription, new.plan, new.quantity, at=at) == when
    return not changes.same(held, new), _preview(subscription, when, row, held, new, default, at)


def _paused(subscription: Subscription, when: When, midnight: datetime, at: datetime) -> ChangePreview:
    held = subscriptions.held_at(subscription, midnight)
    row = SubscriptionChange(kind=ChangeKind.PAUSE, effective_at=midnight)
    new = Held(None, held.plan, held.quantity, paused=True)
    return _preview(subscription, when, row, held, new, when == "now", at)


def _preview(
    subscription: Subscription, when: When | date, row: SubscriptionChange, held: Held, new: Held, default: bool, at: datetime
) -> ChangePreview:
    organization, midnight = _firm(subscription), row.effective_at
    month, basis = period_of(organization, max(midnight, at)), _basis(subscription, organization, at)
    as_is, as_would_be = considered(subscription), considered(subscription, change=row)
    return ChangePreview(
        when=when,
        effective_at=midnight,
        plan=new.plan,
        quantity=new.quantity,
        default=default,
        month=month,
        before=_drawn(as_is, month, at),
        lines=_drawn(as_would_be, month, at),
        monthly_fen=_a_month(subscription, new, basis),
        monthly_before_fen=_a_month(subscription, held, basis),
        yearly_fen=_fees(new, "year"),
        once_fen=_fees(new, "once"),
        basis=basis,
    )


def _midnight(subscription: Subscription, when: When | date, at: datetime) -> datetime | None:
    try:
        return changes.effective_at(subscription, when, at)
    except subscriptions.EndsBefore:
        if when == "now":
            raise
        return None


def _basis(subscription: Subscription, organization: Organization, at: datetime) -> Period | None:
    """The last whole month, if it ran all through it."""
    last = period_of(organization, period_of(organization, at).start - _INSTANT)
    started = subscription.started_at
    return last if started is not None and periods.local_day(started) <= last.first_day else None


def _a_month(subscription: Subscription, held: Held, basis: Period | None) -> int:
    """A whole month of it: monthly fees, and the usage of the last one, or the buyer's own guess."""
    if basis is None:
        return _guessed(subscription, held)
    pauses = [_resting(basis.start)] if held.paused else []
    always = Subscription(
        id=subscription.id, provider_id=subscription.provider_id, public_id=subscription.public_id, plan=held.plan,
        quantity=held.quantity, revision=subscription.revision, started_at=basis.start, changes=pauses,
    )  # fmt: skip
    drawn = draw_up_one(always, basis, cutoff=basis.end)
    return sum(line.gross_fen for line in drawn if line.terms.get("interval", "month") == "month")


def _guessed(subscription: Subscription, held: Held) -> int:
    guesses = {slug: Decimal(guess) for slug, guess in subscription.estimate.items()}
    month = Segment(Period(subscription.ordered_at, subscription.ordered_at), held.plan, held.quantity, held.paused)
    return sum(
        rating.rate(piece.terms, guessed_use(piece.charge, guesses)).fen
        for piece in pieces(month)
        if not isinstance(piece.terms, rating.Flat) or (piece.terms.interval == "month" and not piece.paused)
    )


def _resting(since: datetime) -> SubscriptionChange:
    return SubscriptionChange(kind=ChangeKind.PAUSE, status=subscriptions.ChangeStatus.PLANNED, effective_at=since)


def _fees(held: Held, interval: str) -> int:
    """The whole fees of a plan that are paid so often."""
    terms = (rating.times(rating.parse(charge.terms), Decimal(held.quantity)) for charge in held.plan.charges)
    return sum(
        rating.rate(one, Decimal(1)).fen for one in terms if isinstance(one, rating.Flat) and one.interval == interval
    )


# --- leaving -----------------------------------------------------------------------------


def _ended(subscription: Subscription, when: When, end: datetime, at: datetime) -> EndPreview:
    organization, facts = _firm(subscription), subscription.revision.facts
    month, as_would_be = period_of(organization, at), considered(subscription, ended_at=end)
    last = periods.local_day(end - _INSTANT)
    return EndPreview(
        when=when,
        ends_at=end,
        month=month,
        lines=_drawn(as_would_be, month, at),
        until_fen=_after(as_would_be, organization, month, end, at),
        export_until=_days_after(last, facts.get("export_days")),
        deleted_on=_days_after(last, facts.get("deletion_days")),
        exit_fee=str(facts.get("exit_fee") or "0"),
    )


def _after(subscription: Subscription, organization: Organization, month: Period, end: datetime, at: datetime) -> int:
    """The fees of the months that are still to come until the end."""
    total, period = 0, following(organization, month)
    while period.start < end:
        total += _total(_drawn(subscription, period, at))
        period = following(organization, period)
    return total


def _days_after(last: date, days: int | None) -> date | None:
    return None if days is None else last + timedelta(days=days)


# --- lines and sums --------------------------------------------------------------------------


def _firm(subscription: Subscription) -> Organization:
    return db.session.get_one(Organization, subscription.organization_id)


def _drawn(subscription: Subscription, month: Period, at: datetime) -> tuple[LineDraft, ...]:
    """Its lines of a month; money back less what administrators have credited of the fees, as a bill gives it back."""
    firm = subscription.organization_id
    return tuple(credits.within({firm: draw_up_one(subscription, month, cutoff=at)})[firm])


def _total(lines: tuple[LineDraft, ...]) -> int:
    return sum(line.gross_fen for line in lines)


def _back(lines: tuple[LineDraft, ...]) -> int:
    return -sum(line.gross_fen for line in lines if line.kind is LineKind.CREDIT)


def _ahead(lines: tuple[LineDraft, ...]) -> int:
    charges = (line for line in lines if line.kind is LineKind.CHARGE and "trial" not in line.label)
    return sum(line.gross_fen for line in charges if line.terms.get("interval") in ("year", "once"))
