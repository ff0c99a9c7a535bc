"""The example provider: what is stored is what is metered, whoever is killed when."""

from __future__ import annotations

import random
import threading
import time
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

import httpx
import pytest

from market import db, metering, subscriptions
from market.kit import period
from market.kit.quantity import round6
from market.subscriptions.provisioning import requests
from tests.builders.accounts import an_actor
from tests.builders.subscriptions import a_subscription
from tests.examples.conftest import Program, Stall, until

NOVEMBER = period.month("2026-11")


def test_a_subscriber_gets_a_bucket_and_what_she_stores_is_metered(stall: Stall) -> None:
    subscription = stall.subscribe()
    customer = stall.customer(subscription)
    content = bytes(1_234_567)
    put = customer("PUT", "docs/一份 报告.pdf", content)
    assert (put.status_code, put.headers["X-Stored-At"]) == (
        201,
        stall.clock.now().isoformat(timespec="microseconds"),
    )
    stall.forward(hours=10)
    got = customer("GET", "docs/一份 报告.pdf")
    assert (got.status_code, got.content == content) == (200, True)
    assert [each["name"] for each in customer("GET", "?prefix=docs/").json()["objects"]] == [
        "docs/一份 报告.pdf"
    ]
    assert customer("DELETE", "docs/一份 报告.pdf").status_code == 204
    assert customer("GET", "docs/一份 报告.pdf").status_code == 404
    until(stall.program.drained)
    assert stall.used(subscription, "storage", NOVEMBER) == round6(Fraction(1_234_567 * 10, 10**9))
    assert stall.used(subscription, "requests", NOVEMBER) == 4
    assert stall.used(subscription, "egress", NOVEMBER) == round6(Fraction(1_234_567, 10**9))


def test_a_repeated_request_is_neither_done_nor_metered_twice(stall: Stall) -> None:
    subscription = stall.subscribe()
    customer = stall.customer(subscription)
    first, key = None, {"Idempotency-Key": "once"}
    for _ in range(3):
        answer = customer.http.put(f"{customer.endpoint}/a", content=b"x" * 500, headers=key)
        assert answer.status_code == 201
        first = first or answer.headers["X-Stored-At"]
        assert answer.headers["X-Stored-At"] == first
        stall.forward(minutes=1)
    assert customer.http.put(f"{customer.endpoint}/b", content=b"", headers=key).status_code == 422
    until(stall.program.drained)
    assert stall.used(subscription, "requests", NOVEMBER) == 1


def test_head_says_what_get_would_and_counts_as_a_request_only(stall: Stall) -> None:
    subscription = stall.subscribe()
    customer = stall.customer(subscription)
    etag = f'"{customer("PUT", "a", b"x" * 500).json()["sha256"]}"'
    known = customer("HEAD", "a")
    assert (known.status_code, known.headers["Content-Length"], known.headers["ETag"]) == (200, "500", etag)
    assert (customer("HEAD", "missing").status_code, known.content) == (404, b"")
    assert customer("GET", "a").content == b"x" * 500
    until(stall.program.drained)
    assert stall.used(subscription, "requests", NOVEMBER) == 3
    assert stall.used(subscription, "egress", NOVEMBER) == round6(Fraction(500, 10**9))


def test_strangers_and_strange_requests_are_refused_and_cost_nothing(stall: Stall) -> None:
    subscription = stall.subscribe()
    access, other = stall.access(subscription), stall.access(stall.subscribe())
    endpoint = access["endpoint"]
    with httpx.Client(trust_env=False) as http:
        assert http.get(f"{endpoint}/").status_code == 401
        assert http.get(f"{endpoint}/", auth=(other["access_key"], other["secret_key"])).status_code == 401
        assert http.get(f"{endpoint}/", headers={"Authorization": "Basic ???"}).status_code == 401
        assert (
            http.get(f"{endpoint}/", headers={"Authorization": f"Bearer {access['secret_key']}"}).status_code
            == 200
        )
        mine = {"auth": (access["access_key"], access["secret_key"])}
        assert http.put(f"{endpoint}/", content=b"", **mine).status_code == 400
        assert http.put(f"{endpoint}/{'x' * 513}", content=b"", **mine).status_code == 400
        assert http.put(f"{endpoint}/a%00b", content=b"", **mine).status_code == 400
        assert http.put(f"{endpoint}/%ff", content=b"", **mine).status_code == 400
        assert http.put(f"{endpoint}/a", content=iter([b"no length"]), **mine).status_code == 411
        assert http.put(f"{endpoint}/..%2F..%2Fetc", content=b"harmless", **mine).status_code == 201
        assert http.post(f"{stall.program.url}/provisioning", json={"data": {}}).status_code == 401
        assert http.post(f"{endpoint}/", **mine).status_code == 405
        assert http.get(f"{stall.program.url}/elsewhere").status_code == 404
    until(stall.program.drained)
    assert stall.used(subscription, "requests", NOVEMBER) == 2


def test_a_webhook_that_is_sent_again_hands_out_the_same_credentials(stall: Stall) -> None:
    stall.flaky.chance = 1.0
    with db.transaction():
        ordered = a_subscription(stall.plan, started_at=None)
    subscriptions.deliver_due(stall.clock.now())
    time.sleep(1)  # the clerk has tried; whether the answer or the request was lost, it cannot know
    stall.program.kill()
    stall.program.start()
    stall.flaky.chance = 0.0
    until(lambda: stall.reload(ordered).status in subscriptions.LIVE)
    assert stall.customer(ordered)("PUT", "a", b"x").status_code == 201


def test_after_the_end_files_can_be_fetched_and_nothing_is_metered(stall: Stall) -> None:
    subscription = stall.subscribe()
    customer = stall.customer(subscription)
    customer("PUT", "a", b"x" * 1000)
    until(stall.program.drained)
    with db.transaction():
        ours = db.session.merge(subscription)
        subscriptions.cancel(ours, when="now", reason="", by=an_actor(), at=stall.clock.now())
    stall.forward(seconds=1)
    subscriptions.deliver_due(stall.clock.now())
    until(lambda: customer("PUT", "b", b"y").status_code == 403)
    assert customer("GET", "a").content == b"x" * 1000
    stall.forward(days=31)
    assert customer("GET", "a").status_code == 410
    until(stall.program.drained)
    assert stall.used(subscription, "egress", NOVEMBER) == 0


def test_changes_are_heeded_once_each_and_new_credentials_replace_the_old(stall: Stall) -> None:
    subscription = stall.subscribe()
    before = stall.access(subscription)
    customer = stall.customer(subscription)
    assert customer("PUT", "a", b"x").status_code == 201

    def ask(kind: subscriptions.RequestKind) -> None:
        with db.transaction():
            ours = db.session.get_one(subscriptions.Subscription, subscription.id)
            requests.ask(ours, kind, at=stall.clock.now())
        subscriptions.deliver_due(stall.clock.now())
        until(lambda: not _open(subscription))

    ask(subscriptions.RequestKind.UPDATE)
    ask(subscriptions.RequestKind.PAUSE)
    assert customer("PUT", "b", b"y").status_code == 403
    assert customer("GET", "a").content == b"x"
    ask(subscriptions.RequestKind.RESUME)
    assert customer("PUT", "b", b"y").status_code == 201
    ask(subscriptions.RequestKind.ROTATE)
    after = stall.access(subscription)
    assert after["endpoint"] == before["endpoint"]
    assert after["secret_key"] != before["secret_key"]
    assert customer("GET", "a").status_code == 401
    assert stall.customer(subscription)("GET", "a").content == b"x"


def _open(subscription: subscriptions.Subscription) -> list[str]:
    with db.transaction(readonly=True):
        found = requests.requests_in_order(subscription)
        return [each.kind for each in found if each.status in subscriptions.OPEN_REQUESTS]


def test_what_the_marketplace_refuses_is_shown_and_tried_again_at_the_next_start(stall: Stall) -> None:
    subscription = stall.subscribe()
    customer = stall.customer(subscription)
    now = stall.clock.now()
    stall.forward(hours=1)
    stall.clock.set(now)  # the provider's clock is an hour ahead
    customer("PUT", "a", b"x" * 1000)
    until(lambda: stall.program.usage().get("refused") == 2)
    assert "future" in stall.program.usage()["latest_refused"][0]["error"]
    stall.forward(hours=2)
    assert stall.program.stop() == 0
    stall.program.start()
    until(lambda: stall.program.usage().get("sent") == 2)
    assert stall.used(subscription, "requests", NOVEMBER) == 1


@pytest.mark.parametrize("seed", [1, 2])
def test_killing_it_and_losing_answers_loses_and_doubles_nothing(stall: Stall, seed: int) -> None:
    subscription = stall.subscribe()
    customer, dice = stall.customer(subscription), random.Random(seed)
    stall.flaky.chance = 0.3
    killer = threading.Thread(target=_kill, args=(stall.program, random.Random(seed), 4))
    killer.start()
    sizes: dict[str, int] = {}
    readings: list[tuple[datetime, int]] = []
    requests = egress = 0
    while killer.is_alive() or requests < 60:
        name, at = f"file-{dice.randrange(8)}", ""
        if name in sizes and dice.random() < 0.5:
            if dice.random() < 0.5:
                answer = customer("GET", name)
                assert len(answer.content) == sizes[name]
                egress += sizes[name]
            else:
                answer = customer("DELETE", name)
                del sizes[name]
        else:
            size = dice.randrange(200_000)
            answer = customer("PUT", name, dice.randbytes(size))
            sizes[name] = size
        assert answer.status_code in (200, 201, 204), answer.text
        at = answer.headers["X-Stored-At"]
        requests += 1
        readings.append((datetime.fromisoformat(at), sum(sizes.values())))
        stall.forward(seconds=dice.randrange(0, 100_000) / 1000)
    killer.join()
    stall.flaky.chance = 0.0
    until(stall.program.drained)
    until_end = stall.clock.now()
    assert stall.used(subscription, "requests", NOVEMBER) == requests
    assert stall.used(subscription, "egress", NOVEMBER) == round6(Fraction(egress, 10**9))
    expected = round6(Fraction(_byte_seconds(readings, until_end), 3600 * 10**9))
    assert stall.used(subscription, "storage", NOVEMBER, until=until_end) == expected > Decimal(0)
    assert stall.program.usage()["refused"] == 0
    with db.transaction(readonly=True):
        assert metering.verify(subscription) == []


def _kill(program: Program, dice: random.Random, times: int) -> None:
    for _ in range(times):
        time.sleep(dice.uniform(0.2, 0.8))
        program.kill()
        program.start()


def _byte_seconds(readings: list[tuple[datetime, int]], end: datetime) -> int:
    """Recomputed from what the customer knows: each size held from its second to the next change's."""
    ends = [at for at, _ in readings[1:]] + [end]
    return sum(
        size * int((_second(stop) - _second(at)).total_seconds())
        for (at, size), stop in zip(readings, ends, strict=True)
    )


def _second(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(microsecond=0)
