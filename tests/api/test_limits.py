"""Who may write at once."""

from __future__ import annotations

import threading

from market.api.limits import Turns


def test_two_of_one_caller_write_at_once_and_the_third_waits_for_its_turn() -> None:
    turns, third = Turns(together=2), threading.Event()
    first, _second = turns.take(1), turns.take(1)

    def come() -> None:
        turns.take(1)
        third.set()

    waiting = threading.Thread(target=come)
    waiting.start()
    assert turns.take(2) is not first, "another caller need not wait"
    assert not third.is_set()
    first.release()
    waiting.join(timeout=30)
    assert third.is_set()
