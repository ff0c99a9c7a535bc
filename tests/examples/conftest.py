"""The example provider as a process of its own, against a marketplace that is really served."""

from __future__ import annotations

import os
import random
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from flask import Flask

from examples import ports
from market import accounts, db, metering, resources, subscriptions
from market.accounts import SCOPES, Organization
from market.catalog.models import Aggregation, Meter, Provisioning, TimeBase
from market.config import ROOT
from market.subscriptions import Subscription
from tests.builders.accounts import EARLY, an_actor
from tests.builders.catalog import a_charge, a_meter, a_plan, a_provider, an_offering
from tests.builders.subscriptions import SECRET, a_subscription
from tests.support.browser import served
from tests.support.clock import FakeClock

SOURCE = "/example/storage"
PATIENCE = 150.0


class Flaky:
    """A network that loses requests and, worse, answers; `chance` of each."""

    def __init__(self, app: Any) -> None:
        self.app, self.chance, self.dice = app, 0.0, random.Random(7)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        if environ["PATH_INFO"].startswith("/api/") and self.dice.random() < self.chance:
            if self.dice.random() < 0.5:
                list(self.app(environ, lambda *_: lambda _b: None))  # taken in, and the answer is lost
            start_response("502 Bad Gateway", [("Content-Length", "0")])
            return [b""]
        return self.app(environ, start_response)


@dataclass
class Program:
    """The provider's process; `kill` is -9."""

    environment: dict[str, str]
    process: subprocess.Popen[bytes] | None = field(default=None)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.environment['PORT']}"

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "examples.provider"], cwd=ROOT, env=self.environment
        )
        until(self.answering)

    def answering(self) -> bool:
        assert self.process is not None and self.process.poll() is None, "the program has ended by itself"
        return self.status() is not None

    def kill(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(PATIENCE)

    def status(self) -> dict[str, Any] | None:
        try:
            return dict(httpx.get(f"{self.url}/status", timeout=30, trust_env=False, verify=False).json())
        except httpx.HTTPError:
            return None

    def usage(self) -> dict[str, Any]:
        """What it says about the events it sends; nothing while it does not answer."""
        return dict((self.status() or {}).get("usage", {}))

    def drained(self) -> bool:
        return self.usage().get("waiting") == 0


@dataclass
class Stall:
    """A marketplace with the example provider in it."""

    program: Program
    flaky: Flaky
    clock_file: Path
    clock: FakeClock
    plan: Any
    provider: Any
    meters: dict[str, Meter]
    customers: list[Customer] = field(default_factory=list)

    def customer(self, subscription: Subscription) -> Customer:
        """Somebody who uses what was subscribed."""
        self.customers.append(Customer(self.access(subscription)))
        return self.customers[-1]

    def subscribe(self) -> Subscription:
        """Order, have it delivered, wait until it is live."""
        with db.transaction():
            ordered = a_subscription(self.plan, started_at=None)
        subscriptions.deliver_due(self.clock.now())
        until(lambda: self.reload(ordered).status in subscriptions.LIVE)
        return self.reload(ordered)

    def reload(self, subscription: Subscription) -> Subscription:
        with db.transaction(readonly=True):
            return db.session.get_one(Subscription, subscription.id)

    def access(self, subscription: Subscription) -> dict[str, str]:
        with db.transaction(readonly=True):
            return subscriptions.access_of(subscription)

    def used(self, subscription: Subscription, slug: str, period: Any, **options: Any) -> Any:
        with db.transaction(readonly=True):
            return metering.quantity(subscription, self.meters[slug], period, **options)

    def forward(self, **step: float) -> None:
        """Both clocks, at once."""
        self.clock.forward(**step)
        self.set_clock()

    def set_clock(self) -> None:
        draft = self.clock_file.with_suffix(".new")
        draft.write_text(self.clock.now().isoformat())
        draft.replace(self.clock_file)


class Customer:
    """Sends each request until it is answered, under one Idempotency-Key."""

    def __init__(self, access: dict[str, str]) -> None:
        self.http = httpx.Client(
            auth=(access["access_key"], access["secret_key"]), timeout=30, trust_env=False
        )
        self.endpoint = access["endpoint"]

    def __call__(self, method: str, name: str, content: bytes | None = None) -> httpx.Response:
        key = {"Idempotency-Key": secrets.token_hex(8)}
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                return self.http.request(method, f"{self.endpoint}/{name}", content=content, headers=key)
            except httpx.TransportError:
                assert time.monotonic() < deadline
                time.sleep(0.05)


def until(condition: Callable[[], object]) -> None:
    """Wait for something that has to happen soon."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


@pytest.fixture
def stall(app: Flask, clock: FakeClock, tmp_path: Path) -> Iterator[Stall]:
    flaky = Flaky(app.wsgi_app)
    app.wsgi_app = flaky  # type: ignore[method-assign]
    port = ports.claim()
    with db.transaction():
        settings = {
            "webhook_url": f"http://127.0.0.1:{port}/provisioning",
            "webhook_secret": resources.cipher.encrypt(SECRET),
        }
        provider = a_provider(**settings)
        meters = {
            "storage": a_meter(provider, "storage", aggregation=Aggregation.TIME_WEIGHTED, time_base=TimeBase.HOUR,
                               unit_size=1000, event_type="storage.stored", value_property="mb"),
            "requests": a_meter(provider, "requests", event_type="storage.requests", value_property="count"),
            "egress": a_meter(provider, "egress", event_type="storage.egress", value_property="mb", unit_size=1000),
        }  # fmt: skip
        plan = a_plan(an_offering(provider, provisioning=Provisioning.WEBHOOK, plans=False), monthly="1.00")
        for meter in meters.values():
            a_charge(plan, {"model": "per_unit", "unit_price": "0.01", "included": "0"}, meter=meter)
        organization = db.session.get_one(Organization, provider.organization_id)
        _key, secret = accounts.issue_key(
            organization, name="program", source=SOURCE, scopes=list(SCOPES), by=an_actor(), at=EARLY
        )
        clock_file = tmp_path / "clock"
        program = Program(
            {
                "PATH": os.environ["PATH"],
                "API_KEY": secret,
                "WEBHOOK_SECRET": SECRET,
                "SOURCE": SOURCE,
                "DATA_DIR": str(tmp_path / "provider"),
                "PORT": str(port),
                "CLOCK_FILE": str(clock_file),
            }  # fmt: skip
        )
        made = Stall(program, flaky, clock_file, clock, plan, provider, meters)
    with served(app) as address:
        program.environment["MARKET_URL"] = address
        made.set_clock()
        program.start()
        try:
            yield made
        finally:
            for customer in made.customers:
                customer.http.close()
            if program.process and program.process.poll() is None:
                program.kill()
