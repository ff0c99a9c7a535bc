"""The tour: a whole marketplace from the outside, on both databases, with parts killed on the way."""

from __future__ import annotations

import re
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from examples import ports
from examples.tour.__main__ import Check, main
from examples.tour.visitor import Visitor
from examples.tour.world import World
from tests.conftest import DATABASES
from tests.support.tampering import tamper

SHORT = ["--files", "10", "--days", "3"]
#: Twenty seconds on two idle cores; a slow and busy machine may take its time.
pytestmark = pytest.mark.timeout(600)


def tour(folder: Path, url: str, *arguments: str) -> list[str]:
    return ["--folder", str(folder), "--database", url, *arguments]


# The tour that nobody disturbs is on SQLite, this one on the database that has more to lose; the long ones are on both.
@pytest.mark.parametrize("database_url", DATABASES[-1:], indirect=True)
def test_killing_server_worker_and_provider_loses_and_doubles_nothing(
    tmp_path: Path, database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(tour(tmp_path, database_url, *SHORT, "--kill", "--seed", "7")) == 0, capsys.readouterr()
    said = capsys.readouterr().out
    assert "Every amount agrees to the fen." in said and "the bill is settled" in said
    assert re.search(r"Killed server, worker or provider [1-9]", said)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_bill_agrees_with_the_files_and_one_fen_too_much_is_found(
    tmp_path: Path, database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def add_a_fen(agrees: Check) -> None:
        assert agrees() and "Every amount agrees to the fen." in capsys.readouterr().out
        line = "SELECT max(id) FROM bill_lines WHERE gross_fen > 0"
        tamper(database_url, f"UPDATE bill_lines SET gross_fen = gross_fen + 1, net_fen = net_fen + 1 WHERE id = ({line})")

    assert main(tour(tmp_path, database_url, *SHORT), before_check=add_a_fen) == 1
    assert "DIFFERS" in capsys.readouterr().out


def test_a_marketplace_that_ends_is_told_at_once_and_with_its_last_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(tour(tmp_path, "postgresql://nobody@127.0.0.1:9/nothing", *SHORT)) == 1
    said = capsys.readouterr().err
    assert "has ended (exit code 1)" in said and "The database cannot be used" in said


def test_nobody_waits_for_a_server_that_nobody_will_start_again(tmp_path: Path) -> None:
    world = World(tmp_path, ports.claim(), subprocess.Popen(["true"]))
    world.process.wait()
    with closing(Visitor(world)) as visitor, pytest.raises(RuntimeError, match="has ended"):
        visitor.go("/")


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", range(1, 5))
def test_many_kills_on_a_long_tour(
    tmp_path: Path, database_url: str, seed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(tour(tmp_path, database_url, "--files", "150", "--kill", "--seed", str(seed))) == 0, (
        capsys.readouterr()
    )
