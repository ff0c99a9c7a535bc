"""Clock and cipher."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from market.resources import Cipher, FileClock, SystemClock

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def test_the_file_clock_stands_still_until_it_is_moved(tmp_path: Path) -> None:
    clock, other = FileClock(tmp_path / "clock"), FileClock(tmp_path / "clock")
    clock.set(NOON)
    assert clock.now() == other.now() == NOON
    other.set(NOON + timedelta(days=31))
    assert clock.now() == NOON + timedelta(days=31)


def test_without_its_file_the_clock_is_the_machines(tmp_path: Path) -> None:
    assert abs(FileClock(tmp_path / "clock").now() - SystemClock().now()) < timedelta(seconds=5)


def test_a_reader_never_sees_half_an_instant(tmp_path: Path) -> None:
    clock = FileClock(tmp_path / "clock")
    clock.set(NOON)
    stop = threading.Event()
    seen: set[datetime] = set()

    def read() -> None:
        while not stop.is_set():
            seen.add(FileClock(tmp_path / "clock").now())

    reader = threading.Thread(target=read)
    reader.start()
    for minute in range(300):
        clock.set(NOON + timedelta(minutes=minute))
    stop.set()
    reader.join()
    assert all(NOON <= instant <= NOON + timedelta(minutes=299) for instant in seen)


def test_what_is_encrypted_can_be_read_with_the_same_key_only() -> None:
    token = Cipher("a" * 48).encrypt("密码 secret")
    assert "secret" not in token
    assert Cipher("a" * 48).decrypt(token) == "密码 secret"
    with pytest.raises(ValueError, match="another MARKET_SECRET_KEY"):
        Cipher("b" * 48).decrypt(token)
    with pytest.raises(ValueError, match="another"):
        Cipher("a" * 48).decrypt("nonsense")
