"""The benchmarks run: small, on a marketplace of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import place
from market.cli import run
from market.config import ROOT, Settings

#: Seconds on two idle cores; a busy machine may take its time.
pytestmark = pytest.mark.timeout(600)


def test_the_server_is_started_as_in_production(tmp_path: Path) -> None:
    settings = Settings.from_env({"MARKET_DATA_DIR": str(tmp_path), "PORT": "8000"})
    assert place.command("wsgi:app", 8000, settings.web_workers) == run._server(settings).command


#: How many figures each gives at least.
FIGURES = {"pages": 5, "ingest": 10, "depth": 10, "calculator": 8, "trail": 3, "close": 9, "search": 6}


def test_a_short_run_of_all_gives_figures_and_leaves_nothing_behind(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks", "--quick", "--json", "--on", "sqlite", "--batch", "100"]
    ended = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, env={**os.environ, "TMPDIR": str(tmp_path)}
    )
    assert ended.returncode in (0, 1) and ended.stdout, ended.stderr
    told = json.loads(ended.stdout)
    found = {result["benchmark"]: len(result["figures"]) for result in told["benchmarks"]}
    assert found.keys() == FIGURES.keys()
    assert not {name: number for name, number in found.items() if number < FIGURES[name]}
    assert ended.returncode == bool(told["missed"])
    assert not list(tmp_path.iterdir())
