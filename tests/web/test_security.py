"""Browsers are told what to forbid, and forged forms are refused."""

from __future__ import annotations

import dataclasses

import pytest
from flask import Flask

from market import resources, web
from market.accounts import User
from market.config import Settings
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
