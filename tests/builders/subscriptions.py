"""Subscriptions and a provider's system for tests.

    a_subscription(a_plan(monthly="99.00"))                    live since 1 October, no trial
    a_subscription(plan, started_at=None)                      ordered, still being set up
    with a_receiver() as receiver:                             a real HTTP server on loopback
        a_provider(**receiver.settings())
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any

from sqlalchemy import select

from market import db, resources, subscriptions
from market.accounts.models import Membership, Organization, Role, User
from market.catalog.models import Plan
from market.subscriptions import Order, ProvisioningRequest, RequestKind, Subscription
from tests.builders.accounts import a_member, an_actor, an_organization, together
from tests.builders.catalog import a_plan

#: When subscriptions of tests are ordered and started: 1 October 2026, 10:00 in Guangdong.
ORDERED = datetime(2026, 10, 1, 2, 0, tzinfo=UTC)
SECRET = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="

_numbers = count(1)


def a_subscription(
    plan: Plan | None = None,
    *,
    organization: Organization | None = None,
    user: User | None = None,
    started_at: datetime | None = ORDERED,
    access: dict[str, str] | None = None,
    estimate: dict[str, str] | None = None,
    request_key: str = "",
) -> Subscription:
    """A subscription, live from `started_at` (None: still being set up), made by the real verbs.

    A trial starts when the plan has one. End it with `subscriptions.cancel`.
    """
    plan = plan or a_plan(per_unit="0.01")
    with together():
        organization = organization or an_organization()
        user = user or a_member(organization)
    subscription = subscriptions.subscribe(
        organization,
        plan,
        request_key=request_key or f"key-{next(_numbers)}",
        estimate=estimate or {},
        user=user,
        by=an_actor(user, organization),
        at=min(started_at or ORDERED, ORDERED),
    )
    if started_at is not None:
        subscriptions.complete(
            the_request(subscription), access=access or {}, by=an_actor(), at=started_at
        )
    return subscription


def a_waiting_order(
    organization: Organization | None = None, *, plan: Plan | None = None, buyer: User | None = None, at: datetime = ORDERED
) -> Order:
    """An order of ¥242.00 a month by a purchaser of a firm whose limit is ¥100.00, all loaded as on its page."""
    plan = plan or a_plan(monthly="99.00", per_unit="0.50", meter="storage", included="200")
    organization = organization or an_organization()
    organization.approval_above_fen = 100_00
    known = buyer and db.session.scalar(
        select(Membership.id).where(Membership.user_id == buyer.id, Membership.organization_id == organization.id)
    )
    buyer = buyer if buyer and known else a_member(organization, Role.PURCHASER, user=buyer)
    order = subscriptions.order(
        organization, plan, request_key=f"key-{next(_numbers)}", user=buyer,
        estimate={charge.slug: "486" for charge in plan.charges if charge.meter_id}, by=an_actor(buyer, organization), at=at,
    )  # fmt: skip
    return subscriptions.order_of(organization, order.id)


def the_request(subscription: Subscription, kind: RequestKind = RequestKind.PROVISION) -> ProvisioningRequest:
    """What the provider was asked to do."""
    query = select(ProvisioningRequest).where(
        ProvisioningRequest.subscription_id == subscription.id, ProvisioningRequest.kind == kind
    )
    return db.session.scalars(query).one()


@dataclass
class Call:
    """One request a receiver got."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        return dict(json.loads(self.body))


@dataclass
class Receiver:
    """A provider's system: keeps what it is sent, answers what `answer` says (status, headers, body)."""

    url: str = ""
    calls: list[Call] = field(default_factory=list)
    answer: Callable[[Call], tuple[int, dict[str, str], bytes]] = lambda _call: (204, {}, b"")

    def settings(self) -> dict[str, str]:
        """Columns for `a_provider`."""
        return {"webhook_url": f"{self.url}/hooks", "webhook_secret": resources.cipher.encrypt(SECRET)}

    def says(self, status: int, body: Any = None, **headers: str) -> None:
        """Answer like this from now on."""
        content = b"" if body is None else json.dumps(body).encode()
        self.answer = lambda _call: (status, {name.replace("_", "-"): value for name, value in headers.items()}, content)


@contextmanager
def a_receiver() -> Iterator[Receiver]:
    """A receiver on a free port of loopback."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            call = Call(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
            receiver.calls.append(call)
            status, headers, content = receiver.answer(call)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST

        def log_message(self, *_arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = False
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    receiver.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
