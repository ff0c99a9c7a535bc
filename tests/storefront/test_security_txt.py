"""`/.well-known/security.txt` says where to report, and never that it has run out."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta

import pytest

from market import resources
from market.config import ConfigError, Settings
from tests.support.client import Client
from tests.support.clock import FakeClock


def test_the_file_has_what_the_standard_wants(client: Client, clock: FakeClock, settings: Settings) -> None:
    resources.install(
        dataclasses.replace(settings, base_url="https://market.example", security_contact="mailto:security@market.example"),
        with_clock=clock,
    )
    answer = client.get("/.well-known/security.txt")
    assert answer.content_type == "text/plain; charset=utf-8"
    fields = dict(line.split(": ", 1) for line in answer.text.splitlines())
    assert fields["Contact"] == "mailto:security@market.example"
    assert fields["Canonical"] == "https://market.example/.well-known/security.txt"
    assert fields["Preferred-Languages"] == "zh, en"
    expires = datetime.fromisoformat(fields["Expires"])
    assert timedelta(days=100) < expires - clock.now() < timedelta(days=365)
    clock.forward(days=200)
    assert f"Expires: {expires.isoformat()}" not in client.get("/.well-known/security.txt").text


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "mailto:market@example.invalid"),
        ({"MARKET_MAIL_FROM": "post@market.example"}, "mailto:post@market.example"),
        ({"MARKET_SECURITY_CONTACT": "security@market.example"}, "mailto:security@market.example"),
        ({"MARKET_SECURITY_CONTACT": "https://market.example/report"}, "https://market.example/report"),
    ],
)
def test_the_contact_comes_from_the_settings(tmp_path: str, given: dict[str, str], said: str) -> None:
    assert Settings.from_env({"MARKET_DATA_DIR": str(tmp_path), **given}).security_contact == said


@pytest.mark.parametrize("wrong", ["javascript:alert(1)", "somebody", "a@b.example\nContact: x", "http://market.example"])
def test_a_contact_nobody_could_use_is_refused_at_the_start(tmp_path: str, wrong: str) -> None:
    with pytest.raises(ConfigError, match="MARKET_SECURITY_CONTACT"):
        Settings.from_env({"MARKET_DATA_DIR": str(tmp_path), "MARKET_SECURITY_CONTACT": wrong})
