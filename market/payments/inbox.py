"""The inbox of a gateway's news: stored first, handled later, by asking what it is about.

News comes late, twice, in any order and from anybody; a piece of it moves no money. It only says what to ask about now.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, cast

import structlog
from sqlalchemy import CursorResult, Select, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import joinedload

from market import audit, db, resources
from market.audit import Actor
from market.errors import NotFound, Refused
from market.payments import asking, disputing, finding, refunding, stripe_gateway
from market.payments.found import News, NotGenuine, Unknown, Unreachable
from market.payments.models import (
    EVENT_LIFECYCLE,
    DisputeStatus,
    EventStatus,
    GatewayEvent,
    Payment,
    PaymentStatus,
    Refund,
)

log = structlog.get_logger(__name__)
_S = EventStatus
#: News of one kind is this large at most; Stripe's own is a few kilobytes.
LARGEST = 256 * 1024
_PAUSES = (5, 15, 60, 300, 1800, 3600)
_SOONEST, _LATEST = timedelta(seconds=5), timedelta(hours=1)
#: After so many tries a person has to look.
_MOST_TRIES = 12
_AT_ONCE = 50
_BODY_KEPT = timedelta(days=90)
NOTHING_OF_OURS = "和本站的付款无关"
REFUND_UNBOOKED = "有人在 Stripe 后台退了款，而这笔付款还没有入账，或者退的不是人民币。请先核对这笔付款，再重新处理这条通知。"
REFUND_KNOWN = "已向 Stripe 核对这笔付款的退款"
ONLY_ASKED = "付款人的银行来询问，没有扣款"
OF_DISPUTES = {DisputeStatus.OPEN: "有争议，等银行决定", DisputeStatus.WON: "争议胜诉", DisputeStatus.LOST: "争议败诉"}
_REFUNDS = ("re_", "pyr_")
DISPUTE_UNBOOKED = "有争议的付款还没有入账。请先核对这笔付款，再重新处理这条通知。"
#: What a person has to look at.
FOR_A_PERSON = (REFUND_UNBOOKED, DISPUTE_UNBOOKED)


class NotSetUp(Refused):
    """Nobody has told us what Stripe signs with."""

    status, code = 503, "webhook_not_set_up"
    message = "还没有设置 STRIPE_WEBHOOK_SECRET，不接收通知。"


class NewsRefused(Refused):
    """Not Stripe's, or not for us."""

    status, code = 400, "signature_invalid"
    message = "签名不对、已过期，或不是 Stripe 的通知。"


def receive(body: bytes, signature: str | None, *, at: datetime) -> bool:
    """Store a piece of news; False when it was here before. Raises NotSetUp, NewsRefused."""
    secret = resources.settings.stripe_webhook_secret
    if not secret:
        raise NotSetUp
    try:
        news = stripe_gateway.read_news(body, signature, secret)
    except NotGenuine:
        raise NewsRefused from None
    if keep(news, body.decode("utf-8", "replace"), at=at):
        return True
    again = update(GatewayEvent).where(GatewayEvent.event_id == news.event_id)
    db.session.execute(again.values(repeats=GatewayEvent.repeats + 1))
    return False


def keep(news: News, text: str, *, at: datetime) -> bool:
    """Store it to be handled; False when it is known."""
    fresh = _insert().values(_row(news, text, at)).on_conflict_do_nothing(index_elements=["event_id"])
    return db.session.scalar(fresh.returning(GatewayEvent.id)) is not None


def _insert() -> Any:
    dialect = postgresql if db.on_postgresql() else sqlite
    return dialect.insert(GatewayEvent.__table__)


def _row(news: News, text: str, at: datetime) -> dict[str, Any]:
    return {
        "event_id": news.event_id, "kind": news.kind, "about": news.about, "body": {"text": text},
        "status": _S.RECEIVED, "happened_at": news.happened_at, "received_at": at, "try_at": at, "tries": 0, "repeats": 0,
        "outcome": "", "version": 1,
    }  # fmt: skip


@stripe_gateway.patiently
def handle_due(now: datetime) -> None:
    """Handle what has come, the oldest first."""
    with db.transaction(readonly=True):
        query = select(GatewayEvent.id).where(GatewayEvent.status == _S.RECEIVED, GatewayEvent.try_at <= now)
        ids = db.session.scalars(query.order_by(GatewayEvent.id).limit(_AT_ONCE)).all()
    for id in ids:
        if not handle(id, at=now):
            return


def handle(id: int, *, at: datetime) -> bool:
    """Ask about what one piece of news is about, and note what came of it; False when Stripe could not be reached."""
    with db.transaction(readonly=True):
        event = db.session.get_one(GatewayEvent, id)
        kind, about = event.kind, event.about
    try:
        payment_id, outcome = _act(kind, about, at)
    except Unreachable as error:
        _later(id, str(error), at)
        return False
    except Unknown as error:
        payment_id, outcome = None, f"Stripe: {error.code}"
    except Exception as error:
        log.exception("gateway_news_failed", news=id)
        _again(id, type(error).__name__, at)
        return True
    with db.transaction():
        event = _locked(id)
        if event.status is not _S.HANDLED:
            failed = outcome in FOR_A_PERSON
            if event.status is not (_S.FAILED if failed else _S.HANDLED):
                EVENT_LIFECYCLE.move(event, _S.FAILED if failed else _S.HANDLED)
            event.handled_at, event.try_at, event.outcome, event.payment_id = at, None, outcome, payment_id
            if outcome == NOTHING_OF_OURS:
                event.body = {}  # whoever is named in it is no customer of this site
            event.tries += 1
    return True


def _act(kind: str, about: str, at: datetime) -> tuple[int | None, str]:
    if kind.startswith("charge.dispute.") and about:
        return _dispute(about, at)
    number, intent_id = stripe_gateway.payment_behind(about) if about else (None, None)
    payment_id = _ours(None if about.startswith(_REFUNDS) else number, intent_id, about)
    if payment_id is None:
        return None, NOTHING_OF_OURS
    if kind.startswith(("refund.", "charge.refund")):
        return payment_id, _refunds(payment_id, at)
    _reached(asking.pursue(payment_id, at=at))
    with db.transaction(readonly=True):
        return payment_id, db.session.get_one(Payment, payment_id).status.value


def _ours(number: int | None, intent_id: str | None, about: str) -> int | None:
    """The payment with Stripe's own names, or the number that it carries. Test and live keys may share one Stripe account
    with other systems: a number alone is believed only where the payment is waiting for its name."""
    with db.transaction(readonly=True):
        for column, name in ((Payment.intent_id, intent_id), (Payment.session_id, about)):
            found = db.session.scalar(select(Payment.id).where(column == name)) if name else None
            if found is not None:
                return found
        if number is None:
            return None
        waiting = (Payment.gateway == stripe_gateway.NAME) & Payment.intent_id.is_(None)
        return db.session.scalar(select(Payment.id).where(Payment.id == number, waiting))


def _dispute(reference: str, at: datetime) -> tuple[int | None, str]:
    found = stripe_gateway.dispute(reference)
    payment_id = _ours(None, found.intent_id, "")
    if payment_id is None:
        return None, NOTHING_OF_OURS
    # The payment itself may not be booked yet when its dispute is already told.
    _reached(asking.pursue(payment_id, at=at))
    with db.transaction():
        if db.session.get_one(Payment, payment_id).status is not PaymentStatus.SUCCEEDED:
            return payment_id, DISPUTE_UNBOOKED
        dispute = disputing.take_in(payment_id, found, at=at)
        return payment_id, OF_DISPUTES[dispute.status] if dispute else ONLY_ASKED


def _refunds(payment_id: int, at: datetime) -> str:
    """News of one is a reason to look at all of a payment's: whatever was missed before is found now."""
    _reached(asking.pursue(payment_id, at=at))
    with db.transaction(readonly=True):
        intent_id = db.session.get_one(Payment, payment_id).intent_id or ""
        under_way = select(Refund.id).where(Refund.payment_id == payment_id, Refund.status.in_(refunding.UNDER_WAY))
        ids = db.session.scalars(under_way).all()
    for id in ids:
        _reached(refunding.pursue(id, at=at))
    seen = []
    for found in stripe_gateway.refunds_of(intent_id) if intent_id else ():
        with db.transaction():
            seen.append(finding.take_in(payment_id, found, at=at))
    return REFUND_KNOWN if all(seen) else REFUND_UNBOOKED


def _reached(reached: bool) -> None:
    if not reached:
        raise Unreachable("no answer")


def _locked(id: int) -> GatewayEvent:
    event = db.session.get_one(GatewayEvent, id)
    db.lock(event)
    return event


def _later(id: int, why: str, at: datetime) -> None:
    """Nobody has answered: that is no try, but the older the news, the longer until the next."""
    with db.transaction():
        event = _locked(id)
        event.outcome = why
        if event.status is _S.RECEIVED:
            event.try_at = at + min(max((at - event.received_at) / 2, _SOONEST), _LATEST)


def _again(id: int, why: str, at: datetime) -> None:
    with db.transaction():
        event = _locked(id)
        event.tries += 1
        event.outcome = why
        if event.status is _S.HANDLED:
            return
        if event.tries >= _MOST_TRIES and event.status is _S.RECEIVED:
            EVENT_LIFECYCLE.move(event, _S.FAILED)
            event.try_at = None
        elif event.status is _S.RECEIVED:
            event.try_at = at + timedelta(seconds=_PAUSES[min(event.tries - 1, len(_PAUSES) - 1)])


def forget_bodies(now: datetime) -> int:
    """Empty news of long ago: they name cardholders, and only kind and number are ever used. Returns how many."""
    with db.transaction():
        old = update(GatewayEvent).where(GatewayEvent.handled_at <= now - _BODY_KEPT, GatewayEvent.body != {})
        return cast("CursorResult[Any]", db.session.execute(old.values(body={}))).rowcount


def handle_again(event: GatewayEvent, *, by: Actor, at: datetime) -> None:
    """An administrator wants it handled (once more); it runs after the commit."""
    audit.record("gateway_event.repeated", event, by=by, at=at, after={"event": event.event_id, "status": event.status.value})
    db.on_commit(lambda: handle(event.id, at=at))


def gateway_events(status: EventStatus | None = None) -> Select[Any]:
    """All news, the newest first."""
    query = select(GatewayEvent)
    if status is not None:
        query = query.where(GatewayEvent.status == status)
    return query.order_by(GatewayEvent.id.desc())


def event_counts() -> dict[EventStatus, int]:
    """How many there are of each state."""
    counted = db.session.execute(select(GatewayEvent.status, func.count()).group_by(GatewayEvent.status))
    return dict.fromkeys(EventStatus, 0) | {status: count for status, count in counted}


def event_by_id(id: int) -> GatewayEvent:
    """One piece of news with its payment. Raises NotFound."""
    found = db.session.scalar(select(GatewayEvent).where(GatewayEvent.id == id).options(joinedload(GatewayEvent.payment)))
    if found is None:
        raise NotFound
    return found


def events_of(payment: Payment) -> Sequence[GatewayEvent]:
    """What was told about a payment, the oldest first."""
    return db.session.scalars(select(GatewayEvent).where(GatewayEvent.payment_id == payment.id).order_by(GatewayEvent.id)).all()
