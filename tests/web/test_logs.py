"""Logs tell what happened and never a secret."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest
import structlog
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from structlog.testing import capture_logs

from market import db
from market.web import logs
from tests.support.client import Client


def test_values_that_sound_secret_are_hidden_at_any_depth() -> None:
    event = {
        "event": "x",
        "password": "p",
        "body": {"api_key": "k", "items": [{"webhook_secret": "s", "ok": 1}]},
    }
    assert logs.hide_secrets(None, "", event) == {
        "event": "x",
        "password": "[hidden]",
        "body": {"api_key": "[hidden]", "items": [{"webhook_secret": "[hidden]", "ok": 1}]},
    }


def test_an_address_cannot_write_lines_or_colours_of_its_own(visitor: Client) -> None:
    with capture_logs() as lines:
        visitor.get("/nowhere%0aforged%1b%5B31m%00")
    assert [line["path"] for line in lines if line["event"] == "request"] == ["/nowhere\N{REPLACEMENT CHARACTER}forged\N{REPLACEMENT CHARACTER}[31m\N{REPLACEMENT CHARACTER}"]


@pytest.mark.parametrize("form", ["json", "console"])
def test_a_traceback_shows_no_local_variables(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = structlog.get_config()
    logs.configure(form)
    try:
        word = "".join(["plum", "blossom"])
        raise RuntimeError(len(word))
    except RuntimeError:
        structlog.get_logger().exception("failed")
    finally:
        structlog.configure(**before)
    written = capsys.readouterr().err
    assert "RuntimeError" in written and "plumblossom" not in written
    assert form == "console" or json.loads(written)["event"] == "failed"


@pytest.mark.parametrize("form", ["json", "console"])
@pytest.mark.parametrize("mark", ["mk_", "mk_test_"])
def test_a_keys_secret_is_hidden_wherever_it_stands(form: str, mark: str, capsys: pytest.CaptureFixture[str]) -> None:
    before, secret = structlog.get_config(), f"{mark}0123abcd_{'aB3-_' * 8}"
    logs.configure(form)
    try:
        structlog.get_logger().info(f"called with {secret}", header=f"Bearer {secret}", tried=[secret])
        raise RuntimeError(secret)
    except RuntimeError:
        structlog.get_logger().exception("failed")
    finally:
        structlog.configure(**before)
    written = capsys.readouterr().err
    assert "aB3-_" not in written
    assert written.count(f"{mark}0123abcd_[hidden]") >= 4


def test_each_request_is_one_line_with_an_id_and_without_its_query(visitor: Client) -> None:
    with capture_logs() as lines:
        answer = visitor.get("/?q=private", headers={"X-Request-Id": "trace-0001"})
    line = next(line for line in lines if line["event"] == "request")
    assert (line["path"], line["status"]) == ("/", 200)
    assert answer.headers["X-Request-Id"] == "trace-0001"
    assert "private" not in str(lines)


@pytest.mark.parametrize("given", ["short", "has space here", "x" * 65, "行行行行行行行行"])
def test_an_id_that_could_spoil_a_log_is_replaced(visitor: Client, given: str) -> None:
    answer = visitor.get("/", headers={"X-Request-Id": given.encode().decode("latin-1")})
    assert answer.headers["X-Request-Id"] != given


LINK = "Zx9-_" + "aB3dE5fG7" * 5


@pytest.mark.parametrize(
    ("said", "written"),
    [
        (f"opened /reset-password/{LINK} twice", "opened /reset-password/[hidden] twice"),
        ("Authorization: Bearer abc.def-123", "Authorization: Bearer [hidden]"),
        ("Cookie: lang=zh; session=.eJw_x.y; __Host-remember=a|b", "Cookie: lang=zh; session=[hidden]; __Host-remember=[hidden]"),
        ("postgresql://market:pa-ss@db.example/market", "postgresql://[hidden]@db.example/market"),
        ("signed with whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "signed with whsec_[hidden]"),
        ("sealed gAAAAABn" + "x" * 80, "sealed [hidden]"),
        ("/offerings/example-object-storage-for-small-firms-in-guangdong", "/offerings/example-object-storage-for-small-firms-in-guangdong"),
        ("sha256 " + "0123456789abcdef" * 4, "sha256 " + "0123456789abcdef" * 4),
    ],
)
def test_what_opens_a_door_is_hidden_in_any_text(said: str, written: str) -> None:
    assert logs.scrubbed(said) == written


@pytest.fixture
def read(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[[], str]]:
    """What the log says, once `logs.configure` has begun it in the test."""
    before = structlog.get_config()
    yield lambda: capsys.readouterr().err
    structlog.configure(**before)


def test_real_requests_leave_no_secret_in_the_log(client: Client, read: Callable[[], str]) -> None:
    password, email = "correct-horse-battery", "somebody@example.com"
    logs.configure("json")
    token = client.page("/sign-in").all("input", name="csrf_token")[0].get("value") or ""
    client.post("/sign-in", data={"csrf_token": token, "email": email, "password": password})
    client.set_cookie("session", f"forged.{LINK}")
    for path in (f"/reset-password/{LINK}", "/reset-password/short-forged", f"/invitations/{LINK}", f"/nowhere/{LINK}?token={LINK}"):
        client.get(path, headers={"Authorization": f"Bearer {LINK}", "Referer": f"http://localhost/reset-password/{LINK}"})
    client.get("/api/v1/subscriptions", headers={"Authorization": f"Bearer mk_0123abcd_{LINK}"})
    written = read()
    assert written.count('"event": "request"') >= 7 and '"path": "/reset-password/[hidden]"' in written
    for secret in (password, email, LINK, "short-forged", token):
        assert secret not in written


@pytest.mark.every_database
def test_a_failed_statement_is_told_without_its_values(database: None, read: Callable[[], str]) -> None:
    logs.configure("json")
    try:
        with db.transaction():
            db.session.execute(text("INSERT INTO users (id, email, nonsense) VALUES (1, :email, :secret)"), {"email": "a@b.example", "secret": "plum-blossom"})
    except DBAPIError:
        structlog.get_logger().exception("failed")
    written = read()
    assert "INSERT INTO users" in written and "plum-blossom" not in written and "a@b.example" not in written
