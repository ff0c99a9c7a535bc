"""Browsers are told what to forbid, and forged forms are refused."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest
from flask import Flask, request

from market import resources, web
from market.accounts import User
from market.config import Settings
from market.web import security
from tests.support.client import Client


@pytest.mark.parametrize("path", ["/", "/nowhere", "/static/css/app.css"])
def test_every_answer_carries_the_headers(visitor: Client, path: str) -> None:
    headers = visitor.get(path, buffered=True).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == headers["Cross-Origin-Resource-Policy"] == "same-origin"


def test_transport_is_locked_only_where_it_is_encrypted(visitor: Client) -> None:
    assert "Strict-Transport-Security" not in visitor.get("/").headers
    assert "Strict-Transport-Security" in visitor.get("/", base_url="https://localhost").headers


def test_cookies_are_for_http_only_and_for_https_where_the_site_has_it(
    settings: Settings, database: None
) -> None:
    secure = dataclasses.replace(settings, base_url="https://market.example")
    resources.install(secure)
    app = Flask("secure")
    web.init_app(app, secure)
    assert app.config["SESSION_COOKIE_SECURE"] and app.config["SESSION_COOKIE_HTTPONLY"]
    assert app.config["SESSION_COOKIE_SAMESITE"] == "Lax" and app.config["REMEMBER_COOKIE_SECURE"]


def test_a_form_without_its_token_changes_nothing_and_repeats_nothing(visitor: Client) -> None:
    answer = visitor.post("/rename", data={"name": "a-secret-word"})
    assert answer.status_code == 400
    assert "这一页放得太久了" in answer.text
    assert "a-secret-word" not in answer.text


def test_pages_of_a_signed_in_person_are_not_kept(visitor: Client, owner: User) -> None:
    assert visitor.get("/").headers["Cache-Control"] == "no-cache"
    visitor.post(f"/become/{owner.id}")
    assert visitor.get("/").headers["Cache-Control"] == "no-store"


@pytest.fixture
def behind(site: Flask, settings: Settings) -> Callable[..., Client]:
    """A site with one page that says who asks and how, under other settings."""

    def start(**changes: object) -> Client:
        changed = dataclasses.replace(settings, **changes)  # type: ignore[arg-type]
        resources.install(changed)
        app = Flask("behind", root_path=site.root_path, template_folder=site.template_folder)
        web.init_app(app, changed)
        app.add_url_rule("/", "home", lambda: f"{request.remote_addr} {request.scheme} {request.host}")
        app.add_url_rule("/form", "form", lambda: str(len(request.form)), methods=["POST"])
        app.add_url_rule(
            "/file", "file", security.largest_body(2 * security.LARGEST_FORM)(lambda: str(len(request.get_data()))),
            methods=["POST"],
        )  # fmt: skip
        for view in app.view_functions.values():
            security.csrf.exempt(view)
        return app.test_client()  # type: ignore[return-value]  # its answers are no pages

    return start


FORWARDED = {
    "X-Forwarded-For": "203.0.113.7, 198.51.100.9",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "evil.example",
    "Forwarded": "for=203.0.113.7;proto=https;host=evil.example",
}


@pytest.mark.parametrize(
    ("proxies", "seen"),
    [(0, "127.0.0.1 http localhost"), (1, "198.51.100.9 https localhost"), (2, "203.0.113.7 http localhost")],
)
def test_as_many_forwarded_addresses_are_believed_as_there_are_proxies(
    behind: Callable[..., Client], proxies: int, seen: str
) -> None:
    assert behind(trusted_proxies=proxies).get("/", headers=FORWARDED).text == seen


@pytest.mark.parametrize(
    ("host", "known"),
    [
        ("market.example", True), ("market.example:8443", True), ("MARKET.example", True), ("shop.firm.example", True),
        ("localhost:8000", True), ("127.0.0.1", True), ("[::1]:8000", True), ("10.1.2.3", True),
        ("evil.example", False), ("market.example.evil.example", False), ("firm.example.evil", False), ("firmxexample", False),
        ("evil.example/market.example", False), ("market.example@evil.example", False), ("[::2]", False), ("[::1", False),
        ("", False), ("192.0.2.1", False),
    ],
)  # fmt: skip
def test_the_server_answers_under_its_own_names_only(behind: Callable[..., Client], host: str, known: bool) -> None:
    client = behind(base_url="https://market.example", hosts=(".firm.example", "10.1.2.3"))
    answer = client.get("/", headers={"Host": host})
    assert answer.status_code == (200 if known else 400)


def test_a_wrong_name_is_told_in_words_and_not_repeated(visitor: Client) -> None:
    answer = visitor.get("/", headers={"Host": "evil.example"})
    assert answer.status_code == 400 and "这个网址不属于本站" in answer.text and "MARKET_HOSTS" in answer.text
    assert "evil" not in answer.text and "evil" not in str(answer.headers)
    called = visitor.get("/api/v1/anything", headers={"Host": "evil.example"})
    assert called.get_json()["code"] == "unknown_host"


def test_over_https_every_cookie_is_bound_to_this_host(behind: Callable[..., Client]) -> None:
    client = behind(base_url="https://market.example")
    names = {client.application.config[f"{kind}_COOKIE_NAME"] for kind in ("SESSION", "REMEMBER")}
    assert names == {"__Host-session", "__Host-remember"}
    assert security.cookie_name("device") == "__Host-device"
    assert "Strict-Transport-Security" in client.get("/").headers


def test_a_view_takes_a_form_and_no_more_unless_it_says_so(behind: Callable[..., Client]) -> None:
    client = behind()
    big = b"x" * (security.LARGEST_FORM + 1)
    refused = client.post("/form", data={"field": big}, headers={"Accept": "application/json"})
    assert refused.status_code == 413
    assert client.post("/file", data=big).text == str(len(big))
    assert client.post("/file", data=big * 2).status_code == 413
    crowd = {f"f{number}": "" for number in range(501)}
    several = client.post("/form", data=crowd, content_type="multipart/form-data", headers={"Accept": "application/json"})
    assert several.status_code == 413


def test_passkeys_are_the_only_power_of_the_browser_a_page_may_use(visitor: Client) -> None:
    allowed = [rule for rule in visitor.get("/").headers["Permissions-Policy"].split(", ") if not rule.endswith("=()")]
    assert sorted(allowed) == ["publickey-credentials-create=(self)", "publickey-credentials-get=(self)"]
