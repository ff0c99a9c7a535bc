"""Verbs of providers: hold money of a buyer's month before serving, then settle it or let it go. Each may be done twice."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy import func, literal, or_, select, update
from sqlalchemy.orm import joinedload

from market import billing, db
from market.budgets import counting, months, signals
from market.budgets.models import LIFECYCLE, Budget, Reservation, ReservationStatus
from market.budgets.refusals import BudgetExhausted, KeyTaken, NotHeld, NotUsable
from market.catalog import Meter
from market.errors import Invalid, NotFound
from market.kit import quantity as quantities
from market.kit.refusal import Refusal
from market.providers import Provider
from market.subscriptions import Subscription, SubscriptionStatus, with_plan

#: What is held ends by itself after so long at the earliest and at the latest.
SHORTEST, LONGEST = timedelta(minutes=1), timedelta(days=7)
LONGEST_KEY = 255
MOST_FEN = 10**12
#: States in which a subscription may be used.
USABLE = frozenset({SubscriptionStatus.TRIALING, SubscriptionStatus.ACTIVE})


@dataclass(frozen=True)
class Wanted:
    """What a provider asks for: an amount, or a quantity of a meter in the units it is priced in."""

    key: str
    subscription: str
    amount_fen: int | None = None
    meter: str = ""
    quantity: Decimal | None = None
    lasts: timedelta = timedelta(hours=1)


def reserve(provider: Provider, wanted: Wanted, *, at: datetime) -> Reservation:
    """Hold it, or answer what is held under the key already.

    Raises Invalid, NotFound, NotUsable, KeyTaken, BudgetExhausted.
    """
    _check(wanted)
    db.serialize(f"reservation {provider.id} {wanted.key}")
    if known := _under(provider, wanted.key):
        return _same(known, wanted)
    subscription = _subscription(provider, wanted)
    budget = months.running(subscription.organization, at)
    counting.expire(budget, at)
    if budget.counted_at is None or budget.counted_at <= at - counting.FRESH:
        counting.recount(budget, subscription.organization, at)
    meter, fen = _price(subscription, wanted, at)
    if not _take(budget, fen):
        _refuse(budget, provider, fen, at)
    reservation = Reservation(
        public_id=f"rsv_{secrets.token_hex(10)}", provider_id=provider.id, key=wanted.key, subscription=subscription, budget=budget,
        meter=meter, quantity=wanted.quantity, amount_fen=fen, reserved_at=at, expires_at=at + wanted.lasts,
    )  # fmt: skip
    db.session.add(reservation)
    db.session.flush()
    return reservation


def settle(reservation: Reservation, amount_fen: int | None = None, *, at: datetime) -> None:
    """It was used and reported: all of it, or so much; the rest is free again. Raises Invalid, NotHeld."""
    budget = _hold(reservation)
    fen = reservation.amount_fen if amount_fen is None else amount_fen
    if reservation.status is ReservationStatus.SETTLED and reservation.settled_fen == fen:
        return
    if reservation.status is not ReservationStatus.HELD:
        raise NotHeld(status=reservation.status.value)
    if not 0 <= fen <= reservation.amount_fen:
        raise Invalid(fields={"amountFen": Refusal("从 0 到预留的 %(most)d。", most=reservation.amount_fen)})
    LIFECYCLE.move(reservation, ReservationStatus.SETTLED)
    reservation.settled_fen, reservation.ended_at = fen, at
    budget.held_fen -= reservation.amount_fen
    # The next count finds it on the running bill; until then it is not free.
    budget.spent_fen += fen
    db.session.flush()


def release(reservation: Reservation, *, at: datetime) -> None:
    """It was not used. What has expired is free already. Raises NotHeld for what was settled."""
    budget = _hold(reservation)
    if reservation.status is ReservationStatus.SETTLED:
        raise NotHeld(status=reservation.status.value)
    if reservation.status is not ReservationStatus.HELD:
        return
    LIFECYCLE.move(reservation, ReservationStatus.RELEASED)
    reservation.ended_at = at
    budget.held_fen -= reservation.amount_fen
    db.session.flush()


def _check(wanted: Wanted) -> None:
    wrong: dict[str, str | Refusal] = {}
    if not wanted.key or len(wanted.key) > LONGEST_KEY or not wanted.key.isprintable():
        wrong["key"] = Refusal("写一个自己定的编号，最多 %(most)d 个字符。", most=LONGEST_KEY)
    if (wanted.amount_fen is None) == (wanted.quantity is None) or bool(wanted.meter) != (
        wanted.quantity is not None
    ):
        wrong["amountFen"] = "写 amountFen，或者写 meter 和 quantity，二选一。"
    if wanted.amount_fen is not None and not 0 <= wanted.amount_fen <= MOST_FEN:
        wrong["amountFen"] = Refusal("从 0 到 %(most)d，单位是分。", most=MOST_FEN)
    if wanted.quantity is not None and not _countable(wanted.quantity):
        wrong["quantity"] = "须是大于 0 的数，最多 6 位小数。"
    if not SHORTEST <= wanted.lasts <= LONGEST:
        wrong["expiresIn"] = Refusal(
            "从 %(least)d 到 %(most)d 秒。",
            least=SHORTEST // timedelta(seconds=1),
            most=LONGEST // timedelta(seconds=1),
        )
    if wrong:
        raise Invalid(fields=wrong)


def _countable(quantity: Decimal) -> bool:
    return (
        quantity.is_finite()
        and 0 < quantity < quantities.LIMIT
        and quantities.places(quantity) <= quantities.PLACES
    )


def _under(provider: Provider, key: str) -> Reservation | None:
    query = select(Reservation).where(Reservation.provider_id == provider.id, Reservation.key == key)
    return db.session.scalar(
        query.options(joinedload(Reservation.subscription), joinedload(Reservation.meter))
    )


def _same(known: Reservation, wanted: Wanted) -> Reservation:
    """What was asked for under the key must be what is asked for now; how long it lasts was settled then."""
    priced = known.quantity is not None
    asked = (wanted.subscription, wanted.meter, wanted.quantity, wanted.amount_fen)
    before = (
        known.subscription.public_id,
        known.meter.slug if known.meter else "",
        known.quantity,
        None if priced else known.amount_fen,
    )
    if asked != before:
        raise KeyTaken
    return known


def _subscription(provider: Provider, wanted: Wanted) -> Subscription:
    query = select(Subscription).where(
        Subscription.provider_id == provider.id, Subscription.public_id == wanted.subscription
    )
    query = query.options(joinedload(Subscription.organization), *(with_plan() if wanted.meter else ()))
    subscription = db.session.scalar(query)
    if subscription is None:
        raise NotFound
    if subscription.status not in USABLE:
        raise NotUsable
    return subscription


def _price(subscription: Subscription, wanted: Wanted, at: datetime) -> tuple[Meter | None, int]:
    """What it comes to beside all that is used already or held by others: the budget's row is locked."""
    if wanted.quantity is None:
        return None, wanted.amount_fen or 0
    beside = select(func.sum(Reservation.quantity)).join(Reservation.meter).where(
        Reservation.subscription_id == subscription.id, Reservation.status == ReservationStatus.HELD, Meter.slug == wanted.meter
    )  # fmt: skip
    held = db.session.scalar(beside)
    return billing.margin(subscription, wanted.meter, wanted.quantity, beside=Decimal(held or 0), at=at)


def _take(budget: Budget, fen: int) -> bool:
    """One statement looks and takes, so that nobody comes between; what costs nothing is always there."""
    room = Budget.spent_fen + Budget.held_fen + fen <= Budget.amount_fen
    taking = update(Budget).where(
        Budget.id == budget.id, or_(literal(fen) == 0, Budget.amount_fen.is_(None), room)
    )
    taken = db.session.execute(
        taking.values(held_fen=Budget.held_fen + fen).returning(Budget.held_fen)
    ).scalar()
    if taken is not None:
        db.session.refresh(budget, ["held_fen"])
    return taken is not None


def _refuse(budget: Budget, provider: Provider, fen: int, at: datetime) -> None:
    """The buyer is told of the first; who asks commits that although the answer is no."""
    if budget.refused_at is None:
        budget.refused_at = at
        signals.reservation_refused.send(budget, provider=provider, asked_fen=fen, at=at)
    raise BudgetExhausted(fen, budget.left_fen or 0)


def _hold(reservation: Reservation) -> Budget:
    """The month first, as everywhere, then the reservation; both as they are now."""
    budget = db.session.get_one(Budget, reservation.budget_id)
    db.lock(budget)
    db.lock(reservation)
    return budget
