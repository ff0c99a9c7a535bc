"""The order of the tests: each worker has its share of the long ones, and has them first."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from tests.support.order import LONG, TESTS, shared_out


def test_the_long_files_are_there() -> None:
    assert not [name for name in LONG if not (TESTS / name).is_file()]


@pytest.mark.parametrize("workers", [1, 2, 4, 30])
@pytest.mark.parametrize("short", [0, 3, 500])
def test_every_test_is_shared_out_once_and_long_ones_lead(workers: int, short: int) -> None:
    items: Any = [SimpleNamespace(path=TESTS / name) for name in ("a.py", *LONG) for _ in range(short if name == "a.py" else 5)]
    ordered = shared_out(items, workers)
    assert {id(item) for item in ordered} == {id(item) for item in items} and len(ordered) == len(items)
    if short == 500:
        at, seconds = 0, []
        for number in range(workers):
            size = (len(items) - at) // (workers - number)
            names = [item.path.relative_to(TESTS).as_posix() for item in ordered[at : at + size]]
            assert names == sorted(names, key=lambda name: name not in LONG)
            seconds.append(sum(LONG[name] for name in set(names) & LONG.keys()))
            at += size
        assert max(seconds) - min(seconds) <= max(LONG.values())
