"""`market run` and `market doctor`: refusals in words before anything is started."""

from __future__ import annotations

import fcntl
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from market.config import ROOT
from tests.support import commands


def market(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return commands.market(*arguments, MARKET_DATA_DIR=str(folder), **environment)


def test_a_second_run_on_one_data_folder_is_told_so(tmp_path: Path) -> None:
    with (tmp_path / "run.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        refused = market(tmp_path, "run")
    assert refused.returncode == 1 and "Another `market run` uses" in refused.stderr


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        refused = market(tmp_path, "run", PORT=str(port))
    assert refused.returncode == 1 and f"Port {port}" in refused.stderr and "Set PORT" in refused.stderr


@pytest.mark.parametrize("command", [("run",), ("worker",), ("migrate",), ("seed",)])
def test_a_database_that_cannot_be_reached_is_said_in_words(tmp_path: Path, command: tuple[str, ...]) -> None:
    refused = market(tmp_path, *command, DATABASE_URL="postgresql://nobody@127.0.0.1:9/nothing")
    assert refused.returncode == 1
    assert "The database cannot be used" in refused.stderr and "Traceback" not in refused.stderr


def test_bad_settings_are_all_told_before_anything_starts(tmp_path: Path) -> None:
    environment = {**os.environ, "MARKET_DATA_DIR": str(tmp_path), "PORT": "x", "MARKET_DEMO": "perhaps"}
    command = [sys.executable, "-m", "market.cli", "run"]
    refused = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=150, check=False)
    assert refused.returncode == 1 and "PORT" in refused.stderr and "MARKET_DEMO" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_work_on_an_old_schema_is_refused_with_what_to_do(tmp_path: Path) -> None:
    refused = market(tmp_path, "worker", "--once")
    assert refused.returncode == 1 and "market migrate" in refused.stderr


def test_the_doctor_names_each_fault_and_then_none(tmp_path: Path) -> None:
    sick = market(tmp_path, "doctor", MARKET_DEMO="1")
    assert sick.returncode == 1 and "FAULT schema" in sick.stdout
    assert market(tmp_path, "migrate").returncode == 0
    assert market(tmp_path, "worker", "--once").returncode == 0
    well = market(tmp_path, "doctor", MARKET_DEMO="1")
    assert well.returncode == 0, well.stdout


def test_there_is_no_clock_to_move_outside_tests(tmp_path: Path) -> None:
    refused = market(tmp_path, "clock", "show")
    assert refused.returncode == 1 and "only with MARKET_TEST_CLOCK=1" in refused.stderr


def test_the_test_clock_moves_by_command(tmp_path: Path) -> None:
    def clock(*arguments: str) -> str:
        done = market(tmp_path, "clock", *arguments, MARKET_TEST_CLOCK="1")
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    assert clock("set", "2026-12-04T00:00:00+08:00") == "2026-12-03T16:00:00+00:00"
    assert clock("advance", "60") == "2026-12-03T16:01:00+00:00" == clock("show")


