"""A dictionary is tried on one account, over HTTP, against several processes at once.

Only what the throttle allows may be compared at all; the owner comes in from her own browser meanwhile, and from
anywhere else after the wait.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from typing import ClassVar

import httpx
import pytest
from sqlalchemy import select

from market import audit, db
from market.config import Settings
from market.credentials.models import Throttle
from market.credentials.throttle import LIMITS
from market.resources import FileClock
from tests.builders.accounts import PASSWORD, a_member, a_user, an_organization
from tests.conftest import PRESENT
from tests.support.gunicorn import workers

OWNER = "owner@shop.example"
TOKEN = re.compile(r'name="csrf_token" type="hidden" value="([^"]+)"')
ATTACKERS = 8
FREE = LIMITS["sign_in"]["account"].free


class Browser:
    """Somebody at an address of her own; loopback has sixteen million."""

    all: ClassVar[list[Browser]] = []

    def __init__(self, server: str, address: str) -> None:
        transport = httpx.HTTPTransport(local_address=address)
        self.client = httpx.Client(base_url=server, transport=transport, timeout=60, trust_env=False)
        self.all.append(self)
        self.token = self._token("/sign-in")

    def _token(self, path: str) -> str:
        found = TOKEN.search(self.client.get(path, follow_redirects=True).text)
        assert found is not None
        return found.group(1)

    def sign_in(self, password: str, email: str = OWNER) -> httpx.Response:
        return self.client.post("/sign-in", data={"csrf_token": self.token, "email": email, "password": password})

    def leave(self) -> None:
        token = re.search(r'name="csrf_token" value="([^"]+)"', self.client.get("/account/profile").text)
        assert token is not None
        assert self.client.post("/sign-out", data={"csrf_token": token.group(1)}).status_code == 303
        self.token = self._token("/sign-in")


@dataclass
class Attack:
    """What came of it: how many answers of each status, and how long it took."""

    statuses: Counter[int] = field(default_factory=Counter)
    seconds: float = 0.0


def storm(server: str, tries: int, clock: FileClock | None = None) -> Attack:
    """Several browsers at several addresses try the dictionary at once; the clock, if given, runs ten times as fast."""
    attack, began = Attack(), time.monotonic()
    browsers = [Browser(server, f"127.0.1.{number + 1}") for number in range(ATTACKERS)]

    def one(number: int) -> int:
        if clock is not None and number % 100 == 0:
            clock.set(PRESENT + timedelta(seconds=number / 10))
        return browsers[number % ATTACKERS].sign_in(f"guess number {number}").status_code

    with ThreadPoolExecutor(ATTACKERS) as pool:
        attack.statuses.update(pool.map(one, range(tries)))
    attack.seconds = time.monotonic() - began
    return attack


@pytest.fixture
def clock_file(settings: Settings) -> FileClock:
    clock = FileClock(settings.clock_file)
    clock.set(PRESENT)
    return clock


@pytest.fixture
def server(settings: Settings, database: None, clock_file: FileClock) -> Iterator[str]:
    """Three processes, for a firm with one owner."""
    with db.transaction():
        a_member(an_organization(), user=a_user(email=OWNER))
    with workers(settings, 3, MARKET_TEST_CLOCK="1") as address:
        yield address
    while Browser.all:
        Browser.all.pop().client.close()


def test_a_short_attack(server: str, clock_file: FileClock) -> None:
    home = Browser(server, "127.0.0.2")
    assert home.sign_in(PASSWORD).status_code == 303
    home.leave()
    attack = storm(server, 96)
    assert attack.statuses == {422: FREE, 429: 96 - FREE}, "what is refused with 429 was never compared"
    assert home.sign_in(PASSWORD).status_code == 303, "her own browser is not kept out"
    elsewhere = Browser(server, "127.0.0.3")
    refusal = elsewhere.sign_in(PASSWORD)
    assert (refusal.status_code, refusal.headers["Retry-After"]) == (429, "60")
    clock_file.set(PRESENT + timedelta(seconds=60))
    assert elsewhere.sign_in(PASSWORD).status_code == 303
    # The other way round: one password for many accounts, from one address.
    sprayer, many = Browser(server, "127.0.0.4"), LIMITS["sign_in"]["address"].free
    found = Counter(sprayer.sign_in(PASSWORD, f"person{number}@shop.example").status_code for number in range(many + 5))
    assert found == {422: many, 429: 5}


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_ten_thousand_tries(server: str, clock_file: FileClock, settings: Settings) -> None:
    home = Browser(server, "127.0.0.2")
    assert home.sign_in(PASSWORD).status_code == 303
    home.leave()
    attack = storm(server, 10_000, clock_file)
    # A thousand seconds pass: the waits of 1, 2, 4 and 8 minutes end, that of 15 does not.
    judged = attack.statuses[422] + attack.statuses[303]
    with db.transaction(readonly=True):
        counted = db.session.scalars(select(Throttle.failures).where(Throttle.key.startswith("sign_in:account"))).one()
        lines = [event.action for event in db.session.scalars(audit.events())].count("user.sign_in_failed")
    print(f"\n{settings.database_url.split(':')[0]}: 10,000 tries in {attack.seconds:.0f} s, {dict(attack.statuses)}, counted {counted}, lines {lines}")
    assert attack.statuses[303] == 0 and judged == counted <= FREE + 4 and judged + attack.statuses[429] == 10_000
    assert lines <= 2
    assert home.sign_in(PASSWORD).status_code == 303
    elsewhere, now = Browser(server, "127.0.0.3"), clock_file.now()
    refusal = elsewhere.sign_in(PASSWORD)
    assert refusal.status_code == 429 and int(refusal.headers["Retry-After"]) <= 15 * 60
    clock_file.set(now + timedelta(seconds=int(refusal.headers["Retry-After"])))
    assert elsewhere.sign_in(PASSWORD).status_code == 303
