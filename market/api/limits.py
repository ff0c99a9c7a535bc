"""How often one key may ask: a token bucket for each, in each server process; and how many may write at once."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable

from market.errors import MarketError

#: How many callers are remembered at most; those who have been quiet for long are forgotten first.
MOST_CALLERS = 10_000


class TooManyRequests(MarketError):
    """The key has used up what it may ask for the moment."""

    status, code = 429, "too_many_requests"
    message = "请求太频繁。请按 Retry-After 等一会儿再发；用同一编号重发不会重复计费。"


class Limiter:
    """At most `burst` requests at once, refilled by `per_second`."""

    def __init__(self, *, burst: int, per_second: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.burst, self.per_second, self.clock = burst, per_second, clock
        self._buckets: dict[str, tuple[float, float]] = {}
        self._lock = threading.Lock()

    @property
    def policy(self) -> str:
        """The rule as the `RateLimit-Policy` header says it."""
        return f'"key";q={self.burst};w={math.ceil(self.burst / self.per_second)}'

    def take(self, key: str) -> int:
        """Count a request; 0 lets it pass, otherwise the seconds to wait."""
        now = self.clock()
        with self._lock:
            left, seen = self._buckets.get(key, (float(self.burst), now))
            left = min(float(self.burst), left + (now - seen) * self.per_second)
            passes = left >= 1
            self._buckets[key] = (left - 1 if passes else left, now)
            if len(self._buckets) > MOST_CALLERS:
                self._forget_quiet(now)
        return 0 if passes else max(1, math.ceil((1 - left) / self.per_second))

    def _forget_quiet(self, now: float) -> None:
        """Drop the full buckets, which are as good as none, or all when many call at once."""
        full = self.burst / self.per_second
        self._buckets = {key: (left, seen) for key, (left, seen) in self._buckets.items() if now - seen < full}
        if len(self._buckets) > MOST_CALLERS:
            self._buckets.clear()


class Turns:
    """At most `together` requests of one caller at once in each server process; the others wait for their turn.

    Those who write what others write too would else wait for each other inside the database, where it costs far more.
    """

    def __init__(self, together: int) -> None:
        self.together = together
        self._gates: dict[int, threading.Semaphore] = {}

    def take(self, caller: int) -> threading.Semaphore:
        """Wait for a turn; `release` the semaphore when the transaction is over."""
        gate = self._gates.setdefault(caller, threading.Semaphore(self.together))
        gate.acquire()
        return gate
