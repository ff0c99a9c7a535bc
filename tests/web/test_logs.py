"""Logs tell what happened and never a secret."""

from __future__ import annotations

import json

import pytest
import structlog
from structlog.testing import capture_logs

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
