"""Taking everything away: asked for with a click, watched, fetched; by the owner only, after proving who she is."""

from __future__ import annotations

from datetime import timedelta

import pytest
from werkzeug.test import TestResponse

from market import db, privacy
from market.accounts import Role
from tests.builders.accounts import PASSWORD, a_member, an_organization
from tests.conftest import PRESENT
from tests.support.client import Client
from tests.support.clock import FakeClock
from tests.support.pages import Page


def an_owner(client: Client) -> str:
    with db.transaction():
        email = a_member(an_organization(name="示例五金")).email
    client.sign_in(email, PASSWORD)
    return email


def fetch(client: Client, page: Page) -> TestResponse:
    """Press "download": the answer is a file, not a page."""
    (address,) = [str(form.get("action")) for form in page.all("form") if str(form.get("action")).endswith("/file")]
    return client.post(address, data={"csrf_token": page.all("input", name="csrf_token")[0].get("value")})


def test_an_archive_is_asked_for_made_and_fetched(client: Client) -> None:
    an_owner(client)
    page = client.page("/console/exports/").submit(button="生成一份归档")
    assert "已收到申请" in page.text
    privacy.build_due(PRESENT)
    page = client.page("/console/exports/")
    assert "可以下载" in page.text
    answer = fetch(client, page)
    assert answer.mimetype == "application/zip" and answer.data.startswith(b"PK")
    assert "attachment" in answer.headers["Content-Disposition"] and answer.headers["Cache-Control"] == "no-store"
    assert "下载了数据归档" in client.page("/console/activity/").text


@pytest.mark.every_database
def test_asking_twice_makes_one(client: Client) -> None:
    an_owner(client)
    page = client.page("/console/exports/")
    page.submit(button="生成一份归档")
    page.submit(button="生成一份归档")
    assert privacy.build_due(PRESENT) == 1


@pytest.mark.every_database
def test_the_fragment_stops_asking_once_the_archive_is_there(client: Client) -> None:
    an_owner(client)
    client.page("/console/exports/").submit(button="生成一份归档")
    assert client.get("/console/exports/", headers={"HX-Request": "true"}).status_code == 200
    privacy.build_due(PRESENT)
    assert client.get("/console/exports/", headers={"HX-Request": "true"}).status_code == 286


def test_an_old_proof_is_not_enough(client: Client, clock: FakeClock) -> None:
    an_owner(client)
    clock.forward(minutes=20)
    assert "/account/confirm" in (client.get("/console/exports/").location or "")


def test_an_expired_archive_says_so(client: Client, clock: FakeClock) -> None:
    an_owner(client)
    client.page("/console/exports/").submit(button="生成一份归档")
    privacy.build_due(PRESENT)
    page = client.page("/console/exports/")
    privacy.expire_due(PRESENT + timedelta(days=7))
    answer = fetch(client, page)
    assert answer.status_code == 404 and "已经过期" in answer.get_data(as_text=True)


def test_only_the_owner_takes_everything_away(client: Client) -> None:
    with db.transaction():
        firm = an_organization()
        a_member(firm)
        clerk = a_member(firm, Role.FINANCE)
    client.sign_in(clerk.email, PASSWORD)
    assert client.get("/console/exports/").status_code == 403
