"""The double of Stripe behind a port: idempotency keys, errors in Stripe's shape, faults; people are shown its `pages`."""

from __future__ import annotations

import argparse
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

from examples import ports
from tests.support.stripe import contract
from tests.support.stripe.contract import Refusal
from tests.support.stripe.double import Declined, Double, NoSuch, NotNow, Thing
from tests.support.stripe.pages import Pages

SECRET = "whsec_for_tests_only"
_SLOW_SECONDS = 0.4
_KINDS = {
    "sessions": "checkout.session", "payment_intents": "payment_intent", "refunds": "refund", "disputes": "dispute", "customers": "customer",
    "events": "event",
}  # fmt: skip


class Quiet(WSGIRequestHandler):
    """Says nothing of each request."""

    def log(self, type: str, message: str, *args: Any) -> None:
        """Nothing."""


class Server:
    """Answers the SDK, and browsers on `/pay/…` and `/authenticate/…`."""

    def __init__(self, double: Double, told: Callable[[str, str], object] | None = None) -> None:
        self.double, self.pages = double, Pages(double, told)
        self.answers: dict[str, tuple[str, int, Thing]] = {}

    def __call__(self, environ: Any, start: Any) -> Any:
        request = Request(environ)
        if not request.path.startswith(("/v1/", "/v2/")):
            return self.pages.answer(request)(environ, start)
        status, body = self._answer(request)
        if status == 0:
            environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
            start("200 OK", [])
            return []
        text = json.dumps(body)
        return Response(text, status, content_type="application/json", headers={"Request-Id": "req_test"})(environ, start)

    def _answer(self, request: Request) -> tuple[int, Thing]:
        key = request.headers.get("Idempotency-Key", "")
        address, fingerprint = _address(request), request.path + request.get_data(as_text=True)
        with self.double.lock:
            trouble = self.double.next_trouble(address)
            if trouble == "429":
                return 429, _error("rate_limit_error", "rate_limit", "Too many requests")
            if trouble == "500":
                return 500, _error("api_error", "", "Sorry")
            if key and key in self.answers:
                print_, status, body = self.answers[key]
                if print_ != fingerprint:
                    return 400, _error("idempotency_error", "idempotency_key_in_use", "Keys for idempotent requests can only be used with the same parameters")
                return (0, {}) if trouble == "lost" else (status, body)
            status, body = self._act(address, request)
            if trouble == "500_after":
                status, body = 500, _error("api_error", "", "Sorry")
            if key and status not in (400, 404):  # what was refused before anything was done is not kept
                self.answers[key] = fingerprint, status, body
        if trouble == "slow":
            time.sleep(_SLOW_SECONDS)
        return (0, {}) if trouble == "lost" else (status, body)

    def _act(self, address: str, request: Request) -> tuple[int, Thing]:
        pairs = list((request.args if request.method == "GET" else request.form).items(multi=True))
        try:
            sent = contract.check(address, contract.nested(pairs))
            self.double.requests.append((address, sent))
            return 200, self._do(address, request.path.split("/"), sent)
        except Refusal as refusal:
            return 400, _error("invalid_request_error", refusal.code, refusal.message)
        except NoSuch as missing:
            return 404, _error("invalid_request_error", "resource_missing", f"No such thing: {missing}")
        except NotNow as refusal:
            return 400, _error("invalid_request_error", refusal.code, refusal.code)
        except Declined as declined:
            error = _error("card_error", declined.code, "Your card was declined.")
            error["error"] |= {"decline_code": declined.decline_code, "payment_intent": self.double.shown(declined.intent)}
            return 402, error

    def _do(self, address: str, path: list[str], sent: Thing) -> Thing:
        double = self.double
        made = {
            "POST /v1/customers": double.create_customer,
            "POST /v1/checkout/sessions": double.create_session,
            "POST /v1/payment_intents": double.create_intent,
            "POST /v1/refunds": double.create_refund,
        }.get(address)
        if made is not None:
            return double.shown(made(sent))
        if address == "DELETE /v1/customers/*":
            return double.delete_customer(path[-1])
        if address == "POST /v1/payment_methods/*/attach":
            return double.shown(double.attach(path[-2], sent))
        if address == "POST /v1/disputes/*":
            return double.shown(double.answer_dispute(path[-1], sent))
        ended = {"expire": double.expire, "cancel": double.cancel_intent, "detach": double.detach}.get(path[-1])
        if ended is not None:
            return double.shown(ended(path[-2]))
        if path[-1] in _KINDS:
            wanted = {name: value for name, value in sent.items() if name in ("customer", "payment_intent")}
            return double.listed(_KINDS[path[-1]], sent, lambda thing: all(thing.get(name) == value for name, value in wanted.items()))
        return double.shown(double.get(path[-1]), sent.get("expand"))


def _address(request: Request) -> str:
    parts = [("*" if "_test_" in part or part.startswith("pm_card_") else part) for part in request.path.split("/")]
    return f"{request.method} {'/'.join(parts)}"


def _error(kind: str, code: str, message: str) -> Thing:
    return {"error": {"type": kind, "code": code or None, "message": message}}


@contextmanager
def served(port: int = 0, told: Callable[[str, str], object] | None = None) -> Iterator[Double]:
    """A double of its own on a free port of this machine, until the end."""
    port = port or ports.claim()
    double = Double(f"http://127.0.0.1:{port}", SECRET)
    server = make_server("127.0.0.1", port, Server(double, told), threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield double
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def main() -> None:
    """`python -m tests.support.stripe.server --port 12111 --webhook http://127.0.0.1:8000/webhooks/stripe`."""
    words = argparse.ArgumentParser(description=main.__doc__)
    words.add_argument("--port", type=int, default=12111)
    words.add_argument("--webhook", default="")
    said = words.parse_args()
    held: list[Double] = []

    def told(kind: str, about: str) -> None:
        body, header = held[0].news(kind, about)
        if said.webhook:
            headers = {"Stripe-Signature": header, "Content-Type": "application/json; charset=utf-8"}
            print(kind, about, httpx.post(said.webhook, content=body, headers=headers, timeout=5).status_code, flush=True)

    with served(said.port, told) as double:
        held.append(double)
        print(f"Stripe's double: STRIPE_URL={double.url} STRIPE_SECRET_KEY=sk_test_double STRIPE_WEBHOOK_SECRET={SECRET}")
        threading.Event().wait()


if __name__ == "__main__":
    main()
