"""Stripe: card, Alipay and WeChat Pay. The only module that speaks with it, by the official SDK.

Knows no rows: it takes what is to be done as plain values and says what Stripe says (`Found`). Everything that moves
money goes with a key that follows from our own row, so that asking twice is asking once; Stripe keeps such a key for a
day. Nothing here writes a key of the account into a message or the log.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import lru_cache, wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from market import resources
from market.late import Library
from market.payments.found import (
    Found,
    FoundCard,
    FoundDispute,
    FoundRefund,
    News,
    NotGenuine,
    State,
    Unknown,
    Unreachable,
    Wanted,
)

if TYPE_CHECKING:
    import stripe
else:
    stripe = Library("stripe")

NAME = "stripe"
#: What can be chosen, as Stripe calls it. Only a card can be saved: Alipay and WeChat Pay are for one payment each.
WAYS = ("card", "alipay", "wechat_pay")
CURRENCY = "cny"
#: For so many hours a key makes asking twice harmless; Stripe promises 24.
KEY_HOURS = 20
#: How long an answer is waited for, and how often asked again: by a sweep, and while somebody waits for her page.
_PATIENT, _BRISK = (20, 2), (5, 0)
_patience: ContextVar[tuple[int, int]] = ContextVar("patience", default=_BRISK)
#: So many of a customer's newest are looked through for one of ours.
_LOOKED_THROUGH = 100
T = TypeVar("T")
P = ParamSpec("P")


def ready() -> bool:
    """Whether there is a key."""
    return bool(resources.settings.stripe_key)


@lru_cache(maxsize=8)
def _made(key: str, url: str, patience: tuple[int, int]) -> stripe.StripeClient:
    seconds, retries = patience
    client = stripe.RequestsClient(timeout=seconds)
    return stripe.StripeClient(key, base_addresses={"api": url}, max_network_retries=retries, http_client=client)


def patiently(act: Callable[P, T]) -> Callable[P, T]:
    """What sweeps do: nobody waits for it. Anything else holds up a page, and is left to the sweep when it takes long."""

    @wraps(act)
    def acting(*args: P.args, **kwargs: P.kwargs) -> T:
        before = _patience.set(_PATIENT)
        try:
            return act(*args, **kwargs)
        finally:
            _patience.reset(before)

    return acting


def _client() -> stripe.StripeClient:
    key = resources.settings.stripe_key
    if not key:
        raise Unreachable("no key is set")
    return _made(key, resources.settings.stripe_url, _patience.get())


def _call(ask: Callable[[], T]) -> T:
    try:
        return ask()
    except stripe.IdempotencyError as error:
        raise Unknown(error.code or "idempotency_error") from None
    except stripe.InvalidRequestError as error:
        raise Unknown(error.code or "invalid_request") from None
    except stripe.CardError:
        raise
    except stripe.StripeError as error:
        # Its own text can hold what was sent; the kind and number are enough to look it up at Stripe.
        raise Unreachable(f"{type(error).__name__} {error.http_status or ''} {error.request_id or ''}".strip()) from None
    except Exception as error:
        # A traceback through the SDK would show its variables, the key among them.
        raise Unreachable(type(error).__name__) from None


# --- payments ----------------------------------------------------------------------------


def customer(organization_id: int, name: str, *, tries: int = 0) -> str:
    """Who a firm is at Stripe; made once. Only its name leaves the house.

    With the same key Stripe repeats an error of its own for a day, so after some `tries` there is another one: a firm that
    is there twice costs nothing.
    """
    key = f"customer-{organization_id}" + (f"-{tries}" if tries > 1 else "")
    made = _call(
        lambda: _client().v1.customers.create(
            {"name": name, "metadata": {"organization": str(organization_id)}},
            {"idempotency_key": key},
        )
    )
    return made.id


def begin(wanted: Wanted) -> Found:
    """Make the payment at Stripe: a page for the buyer, or at once with a saved card. Asked twice, it is one."""
    return _charge(wanted) if wanted.card else _open_page(wanted)


def _open_page(wanted: Wanted) -> Found:
    carried = {"payment": str(wanted.id)}
    intent: dict[str, Any] = {"metadata": carried, "description": wanted.label}
    if wanted.save_card:
        intent["setup_future_usage"] = "off_session"
    price = {"currency": CURRENCY, "unit_amount": wanted.amount_fen, "product_data": {"name": wanted.label}}
    # Plain values: which of them Stripe takes the double checks by the SDK's own types.
    params: Any = {
        "mode": "payment",
        "customer": wanted.customer,
        "allowed_payment_method_types": [wanted.way],
        "line_items": [{"quantity": 1, "price_data": price}],
        "metadata": carried,
        "payment_intent_data": intent,
        "locale": wanted.locale,
        "success_url": wanted.back_url,
        "cancel_url": wanted.back_url,
    }
    if wanted.way == "wechat_pay":
        # Stripe does not show WeChat Pay on a page that does not say where it is paid from.
        params["payment_method_options"] = {"wechat_pay": {"client": "web"}}
    return _of_session(_call(lambda: _client().v1.checkout.sessions.create(params, {"idempotency_key": _key(wanted)})))


def _key(wanted: Wanted) -> str:
    return f"payment-{wanted.id}-{wanted.customer}"


def _charge(wanted: Wanted) -> Found:
    params: Any = {
        "amount": wanted.amount_fen,
        "currency": CURRENCY,
        "customer": wanted.customer,
        "payment_method": wanted.card,
        "allowed_payment_method_types": ["card"],
        "confirm": True,
        "description": wanted.label,
        "metadata": {"payment": str(wanted.id)},
    }
    params |= {"off_session": True} if wanted.unattended else {"return_url": wanted.back_url}
    try:
        made = _call(lambda: _client().v1.payment_intents.create(params, {"idempotency_key": _key(wanted)}))
    except stripe.CardError as error:
        return Found(State.FAILED, intent_id=_intent_in(error), failure_code=_why(error.code, _decline(error)))
    return _of_intent(made)


def _intent_in(error: stripe.CardError) -> str | None:
    body = error.json_body if isinstance(error.json_body, Mapping) else {}
    intent = (body.get("error") or {}).get("payment_intent") or {}
    return intent.get("id")


def _decline(error: stripe.CardError) -> str | None:
    body = error.json_body if isinstance(error.json_body, Mapping) else {}
    return (body.get("error") or {}).get("decline_code")


def _why(code: str | None, decline_code: str | None) -> str:
    return (decline_code if code == "card_declined" and decline_code else code) or "card_declined"


def look_up(session_id: str | None, intent_id: str | None) -> Found:
    """What has become of it. Raises Unknown."""
    if session_id:
        params: Any = {"expand": ["payment_intent.payment_method"]}
        return _of_session(_call(lambda: _client().v1.checkout.sessions.retrieve(session_id, params)))
    found: Any = {"expand": ["payment_method"]}
    return _of_intent(_call(lambda: _client().v1.payment_intents.retrieve(intent_id or "", found)))


def search(customer_id: str, payment_id: int) -> Found | None:
    """One of ours that Stripe may have made although its answer never came: by the number it carries."""
    listed: Any = {"customer": customer_id, "limit": _LOOKED_THROUGH}
    for session in _call(lambda: _client().v1.checkout.sessions.list(listed)).data:
        if _payment_in(session) == payment_id:
            return look_up(session.id, None)
    for intent in _call(lambda: _client().v1.payment_intents.list(listed)).data:
        if _payment_in(intent) == payment_id:
            return look_up(None, intent.id)
    return None


def give_up(session_id: str | None, intent_id: str | None) -> None:
    """Let nobody pay it any more. What is paid or closed already stays as it is."""
    try:
        if session_id:
            _call(lambda: _client().v1.checkout.sessions.expire(session_id))
        elif intent_id:
            _call(lambda: _client().v1.payment_intents.cancel(intent_id))
    except Unknown:
        return


def forget_card(reference: str) -> None:
    """Take a saved card away; one that is gone already is gone."""
    try:
        _call(lambda: _client().v1.payment_methods.detach(reference))
    except Unknown:
        return


def _payment_in(thing: Any) -> int | None:
    said = _ours_in(thing, "payment")
    return int(said) if said.isdecimal() else None


def _ours_in(thing: Any, name: str) -> str:
    """What we have written on a thing of Stripe's."""
    return str(getattr(getattr(thing, "metadata", None), name, ""))


def _of_session(session: Any) -> Found:
    intent = session.payment_intent
    id = intent if isinstance(intent, str) or intent is None else intent.id
    known = dict(session_id=session.id, intent_id=id, amount=session.amount_total or 0, currency=session.currency or "")
    if session.payment_status == "paid":
        return Found(State.SUCCEEDED, **known, card=_card_of(intent))
    if session.status == "expired":
        return Found(State.CANCELED, **known, failure_code="expired")
    if session.status == "open":
        return Found(State.OPEN, **known, url=session.url or "")
    if intent is not None and not isinstance(intent, str) and intent.status in ("requires_payment_method", "canceled"):
        return Found(State.FAILED, **known, failure_code=_why_not(intent))
    return Found(State.PROCESSING, **known)


def _of_intent(intent: Any) -> Found:
    amount = intent.amount_received if intent.status == "succeeded" else intent.amount
    known = dict(intent_id=intent.id, amount=amount, currency=intent.currency)
    if intent.status == "succeeded":
        return Found(State.SUCCEEDED, **known, card=_card_of(intent))
    if intent.status == "requires_action":
        step = getattr(intent, "next_action", None)
        place = getattr(step, "redirect_to_url", None) if step else None
        return Found(State.ACTION, **known, url=(place.url or "") if place else "")
    if intent.status == "processing":
        return Found(State.PROCESSING, **known)
    if intent.status == "canceled":
        return Found(State.CANCELED, **known)
    return Found(State.FAILED, **known, failure_code=_why_not(intent))


def _why_not(intent: Any) -> str:
    error = getattr(intent, "last_payment_error", None)
    return _why(getattr(error, "code", None), getattr(error, "decline_code", None)) if error else "card_declined"


def _card_of(intent: Any) -> FoundCard | None:
    """The card that paid and may be charged again, where Stripe was told to keep it."""
    if intent is None or isinstance(intent, str) or getattr(intent, "setup_future_usage", None) != "off_session":
        return None
    method = intent.payment_method
    if method is None or isinstance(method, str) or method.type != "card":
        return None
    card = method.card
    return FoundCard(method.id, card.brand, card.last4, card.exp_month, card.exp_year)


# --- refunds and disputes ----------------------------------------------------------------


def refund(id: int, intent_id: str, amount_fen: int) -> FoundRefund:
    """Pay so much of a payment back; asked twice, it is one. Raises Unknown, such as `charge_already_refunded`."""
    made = _call(
        lambda: _client().v1.refunds.create(
            {"payment_intent": intent_id, "amount": amount_fen, "metadata": {"refund": str(id)}}, {"idempotency_key": f"refund-{id}"}
        )
    )
    return _of_refund(made)


def look_up_refund(reference: str) -> FoundRefund:
    """What has become of it. Raises Unknown."""
    return _of_refund(_call(lambda: _client().v1.refunds.retrieve(reference)))


def search_refund(intent_id: str, id: int) -> FoundRefund | None:
    """One of ours whose answer never came."""
    return next((one for one in refunds_of(intent_id) if one.ours == id), None)


def refunds_of(intent_id: str) -> list[FoundRefund]:
    """Everything that went back of a payment, whoever made it; the oldest first."""
    listed: Any = {"payment_intent": intent_id, "limit": _LOOKED_THROUGH}
    return [_of_refund(one) for one in reversed(_call(lambda: _client().v1.refunds.list(listed)).data)]


def _of_refund(made: Any) -> FoundRefund:
    states = {"succeeded": State.SUCCEEDED, "failed": State.FAILED, "canceled": State.CANCELED}
    said = _ours_in(made, "refund")
    return FoundRefund(
        states.get(made.status, State.PROCESSING), made.id, getattr(made, "failure_reason", None) or "", made.amount, made.currency,
        int(said) if said.isdecimal() else None, _name_of(made.payment_intent), _moment(made.created),
    )  # fmt: skip


def payment_behind(about: str) -> tuple[int | None, str | None]:
    """Our number and Stripe's of the payment that a session, intent, charge or refund is about. Raises Unknown."""
    client = _client().v1
    ways: dict[str, Callable[[], Any]] = {
        "cs": lambda: client.checkout.sessions.retrieve(about),
        "pi": lambda: client.payment_intents.retrieve(about),
        "ch": lambda: client.charges.retrieve(about),
        "py": lambda: client.charges.retrieve(about),
        "re": lambda: client.refunds.retrieve(about),
        "pyr": lambda: client.refunds.retrieve(about),
    }
    ask = ways.get(about.split("_")[0])
    if ask is None:
        return None, None
    thing = _call(ask)
    intent = about if about.startswith("pi_") else thing.payment_intent
    return _payment_in(thing), intent if isinstance(intent, str) or intent is None else intent.id


def dispute(reference: str) -> FoundDispute:
    """A dispute as it stands. Raises Unknown."""
    return _of_dispute(_call(lambda: _client().v1.disputes.retrieve(reference)))


def disputes_since(since: datetime) -> list[FoundDispute]:
    """All that were opened since."""
    params: Any = _made_since(since)
    return [_of_dispute(one) for one in _call(lambda: list(_client().v1.disputes.list(params).auto_paging_iter()))]


def refunds_since(since: datetime) -> list[FoundRefund]:
    """All that were made since."""
    params: Any = _made_since(since)
    return [_of_refund(one) for one in _call(lambda: list(_client().v1.refunds.list(params).auto_paging_iter()))]


def _made_since(since: datetime) -> dict[str, Any]:
    return {"created": {"gte": int(since.timestamp())}, "limit": _LOOKED_THROUGH}


def _name_of(intent: Any) -> str:
    return intent if isinstance(intent, str) else getattr(intent, "id", "")


def _of_dispute(found: Any) -> FoundDispute:
    details = getattr(found, "evidence_details", None)
    due = getattr(details, "due_by", None) if details else None
    return FoundDispute(found.id, _name_of(found.payment_intent), found.amount, found.currency, found.status, found.reason, _moment(found.created), _moment(due) if due else None)


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


# --- news --------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def _reader() -> stripe.StripeClient:
    """Only takes news apart; it calls nobody."""
    return stripe.StripeClient("sk_none")


def read_news(body: bytes, signature: str | None, secret: str) -> News:
    """Stripe's news, after its signature was checked by the SDK. Raises NotGenuine."""
    try:
        stripe.WebhookSignature.verify_header(body, signature, secret, tolerance=300)
        if json.loads(body).get("object") == "v2.core.event":
            thin: Any = _reader().parse_event_notification_without_verification(body)
            related = getattr(thin, "related_object", None)
            about = related.id if related else ""
            return News(thin.id, thin.type, about, datetime.fromisoformat(thin.created))
        event: Any = _reader().construct_event_without_verification(body)
        return News(event.id, event.type, getattr(event.data.object, "id", "") or "", _moment(event.created))
    except (stripe.SignatureVerificationError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise NotGenuine(type(error).__name__) from None
