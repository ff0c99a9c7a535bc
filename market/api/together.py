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

    def wait(self) -> None:
        """Until another thread calls `wake`."""
        assert self._turn is not None
        self._turn.acquire()

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

    What comes while nobody works is done at once and alone. What comes later waits until somebody has finished, who
    hands the work on; or until as much waits as is `worth` another thread's work beside the first.
    `do` must not raise; when it does, the wishes count as done all the same.
    """

    def __init__(self, do: Callable[[Sequence[W]], object], *, abreast: int, worth: int, most: int) -> None:
        self._do, self._abreast, self._worth, self._most = do, abreast, worth, most
        self._lock = threading.Lock()
        self._working = self._size = 0
        self._waiting: deque[W] = deque()

    def have_done(self, wish: W) -> None:
        """Return when the wish is done, by this thread or another."""
        with self._lock:
            waits = self._working > 0 and (self._working >= self._abreast or self._size + wish.size < self._worth)
            if waits:
                wish.await_turn()
                self._waiting.append(wish)
                self._size += wish.size
            else:
                self._working += 1
        if waits:
            wish.wait()
            if wish.done:
                return
        group = self._gather(wish)
        try:
            self._do(group)
        finally:
            self._finish(group)

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
            if self._waiting:
                self._next().wake()
            else:
                self._working -= 1

    def _next(self) -> W:
        """Who has waited longest; call it with the lock."""
        wish = self._waiting.popleft()
        self._size -= wish.size
        return wish
