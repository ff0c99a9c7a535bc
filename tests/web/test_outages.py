"""Without the database every answer is still made: it says so, nothing was stored, and what was typed can be sent again."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
import pytest
from flask import Flask
from sqlalchemy import make_url, select
from wtforms import PasswordField
from wtforms.fields.core import UnboundField

from market import db
from market.accounts import Role
from market.billing.models import NumberSeries
from market.config import Settings
from market.web import errors, forms
from tests.builders.accounts import PASSWORD, a_member, a_user, an_organization
from tests.builders.catalog import a_plan, a_provider, an_offering
from tests.builders.fapiao import a_billed_firm, a_request
from tests.support.client import Client

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
JSON = {"Accept": "application/json"}


@pytest.fixture
def asked(client: Client) -> int:
    """The number of a request for a fapiao; the provider's accountant has signed in."""
    with db.transaction():
        provider = a_provider()
        a_member(provider.organization, Role.FINANCE, user=a_user(email="finance@example.com"))
        request = a_request(a_billed_firm(a_plan(an_offering(provider, plans=False), monthly="106.00"), firm=an_organization())).id
    client.sign_in("finance@example.com", PASSWORD)
    return request


@contextmanager
def held(settings: Settings) -> Iterator[None]:
    """Somebody else writes for long, and nobody here waits for that."""
    with closing(sqlite3.connect(str(make_url(settings.database_url).database), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        db.connect(settings.database_url, patience=0.01)
        yield
        other.execute("ROLLBACK")


@pytest.fixture
def gone(settings: Settings, tmp_path: Path) -> None:
    """Where the database should be, there is none."""
    db.connect(make_url(settings.database_url).set(database=str(tmp_path / "gone" / "market")).render_as_string(hide_password=False))


@SQLITE
def test_what_was_typed_while_another_writes_is_sent_again_by_one_button(client: Client, asked: int, settings: Settings) -> None:
    form = client.page(f"/vendor/fapiao/{asked}")
    with held(settings):
        page = form.submit(f"/vendor/fapiao/{asked}/refuse", reason="title", explanation="税号少 1 位 <b>")
        again = client.post(f"/vendor/fapiao/{asked}/refuse", headers=JSON, data={"csrf_token": form.all("input", name="csrf_token")[0].get("value")})
        call = client.post("/api/v1/corrections", headers={"Authorization": "Bearer mk_00000000_" + "0" * 43})
        assert client.page("/vendor/").heading == "概览"  # who only reads waits for nobody
    assert page.status == 503
    assert "刚才的内容没有保存，也没有办理" in page.text and "登录" not in page.text
    for answer in (again, call):
        assert (answer.status_code, answer.json["code"], answer.headers["Retry-After"]) == (503, "unavailable", "60")
        assert "等 1 分钟" in answer.json["detail"]
    assert "没开成：抬头或税号有误" in page.submit(button="再发一次").text
    assert "税号少 1 位 <b>" in client.page(f"/vendor/fapiao/{asked}").text


@pytest.mark.every_database
@pytest.mark.usefixtures("asked", "gone")
def test_every_page_says_that_the_database_is_gone(client: Client) -> None:
    for path in ("/", "/vendor/", "/vendor/fapiao/?lang=en", "/console/?lang=zh", "/account/profile", "/sign-in"):
        answer, part = client.get(path), client.get(path, headers={"HX-Request": "true", "HX-Boosted": "true"})
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "60"), path
        assert ("already saved is not affected" if "lang=en" in path else "已经保存的内容不受影响") in answer.text
        assert client.get(path, headers=JSON).json["code"] == "unavailable"
        # A part of a page leaves the rest of it, with what was typed there, as it is.
        assert (part.status_code, "HX-Retarget" in part.headers) == (503, False)
    assert client.get("/nowhere").status_code == 503  # its page would say who has signed in


def test_a_password_is_not_written_into_the_page(client: Client, settings: Settings, tmp_path: Path) -> None:
    form = client.page("/sign-in")
    db.connect(f"sqlite:///{tmp_path}/gone/market.db")
    page = form.submit(email="owner@example.com", password=PASSWORD)
    assert page.status == 503 and "浏览器问是否重新提交" in page.text
    assert PASSWORD not in page.html and not page.all("form")


def test_every_field_for_a_password_is_known_by_its_name(app: Flask) -> None:
    named = [name for form in _all(forms.MarketForm) for name, field in vars(form).items()
             if isinstance(field, UnboundField) and (field.field_class is PasswordField or "one-time" in str(field.kwargs))]  # fmt: skip
    assert len(named) >= 8
    assert [name for name in named if not errors.UNREPEATED.search(name)] == []


def _all(form: type) -> list[type]:
    return [form, *(each for child in form.__subclasses__() for each in _all(child))]


@pytest.mark.every_database
def test_what_fails_while_it_commits_is_told_as_surely_as_it_is_known(site: Flask, settings: Settings) -> None:
    def write() -> str:
        db.session.add(NumberSeries(name="lost"))
        if db.on_postgresql():
            db.before_commit(_cut, db.session.connection().exec_driver_sql("SELECT pg_backend_pid()").scalar_one())
        return "done"

    def _cut(backends: list[int]) -> None:
        db.session.flush()
        with psycopg.connect(str(make_url(settings.database_url).set(drivername="postgresql").render_as_string(hide_password=False))) as other:
            other.execute("SELECT pg_terminate_backend(%s, 5000)", backends)

    site.config["WTF_CSRF_ENABLED"] = False
    site.add_url_rule("/series", "series", write, methods=["POST"])
    if db.on_postgresql():
        assert "不知道刚才的内容保存了没有" in site.test_client().post("/series").text
    else:
        with held(settings):
            answer = site.test_client().post("/series")
        assert (answer.status_code, "刚才的内容没有保存" in answer.text) == (503, True)
    with db.transaction(readonly=True):
        assert db.session.scalars(select(NumberSeries).where(NumberSeries.name == "lost")).all() == []
