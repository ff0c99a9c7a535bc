"""Sweeps: one that fails rests, says so in a line, and goes on where it was."""

from __future__ import annotations

import errno
from datetime import datetime

import pytest
import structlog

from market import db, jobs
from market.jobs import SWEEPS, Sweep


class Work:
    """Counts its calls and fails while told to."""

    def __init__(self, failure: Exception | None) -> None:
        self.failure = failure
        self.calls = 0

    def __call__(self, now: datetime) -> None:
        self.calls += 1
        if self.failure:
            raise self.failure


def test_a_full_disk_is_told_in_one_line_and_less_and_less_often(database: None) -> None:
    work = Work(OSError(errno.ENOSPC, "No space left on device"))
    sweep = Sweep("search", work, 1)
    with structlog.testing.capture_logs() as lines:
        assert not sweep.run()
        assert sweep.run()  # it rests
    assert work.calls == 1
    assert [(line["event"], line["sweep"], line["again_in_seconds"]) for line in lines] == [("sweep_failed", "search", 2)]
    assert "exc_info" not in lines[0]


def test_a_sweep_that_recovers_starts_from_the_shortest_rest_again(
    database: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = [1000.0]
    monkeypatch.setattr(jobs.time, "monotonic", lambda: moment[0])
    work = Work(RuntimeError("broken"))
    sweep = Sweep("bills", work, 5)
    for _ in range(6):
        sweep.run()
        moment[0] += jobs.LONGEST_REST
    assert sweep.failures == 6 and sweep.rests_until - moment[0] == 0
    work.failure = None
    assert sweep.run() and sweep.failures == 0


def test_every_sweep_finds_nothing_to_do_in_an_empty_marketplace_and_leaves_no_transaction_open(database: None) -> None:
    for sweep in SWEEPS:
        assert sweep.run(), sweep.name
        assert not db.session.registry.has(), f"{sweep.name} keeps everybody else from writing, and nothing of it is committed"
