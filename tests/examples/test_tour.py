"""The tour: a whole marketplace from the outside, on both databases, with parts killed on the way."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from examples.tour.__main__ import Check, main

SHORT = ["--files", "10", "--days", "3"]
#: Twenty seconds on two idle cores; a slow and busy machine may take its time.
pytestmark = pytest.mark.timeout(600)


def tour(folder: Path, url: str, *arguments: str) -> list[str]:
    return ["--folder", str(folder), "--database", url, *arguments]


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
        with create_engine(database_url).begin() as connection:
            line = "SELECT max(id) FROM bill_lines WHERE gross_fen > 0"
            connection.execute(
                text(
                    f"UPDATE bill_lines SET gross_fen = gross_fen + 1, net_fen = net_fen + 1 WHERE id = ({line})"
                )
            )

    assert main(tour(tmp_path, database_url, *SHORT), before_check=add_a_fen) == 1
    assert "DIFFERS" in capsys.readouterr().out


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", range(1, 5))
def test_many_kills_on_a_long_tour(
    tmp_path: Path, database_url: str, seed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(tour(tmp_path, database_url, "--files", "150", "--kill", "--seed", str(seed))) == 0, (
        capsys.readouterr()
    )
