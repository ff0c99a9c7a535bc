"""Every face has its guard, and a stranger learns nothing from guessing numbers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import IntegerConverter, Rule

from market import db
from market.accounts.models import Role
from market.config import ROOT
from tests.builders.accounts import PASSWORD, a_member, the_office
from tests.support.client import Client

GUARDED = ("account", "console", "vendor", "admin")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
ONE_DATABASE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def rules(app: Flask, face: str) -> Iterator[tuple[str, str, Rule]]:
    """Method, address and rule of everything below a face, with 1 or x for what is variable."""
    for rule in app.url_map.iter_rules():
        if rule.endpoint.split(".")[0] == face:
            values = {
                name: 1 if isinstance(converter, IntegerConverter) else "x"
                for name, converter in rule._converters.items()
            }
            with app.test_request_context():
                _domain, path = rule.build(values) or ("", "")
            for method in sorted((rule.methods or set()) & set(METHODS)):
                yield method, path, rule


@ONE_DATABASE
def test_without_signing_in_every_guarded_page_leads_to_sign_in(app: Flask, client: FlaskClient) -> None:
    for face in GUARDED:
        for method, path, rule in rules(app, face):
            answer = client.open(path, method=method)
            if method == "GET":
                assert answer.status_code == 303, f"{method} {path} ({rule.endpoint}): {answer.status_code}"
                assert answer.location.startswith("/sign-in"), f"{path}: {answer.location}"
            else:
                # Without a token the CSRF check may answer before the guard does.
                refused = answer.status_code in (400, 401, 403)
                assert refused or answer.location.startswith("/sign-in"), f"{method} {path}: {answer.status}"


@ONE_DATABASE
def test_without_the_second_step_every_page_of_the_office_leads_to_it(app: Flask, client: Client) -> None:
    with db.transaction():
        email = a_member(the_office(), Role.SUPER).email
    client.sign_in(email, PASSWORD, second_step=False)
    token = client.page("/account/second-step").all("input", name="csrf_token")[0].get("value")
    for method, path, rule in rules(app, "admin"):
        answer = client.open(path, method=method, headers={"X-CSRFToken": token or ""})
        assert answer.status_code == 303, f"{method} {path} ({rule.endpoint}): {answer.status_code}"
        assert answer.location.startswith("/account/second-step"), f"{path}: {answer.location}"


@ONE_DATABASE
def test_without_a_key_no_machine_gets_in(app: Flask, client: FlaskClient) -> None:
    for method, path, _rule in rules(app, "api"):
        answer = client.open(path, method=method, json={})
        assert answer.status_code == 401, f"{method} {path}: {answer.status}"
        assert answer.mimetype == "application/problem+json", path


@ONE_DATABASE
def test_every_public_page_answers_and_leaves_a_cookie_for_a_form_only(app: Flask) -> None:
    for method, path, rule in rules(app, "storefront"):
        if method == "GET":
            answer = app.test_client().get(path)
            expected = {404, 200, 303} if rule.arguments else {200, 303, 404 if "mailbox" in path else 200}
            assert answer.status_code in expected, f"{path}: {answer.status}"
            assert ("Set-Cookie" in answer.headers) <= ('name="csrf_token"' in answer.text), f"{path}: {answer.headers['Set-Cookie']}"


@ONE_DATABASE
def test_every_view_stands_where_its_address_says(app: Flask) -> None:
    astray = []
    for rule in app.url_map.iter_rules():
        face, _, rest = rule.endpoint.partition(".")
        if face in GUARDED:
            module = app.view_functions[rule.endpoint].__module__
            place = rule.rule.strip("/").split("/")
            # Pages that several faces have are made in `web` and served by the module of each face.
            served = (ROOT / "market" / face / f"{rest.partition('.')[0]}.py").is_file()
            here = module.startswith(f"market.{face}.") or (module.startswith("market.web.") and served)
            if place[0] != face or not here:
                astray.append(f"{rule.rule} is {module}:{rest}")
    assert not astray
