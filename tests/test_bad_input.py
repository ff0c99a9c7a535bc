"""Every form and every address, given what nobody should send: a clear answer, never a 500.

The forms are found on the pages themselves, and what a page reads from its address by watching it read: a new one
is tried without being named here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote, quote_plus, urlencode, urljoin
from xml.etree.ElementTree import Element

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, func, select
from werkzeug.datastructures import ImmutableMultiDict
from werkzeug.test import TestResponse

from market import db
from market.credentials.models import Throttle
from market.payments import BankArrival, Payment
from market.subscriptions import Subscription
from tests.builders.accounts import PASSWORD
from tests.builders.worlds import Side, World
from tests.conftest import DATABASES
from tests.support.addresses import routes
from tests.support.client import Client
from tests.support.databases import kind_of
from tests.support.pages import Page
from tests.support.pages import _filled as filled
from tests.support.shared import once

HOSTILE = {
    "nothing": "",
    "ten thousand characters": "长" * 10_000,
    "a NUL byte": "a\0b",
    "markup": "<script>alert(1)</script>'\"; DROP TABLE users; --{{7*7}}",
    "not a number": "NaN",
    "a huge number": "9" * 400,
    "beyond all numbers": "1e999999999",
    "below zero": "-1",
    "other digits and marks": "٣４\u202e\u200b😀",
    "line breaks": "a\r\nSet-Cookie: x=1\r\n\r\n",
}
#: What could spoil a page that shows it again. Answers to the rest are made of the same parts and are not read.
SPOILING = ("nothing", "a NUL byte", "markup", "line breaks")
#: What each database has an opinion of its own about: lengths, NUL, numbers without end.
STORED = ("ten thousand characters", "a NUL byte", "a huge number", "beyond all numbers")
#: What a server lets through of an address: gunicorn takes a line of 4,094 bytes, and a character is nine of them.
LONGEST_IN_ADDRESS = 450
BEYOND = 10**30
TWENTY_MEGABYTES = 20 * 1024 * 1024
FORM = "application/x-www-form-urlencoded"
#: A refusal is asked for as JSON, which is made more quickly than a page, where only its status counts.
BRIEFLY = {"Accept": "application/json"}
Post = tuple[str, str, list[tuple[str, str]]]
Come = Callable[[Side | None], Client]
Forms = Callable[[Side | None, Client], list[Post]]
ONE_DATABASE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def come(app: Flask, world: World) -> Come:
    """A visitor who has signed in as this side, or has not."""

    def visitor(side: Side | None) -> Client:
        client = app.test_client()
        assert isinstance(client, Client)
        if side is not None:
            client.sign_in(side.email, PASSWORD)
        return client

    return visitor


def sides(world: World) -> list[Side | None]:
    return [None, world.buyer, world.seller, world.office]


def addresses(app: Flask, world: World, side: Side | None) -> list[str]:
    """The pages meant for this visitor."""
    return [
        route.address(values)
        for route in routes(app, method="GET")
        if route.face != "api" and world.visitor(route.endpoint) is side
        for values in world.every(route.endpoint)
    ]


@pytest.fixture
def posts(app: Flask, world: World, run_folder: Path) -> Forms:
    """Every form on those pages, once. Worlds are alike but for their secrets, so the pages are read for the first one only."""
    secrets = [value for values in world.public.values() for value in values.values() if len(str(value)) > 20]

    def standing(side: Side | None, client: Client) -> list[Post]:
        def told() -> str:
            found = json.dumps(list(_forms(app, world, side, client)))
            for number, secret in enumerate(secrets):
                found = found.replace(str(secret), f"<secret {number}>")
            return found

        known = once(run_folder, f"forms-{sides(world).index(side)}", told)
        for number, secret in enumerate(secrets):
            known = known.replace(f"<secret {number}>", str(secret))
        token = client.page("/" if side else "/sign-in").all("input", name="csrf_token")[0].get("value") or ""
        return [
            (address, target, [(name, token if name == "csrf_token" else value) for name, value in held])
            for address, target, held in json.loads(known)
        ]

    return standing


def _forms(app: Flask, world: World, side: Side | None, client: Client) -> Iterator[Post]:
    """A form's page, its target, its fields as they stand."""
    seen = set()
    for address in addresses(app, world, side):
        answer = client.get(address)
        if answer.status_code != 200 or answer.mimetype != "text/html":
            continue
        for form in Page(client, answer).all("form", method="post"):
            target = urljoin(address, form.get("action") or "")
            names = tuple(name for name, _value in fields(form))
            if (target, names) not in seen and not target.endswith("/sign-out"):
                seen.add((target, names))
                yield address, target, fields(form)


def fields(form: Element) -> list[tuple[str, str]]:
    """What the form holds, and the boxes that nobody has ticked or chosen yet."""
    held = list(filled(form))
    names = [box.get("name") or "" for tag in ("input", "select", "textarea") for box in form.iter(tag)]
    return held + [(name, "") for name in dict.fromkeys(names) if name and name not in dict(held)]


def spoiled(held: list[tuple[str, str]], value: str) -> list[tuple[str, str]]:
    """The same form with `value` in every box that a person can reach; the token stays."""
    return [(name, old if name == "csrf_token" else value) for name, old in held]


#: As forms are sent; the same ten thousand characters stand in every box.
quoted = cache(quote_plus)


def ask(client: Client, kind: str, address: str, **options: Any) -> TestResponse:
    """Send a request with something of this kind in it; the answer is read as a page where that can show."""
    if kind in SPOILING:
        return client.open(address, **options)
    return quickly(client, kind, address, **options)


def quickly(client: Client, _kind: str, address: str, **options: Any) -> TestResponse:
    """The same, and the answer is not read."""
    return FlaskClient.open(client, address, buffered=True, **options)


@pytest.mark.parametrize(
    ("database_url", "kind"),
    [("sqlite", kind) for kind in HOSTILE] + [(other, kind) for other in DATABASES[1:] for kind in STORED],
    indirect=["database_url"],
)
def test_every_form_survives(world: World, come: Come, posts: Forms, kind: str) -> None:
    wrong, tried = [], 0
    # How a refusal looks as a page is none of the database's business; the first one shows it.
    first = kind_of(str(db.engine().url)) == DATABASES[0]
    send, headers = (ask, {}) if first else (quickly, BRIEFLY)
    for side in sides(world):
        client = come(side)
        for _address, target, held in posts(side, client):
            data = urlencode(spoiled(held, HOSTILE[kind]), quote_via=quoted)
            answer = send(client, kind, target, method="POST", data=data, content_type=FORM, headers=headers)
            tried += 1
            if answer.status_code >= 500 or "Set-Cookie: x" in str(answer.headers):
                wrong.append(f"POST {target}: {answer.status}")
    assert tried > 30 and not wrong, "\n".join(wrong)


class Watched(ImmutableMultiDict[str, str]):
    """The arguments of an address, which notes those that are looked for."""

    sought: ClassVar[set[str]] = set()

    def __contains__(self, name: object) -> bool:
        self.sought.add(str(name))
        return super().__contains__(name)

    def __getitem__(self, name: str) -> str:
        self.sought.add(name)
        return super().__getitem__(name)

    def getlist(self, name: str, *args: Any, **kwargs: Any) -> Any:
        self.sought.add(name)
        return super().getlist(name, *args, **kwargs)


def sought(client: Client, address: str, names: Iterable[str], kind: str) -> tuple[set[str], int]:
    """What is looked for in the address when these arguments have such a value, and the status of the answer."""
    Watched.sought.clear()
    query = urlencode(dict.fromkeys(sorted(names), HOSTILE[kind][:LONGEST_IN_ADDRESS]))
    answer = ask(client, kind, f"{address}?{query}")
    return set(Watched.sought), answer.status_code


@ONE_DATABASE
@pytest.mark.parametrize("who", ["anybody", "buyer", "seller", "office"])
def test_every_address_survives(app: Flask, world: World, come: Come, who: str) -> None:
    app.request_class = type("Request", (app.request_class,), {"parameter_storage_class": Watched})
    side = {"buyer": world.buyer, "seller": world.seller, "office": world.office}.get(who)
    client = come(side)
    frame, _status = sought(client, "/no-such-page", ["q"], "nothing")
    assert {"lang", "theme"} <= frame, "what is looked for is not noticed"
    wrong, tried = [], 0
    for address in ["/no-such-page", *addresses(app, world, side)]:
        names, own = set(frame), True
        for kind in HOSTILE:
            # What looks for nothing beyond what every page does is told by one of them.
            if own:
                found, status = sought(client, address, names, kind)
                names, own, tried = names | found, bool(names | found > frame) or address == "/no-such-page", tried + 1
                if status >= 500:
                    wrong.append(f"GET {address} with {kind} for {', '.join(sorted(names))}: {status}")
    assert tried > 30 and not wrong, "\n".join(wrong)


@pytest.mark.parametrize("value", [BEYOND, 0], ids=["beyond every row", "before the first"])
def test_numbers_that_no_row_can_have_are_not_found(app: Flask, world: World, come: Come, value: int) -> None:
    wrong = []
    for side in sides(world):
        client = come(side)
        token = client.page("/sign-in").all("input", name="csrf_token") if side is None else client.page("/").all("input", name="csrf_token")
        for route in routes(app):
            numbers = [name for name in route.arguments if route.is_number(name)]
            if not numbers or world.visitor(route.endpoint) is not side:
                continue
            address = route.address({**world.known(route.endpoint), **dict.fromkeys(numbers, value)})
            data = {"csrf_token": token[0].get("value")} if route.method != "GET" else None
            answer = client.open(address, method=route.method, data=data, headers=BRIEFLY)
            if answer.status_code not in (404, 405):
                wrong.append(f"{route.method} {address}: {answer.status}")
    assert not wrong, "\n".join(wrong)


NAMES = ["a" * 3000, "%00", "%FF%FE", "..%2F..%2Fetc%2Fpasswd", quote("备份 "), "a'b\"c", "%0d%0aX: 1"]


def forget_throttles() -> None:
    """Whoever tries out words is slowed down; here each route shall answer as it does the first time."""
    with db.transaction():
        db.session.execute(delete(Throttle))


@ONE_DATABASE
def test_names_that_nothing_has_are_not_found(app: Flask, world: World, come: Come) -> None:
    wrong = []
    for side in sides(world):
        client = come(side)
        for route in routes(app, method="GET"):
            words = [argument for argument in route.arguments if not route.is_number(argument)]
            if words and route.face != "api" and world.visitor(route.endpoint) is side:
                known = dict(world.known(route.endpoint))
                forget_throttles()
                for name in NAMES:
                    address = route.address({**known, **dict.fromkeys(words, "WORD")}).replace("WORD", name)
                    answer = client.get(address)
                    # A month that is none is said to be none, and NUL is no text at all.
                    if answer.status_code not in ((400,) if name == "%00" else (404, 422)):
                        wrong.append(f"GET {address[:80]}: {answer.status}")
    assert not wrong, "\n".join(wrong)


@ONE_DATABASE
def test_twenty_megabytes_are_refused_wherever_they_are_sent(app: Flask, world: World, come: Come, posts: Forms) -> None:
    wrong = []
    for side in sides(world):
        client = come(side)
        for _address, target, held in posts(side, client):
            answer = client.post(target, data=urlencode(held).encode() + b"&extra=" + b"x" * TWENTY_MEGABYTES, content_type=FORM)
            if answer.status_code != 413:
                wrong.append(f"POST {target}: {answer.status}")
            # One form of each side shows what the rest would; the body is what takes the time.
            break
    large = b"[" + b" " * TWENTY_MEGABYTES + b"]"
    for path in ("/events", f"/provisioning/{world.known('api.provisioning')['id']}/complete"):
        answer = speak(app, world.seller, path, large)
        if answer != 413:
            wrong.append(f"POST {path}: {answer}")
    assert not wrong, "\n".join(wrong)


NO_FORMS = {
    "no text": (b"\xff\xfe\x00\x01", FORM),
    "another encoding": (b"name=%FF%FE%00", f"{FORM}; charset=utf-16"),
    "json": (b'{"name": 1}', "application/json"),
    "cut short": (b"--x\r\nContent-Disposition: form-data; name=a", "multipart/form-data; boundary=x"),
    "no boundary": (b"nonsense", "multipart/form-data"),
    "five thousand fields": (b"&".join(b"f%d=1" % number for number in range(5000)), FORM),
}


@ONE_DATABASE
def test_bodies_that_are_no_forms_are_refused(world: World, come: Come, posts: Forms) -> None:
    wrong = []
    for side in sides(world):
        client = come(side)
        for number, (_address, target, _held) in enumerate(posts(side, client)):
            # The first form shows the pages of these refusals, which are the same for all.
            headers = BRIEFLY if number else {}
            for kind, (body, type) in NO_FORMS.items():
                answer = ask(client, kind, target, method="POST", data=body, content_type=type, headers=headers)
                if not 400 <= answer.status_code < 500:
                    wrong.append(f"POST {target} with {kind}: {answer.status}")
    assert not wrong, "\n".join(wrong)


def test_every_form_may_be_sent_twice(world: World, come: Come, posts: Forms) -> None:
    """As it stands on the page, two times; whatever the first one did, the second is answered in words."""
    wrong = []
    for side in sides(world):
        client = come(side)
        for _address, target, held in posts(side, client):
            for _time in range(2):
                answer = client.post(target, data=urlencode(held), content_type=FORM)
                if answer.status_code >= 500:
                    wrong.append(f"POST {target}: {answer.status}")
    assert not wrong, "\n".join(wrong)


def test_what_costs_money_happens_once(world: World, come: Come) -> None:
    buyer, office = come(world.buyer), come(world.office)
    order, bill = buyer.page("/offerings/backup-one/subscribe"), buyer.page(f"/console/bills/{world.known('console.bills')['id']}")
    payment_id = world.known("console.payments")["id"]
    slip = office.page(f"/admin/payments/{payment_id}")
    with db.transaction(readonly=True):
        owed = db.session.get_one(Payment, payment_id).amount_fen
    before = counts()
    token = {"csrf_token": bill.all("input", name="csrf_token")[0].get("value")}
    for _time in range(2):
        order.submit(button="确认订阅", agree="y")
        assert buyer.post(f"{bill.path}/pay", data=token).status_code == 303
    for _time in range(2):
        slip.submit(amount_fen=f"{owed / 100:.2f}", payer_name="示例五金制品有限公司", bank_reference="BANK-77")
    assert [after - was for after, was in zip(counts(), before, strict=True)] == [1, 0, 1]


def counts() -> list[int]:
    """Subscriptions, payments, arrivals."""
    with db.transaction(readonly=True):
        return [db.session.scalar(select(func.count()).select_from(thing)) or 0 for thing in (Subscription, Payment, BankArrival)]


BODIES = [
    b"", b"null", b"[]", b"0", b'"x"', b"{", b"\xff\xfe", b"NaN", b'{"access": []}', b'{"access": {"a": null}}', b'{"access": {"": ""}}',
    b'{"access": {"a\\u0000": "b\\u0000"}}', b'{"access": {"a": "\\ud800"}}', b'{"reason": 5}', b'{"reason": "\\u0000\\ud800"}', b'{"reason": ""}',
    b'{"reason": "' + b"x" * 100_000 + b'"}', b"[" * 100_000, b'{"access": {"a": "' + b"x" * 100_000 + b'"}}',
]  # fmt: skip


def speak(app: Flask, side: Side, path: str, body: bytes, type: str = "application/json") -> int:
    """One request of a provider's program, without the checks for pages."""
    headers = {"Authorization": f"Bearer {side.secret}"}
    return FlaskClient.open(app.test_client(), f"/api/v1{path}", method="POST", headers=headers, data=body, content_type=type).status_code


@pytest.mark.parametrize("verb", ["complete", "fail"])
def test_what_programs_send_about_orders_survives(app: Flask, world: World, verb: str) -> None:
    path = f"/provisioning/{world.known('api.provisioning')['id']}/{verb}"
    told = {body[:40]: speak(app, world.seller, path, body) for body in BODIES}
    assert not {body: status for body, status in told.items() if status >= 500}


def test_what_programs_ask_survives(app: Flask, world: World) -> None:
    app.request_class = type("Request", (app.request_class,), {"parameter_storage_class": Watched})
    every = ("cursor", "status", "subject", "from", "to", "windowSize", "dry_run", "limit")
    headers = {"Authorization": f"Bearer {world.seller.secret}"}
    wrong: list[str] = []
    read: set[str] = set()
    for route in routes(app, method="GET"):
        if route.face == "api":
            address = route.address(world.known(route.endpoint))
            # A name that is not looked for when all is well is an unknown one, whatever is said under it.
            Watched.sought.clear()
            app.test_client().get(address, headers=headers)
            names = sorted(Watched.sought)
            read.update(names)
            for kind, value in HOSTILE.items():
                for name in (*names, *every) if kind == "markup" else names:
                    query = urlencode({name: value[:LONGEST_IN_ADDRESS]})
                    answer = app.test_client().get(f"{address}?{query}", headers=headers)
                    if answer.status_code >= 500:
                        wrong.append(f"{address} with {kind} for {name}: {answer.status}")
    assert {"cursor", "id"} <= read and not wrong, "\n".join(wrong)
