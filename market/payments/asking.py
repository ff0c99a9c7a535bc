"""Taking payments a step on at the gateway: made there if they are not, asked about if they are.

Three short steps, so that no row is held while somebody else is asked: read what is wanted, ask, take in the answer.
Killed between any two of them, the same is done again: with the same key it is the same payment at Stripe, and what its
answer would have said is found there by the number that the payment carries.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import joinedload

from market import audit, db, resources
from market.audit import Actor
from market.payments import cards, failures, outcomes, refunding, stripe_gateway
from market.payments.found import Found, State, Unknown, Unreachable, Wanted
from market.payments.models import GatewayCustomer, Payment, PaymentStatus

log = structlog.get_logger(__name__)

#: So many are asked about in one turn of the sweep.
_AT_ONCE = 50
#: Nothing was made, and nothing will be.
NOTHING_MADE = "not_made"


@dataclass(frozen=True)
class _Task:
    """A payment as it stands, without its row."""

    wanted: Wanted
    organization_id: int
    organization: str
    customer: str | None
    status: PaymentStatus
    session_id: str | None
    intent_id: str | None
    asked_times: int
    created_at: datetime


def pursue(id: int, *, at: datetime, closing: bool = False) -> bool:
    """Take one payment a step on; False when Stripe could not be reached. With `closing` nobody is to pay it any more:
    what Stripe says then is final, unless the money is under way."""
    with db.transaction(readonly=True):
        task = _read(id)
    try:
        found = _ask(task, at)
        if closing and found.state in (State.OPEN, State.ACTION):
            stripe_gateway.give_up(found.session_id, found.intent_id)
            found = stripe_gateway.look_up(found.session_id, found.intent_id)
    except Unreachable as error:
        log.warning("gateway_unreachable", payment=id, why=str(error))
        with db.transaction():
            outcomes.wait(outcomes.locked(id), at)
        return False
    except Unknown as error:
        found = Found(State.FAILED, failure_code=f"{failures.NOT_TAKEN}{error.code}")
    with db.transaction():
        outcomes.take_in(id, found, at=at)
    return True


def ask_soon(id: int, *, at: datetime) -> None:
    """Have the next sweep ask about a payment, if there is anything to ask: somebody is waiting for it."""
    payment = outcomes.locked(id)
    if payment.ask_at is not None and payment.ask_at > at:
        payment.ask_at, payment.asked_times = at, min(payment.asked_times, 1)


def ask_again(payment: Payment, *, by: Actor, at: datetime) -> None:
    """Have the next sweep ask about it, whatever was said before."""
    payment = outcomes.locked(payment.id)
    payment.ask_at, payment.asked_times = at, max(payment.asked_times, 1)
    audit.record("payment.asked_again", payment, by=by, at=at, organization_id=payment.organization_id, after={"status": payment.status.value})


def due(at: datetime) -> Sequence[int]:
    """Payments that the gateway is to be asked about, the longest waiting first."""
    query = select(Payment.id).where(Payment.ask_at <= at).order_by(Payment.ask_at).limit(_AT_ONCE)
    return db.session.scalars(query).all()


@stripe_gateway.patiently
def sweep(now: datetime) -> None:
    """Ask about everything unfinished. A Stripe that cannot be reached is left alone until the next turn."""
    if not stripe_gateway.ready():
        return
    with db.transaction(readonly=True):
        payments, refunds, gone = due(now), refunding.due(now), cards.to_forget()
    for id in payments:
        if not _apart(pursue, id, now):
            return
    for id in refunds:
        if not _apart(refunding.pursue, id, now):
            return
    for id in gone:
        try:
            cards.forget(id, at=now)
        except Unreachable as error:
            log.warning("gateway_unreachable", card=id, why=str(error))
            return


def _apart(act: Callable[..., bool], id: int, now: datetime) -> bool:
    """One that cannot be taken in, whatever the reason, keeps no other waiting."""
    try:
        return act(id, at=now)
    except Exception:
        log.exception("gateway_answer_not_taken", act=act.__module__, id=id)
        with db.transaction():
            if act is pursue:
                outcomes.wait(outcomes.locked(id), now)
            else:
                refunding.wait(id, at=now)
        return True


def _read(id: int) -> _Task:
    load = joinedload(Payment.organization), joinedload(Payment.card), joinedload(Payment.bill)
    payment = db.session.scalars(select(Payment).where(Payment.id == id).options(*load)).one()
    query = select(GatewayCustomer.gateway_reference).where(GatewayCustomer.organization_id == payment.organization_id)
    customer = db.session.scalar(query)
    wanted = Wanted(
        id=payment.id, amount_fen=payment.amount_fen, way=payment.way, customer=customer or "", label=_label(payment),
        locale="auto",
        back_url=f"{resources.settings.base_url}/console/payments/{payment.id}/back",
        card=payment.card.gateway_reference if payment.card else None, unattended=payment.unattended, save_card=payment.save_card,
    )  # fmt: skip
    return _Task(
        wanted, payment.organization_id, payment.organization.name, customer, payment.status, payment.session_id, payment.intent_id,
        payment.asked_times, payment.created_at,
    )  # fmt: skip


def _label(payment: Payment) -> str:
    """What the gateway's page calls it; both languages, since nobody knows there which one she reads."""
    site = resources.settings
    about = payment.bill.number if payment.bill is not None else f"#{payment.id}"
    return f"{site.site_name_zh} {site.site_name_en} {about}"


def _ask(task: _Task, at: datetime) -> Found:
    if task.session_id or task.intent_id:
        if task.status is PaymentStatus.CANCELED:
            stripe_gateway.give_up(task.session_id, task.intent_id)
        return stripe_gateway.look_up(task.session_id, task.intent_id)
    customer = task.customer or _customer(task, at)
    forgotten = at >= task.created_at + timedelta(hours=stripe_gateway.KEY_HOURS)
    # Killed between the first call and its answer nobody has counted it; while the key holds, asking again finds it.
    if task.asked_times or forgotten:
        found = stripe_gateway.search(customer, task.wanted.id)
        if found is not None:
            return found
    if task.status is not PaymentStatus.PENDING or forgotten:
        return Found(State.CANCELED, failure_code=NOTHING_MADE if forgotten else "")
    try:
        return _begin(task, customer)
    except Unknown as error:
        if error.code != "resource_missing" or task.wanted.card:
            raise
        # The account has changed, from test to live, say: nobody of ours is known there yet.
        return _begin(task, _customer(task, at, anew=True))


def _begin(task: _Task, customer: str) -> Found:
    found = stripe_gateway.begin(replace(task.wanted, customer=customer))
    if found.state is State.FAILED and found.intent_id and not found.session_id:
        # What a bank has declined must not be confirmed by anybody later.
        stripe_gateway.give_up(None, found.intent_id)
    return found


def _customer(task: _Task, at: datetime, *, anew: bool = False) -> str:
    reference = stripe_gateway.customer(task.organization_id, task.organization, tries=task.asked_times)
    with db.transaction():
        dialect: Any = postgresql if db.on_postgresql() else sqlite
        row = {"organization_id": task.organization_id, "gateway_reference": reference, "created_at": at}
        noted = dialect.insert(GatewayCustomer.__table__).values(row)
        # Of two first payments at once the second keeps the name that the first was told.
        kept = {"gateway_reference": reference if anew else GatewayCustomer.gateway_reference}
        noted = noted.on_conflict_do_update(index_elements=["organization_id"], set_=kept)
        return str(db.session.scalar(noted.returning(GatewayCustomer.gateway_reference)))
