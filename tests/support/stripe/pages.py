"""Stripe's pages, as small as they can be: Checkout, and the bank's page that a card may lead to (3-D Secure).

As there, a declined card leaves her on the page to try again, and where she comes back to says nothing of what happened.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping

from werkzeug.wrappers import Request, Response

from tests.support.stripe.double import Double, NoSuch, Thing

#: What she may press on each kind of page.
CHECKOUT = {
    "paid": "Pay", "later": "Pay, settles later", "declined": "Pay with a card that is declined",
    "secure": "Pay with a card that wants 3-D Secure", "left": "Back to the shop",
}  # fmt: skip
BANK = {"confirmed": "Confirm", "refused": "Refuse"}
_REFUSED = {"declined": "Your card was declined.", "refused": "Your bank could not confirm that it is you."}


class Pages:
    """Answers browsers; `told` hears of what Stripe sends news of."""

    def __init__(self, double: Double, told: Callable[[str, str], object] | None) -> None:
        self.double, self.told = double, told

    def answer(self, request: Request) -> Response:
        """`/pay/cs_…` or `/authenticate/pi_…`."""
        kind, id = [*request.path.strip("/").split("/"), ""][:2]
        act = {"pay": self._checkout, "authenticate": self._bank}.get(kind)
        try:
            thing = self.double.get(id)
        except NoSuch:
            act = None
        if act is None:
            return Response("not found", 404)
        if thing["status"] not in ("open", "requires_action"):
            return Response("This page is closed.", 410)
        if request.method == "POST":
            return Response("", 303, headers={"Location": act(thing, request.form.get("outcome", ""))})
        return _page(thing, CHECKOUT if kind == "pay" else BANK, _REFUSED.get(request.args.get("why", ""), ""))

    def _checkout(self, session: Thing, outcome: str) -> str:
        here = str(session["url"])
        if outcome == "left":
            return str(session["cancel_url"])
        card = {"declined": "insufficient_funds", "secure": "authentication_required"}.get(outcome, "ok")
        intent = self.double.pay(session["id"], card=card, settles=outcome != "later")
        if outcome == "secure":
            return str(intent["next_action"]["redirect_to_url"]["url"])
        self._tell("payment_intent.payment_failed" if outcome == "declined" else "checkout.session.completed", intent, session)
        return f"{here}?why=declined" if outcome == "declined" else str(session["success_url"])

    def _bank(self, intent: Thing, outcome: str) -> str:
        back = str(intent["next_action"]["redirect_to_url"]["return_url"])
        session = next((one for one in self.double.of("checkout.session") if one["payment_intent"] == intent["id"]), None)
        works = outcome == "confirmed"
        self.double.authenticate(intent["id"], works=works)
        self._tell("payment_intent.succeeded" if works else "payment_intent.payment_failed", intent, session)
        return f"{session['url']}?why=refused" if session and not works else back

    def _tell(self, kind: str, intent: Thing, session: Thing | None) -> None:
        if self.told is not None:
            self.told(kind, (session if session and kind.startswith("checkout.") else intent)["id"])


def _page(thing: Thing, buttons: Mapping[str, str], said: str) -> Response:
    title = "Pay" if thing["object"] == "checkout.session" else "Your bank asks whether it is you"
    facts = f"{html.escape(thing.get('_label', thing['id']))}: {thing.get('amount_total') or thing['amount']} fen"
    pressed = "".join(f'<button name="outcome" value="{value}">{text}</button> ' for value, text in buttons.items())
    told = f'<p role="alert">{said}</p>' if said else ""
    page = f'<!doctype html><html lang="en"><link rel="icon" href="data:,"><title>{title}</title><main><h1>{title}</h1><p>{facts}</p>{told}<form method="post">{pressed}</form></main></html>'
    return Response(page, content_type="text/html")
