"""Figures: targets, ratios, the table and the exit code."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from benchmarks.__main__ import main
from benchmarks.databases import NoRoom
from benchmarks.figures import Figure, Reference, percentile, table


def fast_and_slow(*, quick: bool) -> Iterator[Figure]:
    """One target met, one missed."""
    yield Figure("fast", 10, "ms", target=20, reference=Reference("peer", 40, elsewhere=True))
    yield Figure("slow", 30, "ms", target=20, reference=Reference("limit", 15))


def fast(*, quick: bool) -> Iterator[Figure]:
    """Every target met."""
    yield Figure("fast", 10, "ms", target=20)


@pytest.mark.parametrize(
    ("measured", "target", "at_least", "missed"),
    [(20, 20, False, False), (20.1, 20, False, True), (20, 20, True, False), (19.9, 20, True, True), (99, None, False, False)],
)  # fmt: skip
def test_a_target_is_a_bound_that_may_be_touched(
    measured: float, target: float | None, at_least: bool, missed: bool
) -> None:
    assert Figure("a", measured, "ms", target, at_least).missed is missed


def test_the_table_marks_what_is_missed_and_what_was_measured_elsewhere() -> None:
    heading, first, second = table(list(fast_and_slow(quick=True))).splitlines()
    assert heading.split()[:2] == ["figure", "measured"]
    assert "measured elsewhere" in first and "0.25×" in first and "MISSED" not in first
    assert "2×" in second and second.endswith("MISSED") and "elsewhere" not in second


@pytest.mark.parametrize(("percent", "value"), [(50, 5), (95, 10), (90, 9), (100, 10)])
def test_a_percentile_is_a_value_that_occurred(percent: int, value: int) -> None:
    assert percentile([10, 3, 5, 1, 2, 4, 9, 6, 8, 7], percent) == value


def test_a_missed_target_is_the_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([], {"a": fast}) == 0
    assert "Every target is met" in capsys.readouterr().out
    assert main([], {"a": fast, "b": fast_and_slow}) == 1
    assert "Missed: slow." in capsys.readouterr().out


def test_programs_get_json_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--json"], {"a": fast_and_slow})
    told = json.loads(capsys.readouterr().out)
    assert told["missed"] == ["slow"]
    assert told["benchmarks"][0]["figures"][0]["reference"] == {
        "name": "peer",
        "value": 40,
        "measured_elsewhere": True,
    }
    assert told["benchmarks"][0]["figures"][1]["ratio"] == 2


def test_an_unknown_name_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["speed"], {"a": fast})
    assert "speed" in capsys.readouterr().err


def no_room(*, quick: bool) -> Iterator[Figure]:
    """A disk that is too small."""
    raise NoRoom("3.0 GB free; this needs up to 17 GB")
    yield


def test_a_disk_that_is_too_small_is_told_in_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([], {"deep": no_room}) == 2
    assert "deep: 3.0 GB free" in capsys.readouterr().err
