"""Doing things at the same moment, each in a transaction of its own."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from market import db


def together(*acts: Callable[[], object]) -> list[object]:
    """Run all at once; the answers or refusals, in the order given."""
    ready = Barrier(len(acts))

    def run(act: Callable[[], object]) -> object:
        ready.wait()
        try:
            with db.transaction():
                return act()
        except Exception as refusal:
            return refusal

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))
