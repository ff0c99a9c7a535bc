"""Doing at once what several threads want at the same time: the first does the work of all who wait by then."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar


class Wish:
    """What one thread wants done; `size` counts towards what fits into one go."""

    __slots__ = ("_turn", "done", "size")

    def __init__(self, size: int) -> None:
        self.size = size
        self.done = False
        #: Held until this thread may go on: its wish is done, or it is its turn to do those that wait.
        self._turn: threading.Lock | None = None

    def wait(self, seconds: float = -1) -> None:
        """Until another thread calls `wake`, so long at most."""
        assert self._turn is not None
        self._turn.acquire(timeout=seconds)

    def await_turn(self) -> None:
        """From here on this wish can be waited for."""
        self._turn = threading.Lock()
        self._turn.acquire()

    def wake(self) -> None:
        """Let its thread go on."""
        assert self._turn is not None
        self._turn.release()


W = TypeVar("W", bound=Wish)


class Together(Generic[W]):
    """Wishes are done by `do`, several at once, `most` in size; at most `abreast` threads do so at a time.

    What comes while nobody works is done at once. What comes later waits until somebody has finished, who
    hands the work on; or until as much waits as is `worth` another thread's work beside the first.
    Less than that is begun with as many wishes as there were the last time, or without those that have not come back within
    `patience` seconds: whoever has just been answered is likely to ask again.
    `do` must not raise; when it does, the wishes count as done all the same.
    """

    def __init__(self, do: Callable[[Sequence[W]], object], *, abreast: int, worth: int, most: int, patience: float = 0) -> None:
        self._do, self._abreast, self._worth, self._most, self._patience = do, abreast, worth, most, patience
        self._lock = threading.Lock()
        self._working = self._size = 0
        self._waiting: deque[W] = deque()
        #: How many were done or waiting when somebody finished last.
        self._lately = 1
        #: Whose thread would work already, were it not for others that may come.
        self._first: W | None = None

    def have_done(self, wish: W) -> None:
        """Return when the wish is done, by this thread or another."""
        with self._lock:
            waits = self._first is not None or self._working > 0 and (
                self._working >= self._abreast or self._size + wish.size < self._worth
            )
            if waits:
                wish.await_turn()
                self._waiting.append(wish)
                self._size += wish.size
                if self._first and self._are_enough(self._first):
                    self._first.wake()
                    self._first = None
            else:
                self._working += 1
        if waits:
            wish.wait()
            if wish.done:
                return
        if self._patience:
            self._await_others(wish)
        group = self._gather(wish)
        try:
            self._do(group)
        finally:
            self._finish(group)

    def _await_others(self, first: W) -> None:
        with self._lock:
            if self._first or self._are_enough(first):
                return
            first.await_turn()
            self._first = first
        first.wait(self._patience)
        with self._lock:
            if self._first is first:
                self._first = None

    def _are_enough(self, first: W) -> bool:
        return len(self._waiting) + 1 >= self._lately or first.size + self._size >= self._worth

    def _gather(self, first: W) -> list[W]:
        group, size = [first], first.size
        with self._lock:
            while self._waiting and size + self._waiting[0].size <= self._most:
                group.append(self._next())
                size += group[-1].size
        return group

    def _finish(self, group: Sequence[W]) -> None:
        for wish in group[1:]:
            wish.done = True
            wish.wake()
        with self._lock:
            self._lately = len(group) + len(self._waiting)
            if self._waiting:
                self._next().wake()
            else:
                self._working -= 1

    def _next(self) -> W:
        """Who has waited longest; call it with the lock."""
        wish = self._waiting.popleft()
        self._size -= wish.size
        return wish
