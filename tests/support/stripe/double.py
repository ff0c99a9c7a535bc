"""What the double of Stripe holds, and what happens there: pages that are paid, cards that are declined, disputes.

Objects are kept as Stripe's JSON. Only what the market uses exists, and in the shapes of version 2026-10-28.endive.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import threading
import time
from collections.abc import Callable
from typing import Any

Thing = dict[str, Any]
#: Stripe's own cards for trying things out (docs.stripe.com/testing) that journeys use, and how they behave.
TEST_CARDS = {
    "pm_card_visa": "ok", "pm_card_chargeCustomerFail": "generic_decline",
    "pm_card_authenticationRequired": "authentication_required", "pm_card_createDispute": "disputed",
}  # fmt: skip
#: What a dispute's evidence has to say to be decided there and then.
EVIDENCE = {"winning_evidence": "won", "losing_evidence": "lost"}


class Declined(Exception):
    """A card error with the intent it is about."""

    def __init__(self, code: str, decline_code: str | None, intent: Thing) -> None:
        self.code, self.decline_code, self.intent = code, decline_code, intent
        super().__init__(code)


class NoSuch(Exception):
    """Nothing has this number."""


class NotNow(Exception):
    """It is not in a state for that."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


class Double:
    """One Stripe account. Safe for several threads: every request holds it."""

    def __init__(self, url: str, secret: str) -> None:
        self.url, self.secret = url, secret
        self.things: dict[str, Thing] = {}
        #: What happened, as Stripe keeps it for whoever asks.
        self.events: list[Thing] = []
        self.lock = threading.RLock()
        self.requests: list[tuple[str, Thing]] = []
        self.troubles: dict[str, list[tuple[str, int]]] = {}
        #: How a saved card behaves when it is charged: `ok`, `authentication_required`, or a decline code.
        self.behavior: dict[str, str] = {}
        self.refunds_wait = False
        self._number, self._mark = 0, secrets.token_hex(3)

    # --- what tests look at and set ------------------------------------------------------

    def of(self, kind: str) -> list[Thing]:
        """All things of a kind, such as `payment_intent`, in the order they were made."""
        return [thing for thing in self.things.values() if thing["object"] == kind]

    @property
    def collected(self) -> int:
        """Fen that really came."""
        return sum(intent["amount_received"] for intent in self.of("payment_intent"))

    def trouble(self, address: str, kind: str, times: int = 1) -> None:
        """What goes wrong with the next requests of an address: lost, 500, 500_after, 429, slow."""
        self.troubles[address] = [(kind, times)]

    def next_trouble(self, address: str) -> str:
        """What goes wrong with this one."""
        waiting = self.troubles.get(address)
        if not waiting:
            return ""
        kind, times = waiting[0]
        self.troubles[address] = [(kind, times - 1)] if times > 1 else []
        return kind

    def pay(self, session_id: str, *, card: str = "ok", settles: bool = True, amount: int | None = None, currency: str | None = None) -> Thing:
        """The buyer pays on Stripe's page. Not `settles`: the wallet confirms later (`settle`); a `card` that wants
        authentication is paid with once her bank says so (`authenticate`), any other word declines it."""
        with self.lock:
            session = self.get(session_id)
            if session["status"] != "open":
                raise NotNow("session_closed")
            intent = self.get(session["payment_intent"]) if session["payment_intent"] else self._intent_of(session)
            if card not in ("ok", "authentication_required"):
                self._decline(intent, "card_declined", card)
                return intent
            method = self._method(session["customer"], session["_way"])
            intent["payment_method"] = method["id"]
            if card == "authentication_required":
                self._send_to_bank(intent, back=session["success_url"])
                return intent
            session["status"], session["url"] = "complete", None
            if amount is not None or currency is not None:
                session["amount_total"], session["currency"] = amount or session["amount_total"], currency or session["currency"]
                intent["amount"], intent["currency"] = session["amount_total"], session["currency"]
            if settles:
                self._succeed(intent)
            else:
                intent["status"] = "processing"
            return intent

    def settle(self, intent_id: str, *, works: bool = True) -> None:
        """A wallet's money has come, or has not."""
        with self.lock:
            intent = self.get(intent_id)
            if works:
                self._succeed(intent)
            else:
                self._decline(intent, "payment_intent_payment_attempt_failed", None)

    def authenticate(self, intent_id: str, *, works: bool = True) -> None:
        """The buyer has (not) confirmed on her bank's page."""
        with self.lock:
            intent = self.get(intent_id)
            if intent["status"] != "requires_action":
                raise NotNow("payment_intent_unexpected_state")
            if works:
                self._succeed(intent)
            else:
                self._decline(intent, "payment_intent_authentication_failure", None)

    def dispute(self, intent_id: str, *, amount: int | None = None, status: str = "needs_response") -> Thing:
        """A cardholder objects."""
        with self.lock:
            intent = self.get(intent_id)
            made = self._keep("du", "dispute", {
                "amount": amount or intent["amount_received"], "currency": "cny", "payment_intent": intent_id, "charge": intent["latest_charge"],
                "reason": "fraudulent", "status": status, "evidence_details": {"due_by": int(time.time()) + 7 * 86400},
            })  # fmt: skip
            self._happened("charge.dispute.created", made)
            return made

    def news(self, kind: str, about: str, *, id: str | None = None, at: int | None = None, secret: str | None = None) -> tuple[bytes, str]:
        """Stripe's news of a thing as it stands, and the header that signs it."""
        with self.lock:
            event = self._event(kind, self.get(about), id)
        return self.signed(event, at=at, secret=secret)

    def signed(self, event: Thing, *, at: int | None = None, secret: str | None = None) -> tuple[bytes, str]:
        """Any event with Stripe's signature."""
        body, at = json.dumps(event).encode(), at or int(time.time())
        digest = hmac.new((secret or self.secret).encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
        return body, f"t={at},v1={digest}"

    # --- what requests do ----------------------------------------------------------------

    def get(self, id: str) -> Thing:
        """A thing by its number. Raises NoSuch."""
        if id not in self.things:
            raise NoSuch(id)
        return self.things[id]

    def create_customer(self, sent: Thing) -> Thing:
        """A firm."""
        return self._keep("cus", "customer", {"name": sent.get("name"), "metadata": sent.get("metadata", {})})

    def delete_customer(self, id: str) -> Thing:
        """A firm is known no more, and its cards are let go."""
        self.get(id)
        for method in self.of("payment_method"):
            if method["customer"] == id:
                method["customer"] = None
        del self.things[id]
        return {"id": id, "object": "customer", "deleted": True}

    def create_session(self, sent: Thing) -> Thing:
        """A page to pay on."""
        self.get(sent["customer"])
        line = sent["line_items"][0]
        price = line["price_data"]
        ways = sent.get("allowed_payment_method_types") or ["card"]
        if "wechat_pay" in ways and sent.get("payment_method_options", {}).get("wechat_pay", {}).get("client") != "web":
            raise NotNow("wechat_pay_client_missing")
        session = self._keep("cs", "checkout.session", {
            "mode": sent["mode"], "customer": sent["customer"], "status": "open", "payment_status": "unpaid", "payment_intent": None,
            "amount_total": price["unit_amount"] * line.get("quantity", 1), "currency": price["currency"], "metadata": sent.get("metadata", {}),
            "success_url": sent["success_url"], "cancel_url": sent.get("cancel_url"), "expires_at": int(time.time()) + 86400,
            "payment_method_types": ways, "_way": ways[0], "_label": price["product_data"]["name"], "_intent": sent.get("payment_intent_data", {}),
        })  # fmt: skip
        session["url"] = f"{self.url}/pay/{session['id']}"
        return session

    def expire(self, id: str) -> Thing:
        """Nobody can pay on the page any more."""
        session = self.get(id)
        if session["status"] != "open":
            raise NotNow("resource_missing")
        session["status"], session["url"] = "expired", None
        self._happened("checkout.session.expired", session)
        return session

    def create_intent(self, sent: Thing) -> Thing:
        """A charge of a saved card, or of one of the cards for trying things out."""
        if sent.get("payment_method") in TEST_CARDS:
            sent = {**sent, "payment_method": self._test_card(sent["payment_method"], sent.get("customer"))["id"]}
        intent = self._keep("pi", "payment_intent", {
            "amount": sent["amount"], "currency": sent["currency"], "customer": sent.get("customer"), "metadata": sent.get("metadata", {}),
            "status": "requires_confirmation", "amount_received": 0, "payment_method": sent.get("payment_method"), "latest_charge": None,
            "last_payment_error": None, "next_action": None, "setup_future_usage": sent.get("setup_future_usage"),
        })  # fmt: skip
        if sent.get("confirm"):
            self._confirm(intent, sent)
        return intent

    def _confirm(self, intent: Thing, sent: Thing) -> None:
        method = self.get(intent["payment_method"])
        if method["customer"] != intent["customer"]:
            raise NotNow("payment_method_unexpected_state")
        behavior = self.behavior.get(method["id"], "ok")
        if behavior in ("ok", "disputed"):
            self._succeed(intent)
            if behavior == "disputed":
                self.dispute(intent["id"])
        elif behavior != "authentication_required":
            self._decline(intent, "card_declined", behavior)
            raise Declined("card_declined", behavior, intent)
        elif sent.get("off_session"):
            self._decline(intent, "authentication_required", "authentication_required")
            raise Declined("authentication_required", "authentication_required", intent)
        else:
            self._send_to_bank(intent, back=sent.get("return_url"))

    def cancel_intent(self, id: str) -> Thing:
        """It will not be charged."""
        intent = self.get(id)
        if intent["status"] in ("succeeded", "canceled", "processing"):
            raise NotNow("payment_intent_unexpected_state")
        intent["status"] = "canceled"
        self._happened("payment_intent.canceled", intent)
        return intent

    def attach(self, id: str, sent: Thing) -> Thing:
        """One of the cards for trying things out becomes a card of the firm, with a number of its own."""
        self.get(sent["customer"])
        if id not in TEST_CARDS:
            raise NotNow("resource_missing")
        return self._test_card(id, sent["customer"])

    def detach(self, id: str) -> Thing:
        """A saved card is forgotten."""
        method = self.get(id)
        method["customer"] = None
        return method

    def create_refund(self, sent: Thing) -> Thing:
        """Money goes back, never more than came."""
        intent = self.get(sent["payment_intent"])
        gone = sum(one["amount"] for one in self.of("refund") if one["payment_intent"] == intent["id"] and one["status"] != "failed")
        amount = sent.get("amount", intent["amount_received"] - gone)
        if intent["amount_received"] and gone >= intent["amount_received"]:
            raise NotNow("charge_already_refunded")
        if any(one["status"] == "needs_response" for one in self.of("dispute") if one["payment_intent"] == intent["id"]):
            raise NotNow("charge_disputed")
        if amount > intent["amount_received"] - gone:
            raise NotNow("amount_too_large")
        status = "pending" if self.refunds_wait else "succeeded"
        about = {"payment_intent": intent["id"], "charge": intent["latest_charge"], "metadata": sent.get("metadata", {})}
        made = self._keep("re", "refund", {"amount": amount, "currency": "cny", "status": status, **about})
        self._happened("refund.created", made)
        self._happened("charge.refunded", self.get(intent["latest_charge"]))
        return made

    def answer_dispute(self, id: str, sent: Thing) -> Thing:
        """The shop answers; what the evidence says decides it."""
        dispute = self.get(id)
        if sent.get("submit", True):
            dispute["status"] = EVIDENCE.get(sent.get("evidence", {}).get("uncategorized_text", ""), "under_review")
            self._happened("charge.dispute.closed" if dispute["status"] in EVIDENCE.values() else "charge.dispute.updated", dispute)
        return dispute

    def listed(self, kind: str, sent: Thing, same: Callable[[Thing], bool]) -> Thing:
        """A page of things, the newest first: as many as were asked for, after the one that was named."""
        since = int(sent.get("created", {}).get("gte", 0))
        found = [thing for thing in reversed(self.events if kind == "event" else self.of(kind)) if same(thing) and thing["created"] >= since]
        names = [thing["id"] for thing in found]
        first = names.index(sent["starting_after"]) + 1 if "starting_after" in sent else 0
        last = first + sent.get("limit", 10)
        return {"object": "list", "data": [self.shown(thing) for thing in found[first:last]], "has_more": last < len(found), "url": f"/v1/{kind}s"}

    def shown(self, thing: Thing, expand: list[str] | None = None) -> Thing:
        """A thing as it is answered; `expand` puts what it names in full."""
        seen = {name: value for name, value in thing.items() if not name.startswith("_")}
        for path in expand or []:
            name, _, rest = path.partition(".")
            if isinstance(seen.get(name), str):
                seen[name] = self.shown(self.get(seen[name]), [rest] if rest else None)
        return seen

    # --- inside --------------------------------------------------------------------------

    def _intent_of(self, session: Thing) -> Thing:
        about = session["_intent"]
        intent = self._keep("pi", "payment_intent", {
            "amount": session["amount_total"], "currency": session["currency"], "customer": session["customer"],
            "metadata": about.get("metadata", {}), "status": "requires_payment_method", "amount_received": 0, "payment_method": None,
            "latest_charge": None, "last_payment_error": None, "next_action": None, "setup_future_usage": about.get("setup_future_usage"),
        })  # fmt: skip
        session["payment_intent"] = intent["id"]
        return intent

    def _test_card(self, name: str, customer: str | None) -> Thing:
        method = self._method(customer, "card")
        self.behavior[method["id"]] = TEST_CARDS[name]
        return method

    def _method(self, customer: str | None, way: str) -> Thing:
        card = {"brand": "visa", "last4": "4242", "exp_month": 12, "exp_year": 2034} if way == "card" else None
        return self._keep("pm", "payment_method", {"type": way, "customer": customer, "card": card})

    def _succeed(self, intent: Thing) -> None:
        charge = self._keep("ch", "charge", {"payment_intent": intent["id"], "amount": intent["amount"], "metadata": intent["metadata"]})
        intent |= {"status": "succeeded", "amount_received": intent["amount"], "latest_charge": charge["id"], "next_action": None}
        self._happened("charge.succeeded", charge)
        self._happened("payment_intent.succeeded", intent)
        for session in self.of("checkout.session"):
            if session["payment_intent"] == intent["id"]:
                session |= {"payment_status": "paid", "status": "complete", "url": None}
                self._happened("checkout.session.completed", session)

    def _send_to_bank(self, intent: Thing, *, back: str | None) -> None:
        there = {"url": f"{self.url}/authenticate/{intent['id']}", "return_url": back}
        intent |= {"status": "requires_action", "next_action": {"type": "redirect_to_url", "redirect_to_url": there}}
        self._happened("payment_intent.requires_action", intent)

    def _decline(self, intent: Thing, code: str, decline_code: str | None) -> None:
        error = {"type": "card_error", "code": code, "decline_code": decline_code, "message": "declined"}
        intent |= {"status": "requires_payment_method", "last_payment_error": error, "next_action": None}
        self._happened("payment_intent.payment_failed", intent)

    def _happened(self, kind: str, thing: Thing) -> None:
        self.events.append(self._event(kind, thing))

    def _event(self, kind: str, thing: Thing, id: str | None = None) -> Thing:
        return {
            "id": id or self._new("evt"), "object": "event", "type": kind, "created": int(time.time()), "api_version": "2026-10-28.endive",
            "livemode": False, "pending_webhooks": 1, "data": {"object": self.shown(thing)},
        }  # fmt: skip

    def _keep(self, prefix: str, kind: str, thing: Thing) -> Thing:
        made = {"id": self._new(prefix), "object": kind, "created": int(time.time()), "livemode": False, **thing}
        self.things[made["id"]] = made
        return made

    def _new(self, prefix: str) -> str:
        self._number += 1
        return f"{prefix}_test_{self._mark}{self._number:06d}"
