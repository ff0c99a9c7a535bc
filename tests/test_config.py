"""Settings: what is refused, and in which words."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from market.config import ConfigError, Settings


def read(tmp_path: Path, **env: str) -> Settings:
    return Settings.from_env({"MARKET_DATA_DIR": str(tmp_path), **env})


def test_nothing_needs_to_be_set(tmp_path: Path) -> None:
    settings = read(tmp_path)
    assert settings.sqlite and settings.port == 8000 and settings.base_url == "http://127.0.0.1:8000"
    assert not settings.demo and not settings.test_clock


def test_the_secret_key_is_made_once_and_kept_for_its_owner_only(tmp_path: Path) -> None:
    first, second = read(tmp_path), read(tmp_path)
    assert first.secret_key == second.secret_key and len(first.secret_key) >= 48
    assert (tmp_path / "secret_key").stat().st_mode & 0o077 == 0
    assert first.secret_key not in repr(first)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("PORT", "eighty", "not a whole number from 1 to 65535"),
        ("PORT", "70000", "not a whole number"),
        ("STRIPE_URL", "https://stripe.example", "neither https://api.stripe.com nor on this machine"),
        ("MARKET_TEST_CLOCK", "maybe", "neither yes nor no"),
        ("DATABASE_URL", "mysql://host/name", "not supported"),
        ("DATABASE_URL", "sqlite://", "needs a file"),
        ("DATABASE_URL", "nonsense", "not a database address"),
        ("MARKET_BASE_URL", "market.example", "not an address"),
        ("MARKET_SMTP_URL", "mail.example:25", "not an address"),
        ("MARKET_SECRET_KEY", "short", "too short"),
        ("MARKET_LOG_FORMAT", "xml", "not one of"),
        ("MARKET_OLD_SECRET_KEYS", f"{'a' * 40},short", "too short"),
        ("MARKET_TRUSTED_PROXIES", "all", "not a whole number from 0 to 10"),
        ("MARKET_HOSTS", "https://market.example", "no scheme, no port"),
        ("MARKET_HOSTS", "good.example,market.example:8000", "no scheme, no port"),
        ("MARKET_HOSTS", "*", "no scheme, no port"),
        ("MARKET_SUPPORT_PHONE", "call us", "not a telephone number"),
        ("MARKET_SUPPORT_HOURS", "Mo-Fr 09:00-18:00", "MARKET_SUPPORT_PHONE is not set"),
        ("MARKET_SUPPORT_HOURS", "Mo-Fr 18:00-09:00", "not like Mo-Fr 09:00-18:00"),
    ],
)
def test_a_bad_setting_is_named_with_what_to_do(tmp_path: Path, name: str, value: str, said: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        read(tmp_path, **{name: value})
    assert any(name in problem and said in problem for problem in refusal.value.problems)


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refusal:
        read(tmp_path, PORT="x", MARKET_BASE_URL="y", MARKET_GRACE_DAYS="z")
    assert len(refusal.value.problems) == 3


def test_a_clock_that_moves_never_stands_beside_real_money(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="real money"):
        read(tmp_path, MARKET_TEST_CLOCK="1", STRIPE_SECRET_KEY="sk_live_0")
    assert read(tmp_path, MARKET_TEST_CLOCK="1", STRIPE_SECRET_KEY="sk_test_0").test_clock


def test_a_data_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="file"):
        read(tmp_path / "file" / "var")


@pytest.mark.parametrize("written", ["postgres://u:p@h/n", "postgresql://u:p@h/n", "postgresql+psycopg://u:p@h/n"])
def test_any_spelling_of_postgresql_is_understood(tmp_path: Path, written: str) -> None:
    assert read(tmp_path, DATABASE_URL=written).database_url == "postgresql+psycopg://u:p@h/n"


def test_hosts_are_those_of_the_address_the_loopback_and_whatever_is_named(tmp_path: Path) -> None:
    known = read(tmp_path, MARKET_BASE_URL="https://Market.example:8443", MARKET_HOSTS="A.example, .b.example,2001:db8::1").known_hosts
    assert known == {"market.example", "a.example", ".b.example", "2001:db8::1", "localhost", "127.0.0.1", "::1"}


def test_a_server_that_listens_everywhere_and_has_no_name_answers_to_the_machines(tmp_path: Path) -> None:
    assert socket.gethostname().lower() in read(tmp_path, HOST="0.0.0.0").known_hosts
    assert socket.gethostname().lower() not in read(tmp_path, HOST="0.0.0.0", MARKET_BASE_URL="https://m.example").known_hosts


def test_earlier_keys_lie_below_the_key_or_beside_it_in_the_environment(tmp_path: Path) -> None:
    new, old, older = ("n" * 40, "o" * 40, "p" * 40)
    (tmp_path / "secret_key").write_text(f"{new}\n{old}\n")
    settings = read(tmp_path, MARKET_OLD_SECRET_KEYS=f" {older} ,")
    assert (settings.secret_key, settings.old_secret_keys) == (new, (old, older))
    assert old not in repr(settings) and older not in repr(settings)
    assert read(tmp_path, MARKET_SECRET_KEY=older).old_secret_keys == ()


def test_an_empty_key_file_is_no_key(tmp_path: Path) -> None:
    (tmp_path / "secret_key").write_text(" \n")
    with pytest.raises(ConfigError, match="holds no key"):
        read(tmp_path)


def test_postgresql_is_served_by_a_process_for_each_core_and_sqlite_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    on_postgresql = {"DATABASE_URL": "postgresql://u:p@h/n"}
    for cores, processes in ((1, 1), (2, 2), (4, 4), (64, 4)):
        monkeypatch.setattr(os, "cpu_count", lambda cores=cores: cores)
        assert read(tmp_path, **on_postgresql).web_workers == processes
        assert read(tmp_path).web_workers == 1
    assert read(tmp_path, **on_postgresql, MARKET_WEB_WORKERS="9").web_workers == 9
