"""Every form that changes something writes it into the trail, in the transaction of the change.

A world's pages are fetched as whoever may see them, each form on them is filled in and sent, and what the request
wrote is watched: rows of the business without a row of the trail are a gap.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urljoin
from xml.etree.ElementTree import Element

import pytest
from flask import Flask
from sqlalchemy import Engine, event
from werkzeug.datastructures import MultiDict

from market import audit, db
from tests.builders.accounts import PASSWORD
from tests.builders.worlds import World
from tests.support.addresses import routes
from tests.support.client import Client
from tests.support.pages import Page, _filled

_WRITE = re.compile(r'\s*(?:INSERT INTO|UPDATE|DELETE FROM)\s+"?(\w+)', re.IGNORECASE)
#: Tables that follow from what was done or say how the visit went, and are no change of their own.
BESIDE = {
    "audit_events": "the trail", "audit_links": "its seal",
    "sessions": "when somebody was last seen", "throttles": "how often something was tried",
    "emails": "mail about what was done", "link_requests": "mail that somebody asks for",
    "challenges": "the question a passkey answers", "catalog_changes": "what the index has still to learn",
    "search_generations": "the index", "search_documents": "the index", "search_words": "the index",
}  # fmt: skip
FACES = ("storefront", "account", "console", "vendor", "admin")
#: What a box takes that the page left empty.
WORDS = "示例说明，一共十个字以上"


@contextmanager
def watched() -> Iterator[list[str]]:
    """The tables that are written meanwhile."""
    tables: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if found := _WRITE.match(statement):
            tables.append(found[1])

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield tables
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def filled(form: Element) -> list[tuple[str, str]]:
    """The form as somebody in a hurry fills it in: what is empty gets words, what can be ticked is ticked."""
    data = []
    for name, value in _filled(form):
        data.append((name, value or ("" if name in ("q", "website") else WORDS)))
    names = {name for name, _value in data}
    for box in form.iter("input"):
        name = box.get("name") or ""
        if box.get("type") in ("checkbox", "radio") and name not in names:
            data.append((name, box.get("value") or "on"))
            names.add(name)
    return data


def sent(client: Client, page: Any, form: Element) -> Iterator[tuple[str, Any, list[str]]]:
    """Send the form once for each of its buttons that lead elsewhere: the path, the answer, the tables written."""
    targets = dict.fromkeys([form.get("action") or "", *(b.get("formaction") or "" for b in form.iter("button"))])
    for target in targets:
        path = urljoin(page.path, target) if target else page.path
        with watched() as tables:
            answer = client.post(path, data=MultiDict(filled(form)))
        yield path, answer, tables


def pages(app: Flask, world: World, face: str) -> Iterator[tuple[str, str]]:
    """Who looks at which address."""
    for route in routes(app, method="GET"):
        if route.face == face and not route.rule.rule.endswith((".csv", ".json", ".pdf")):
            for values in world.every(route.endpoint):
                if not set(route.arguments) - set(values):
                    who = world.visitor(route.endpoint) or world.buyer
                    yield who.email, route.address(values)


def forms(client: Client, email: str, address: str) -> Iterator[tuple[Page, Element]]:
    """What can be sent from a page that there is; somebody whom a form has signed out comes in again."""
    if "/sign-in" in client.get("/account/").location:
        client.sign_in(email, PASSWORD)
    answer = client.get(address)
    if answer.mimetype == "text/html" and answer.status_code == 200:
        page = Page(client, answer)
        for main in page.tree.iter("main"):
            yield from ((page, form) for form in main.iter("form") if (form.get("method") or "").casefold() == "post")


def signed_in(app: Flask, email: str) -> Client:
    client = app.test_client()
    assert isinstance(client, Client)
    client.sign_in(email, PASSWORD)
    return client


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("face", FACES)
def test_every_form_that_changes_something_is_in_the_trail(app: Flask, world: World, face: str) -> None:
    silent, told = set(), set()
    visits = list(pages(app, world, face))
    clients = {email: signed_in(app, email) for email, _address in visits}
    for email, address in visits:
        for page, form in forms(clients[email], email, address):
            for path, answer, tables in sent(clients[email], page, form):
                changed = set(tables) - BESIDE.keys()
                if answer.status_code < 400 and changed:
                    endpoint = app.url_map.bind("localhost").match(path.partition("?")[0], method="POST")[0]
                    (told if "audit_events" in tables else silent).add((endpoint, *sorted(changed)))
    assert not silent, f"these wrote without a row in the trail: {sorted(silent)}"
    assert told, "no form was taken: the walk has lost its way"
    with db.transaction(readonly=True):
        assert audit.verify().whole
