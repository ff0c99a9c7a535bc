"""Patience with firms whose bill cannot be drawn up: tried again after a minute, then less and less often.

Known to one worker alone and forgotten when it ends, so nothing is lost: what is due still follows from the rows.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from market.billing.closing.due import Ahead
from market.billing.closing.report import Failure

FIRST = timedelta(minutes=1)
LONGEST = timedelta(hours=1)


class Patience:
    """Which firms are let rest until when; each further failure doubles the time, up to an hour."""

    def __init__(self) -> None:
        self._rests: dict[int, tuple[timedelta, datetime]] = {}

    def due(self, waiting: Iterable[Ahead], now: datetime) -> list[Ahead]:
        """Those that have rested long enough, or never failed."""
        return [ahead for ahead in waiting if now >= self._until(ahead.organization.id, now)]

    def note(self, tried: Iterable[Ahead], failures: Iterable[Failure], now: datetime) -> None:
        """What became of those that were tried."""
        failed = {failure.organization_id for failure in failures}
        for ahead in tried:
            id = ahead.organization.id
            before = self._rests.pop(id, None)
            if id in failed:
                rest = min(before[0] * 2, LONGEST) if before else FIRST
                self._rests[id] = rest, now + rest

    def _until(self, id: int, now: datetime) -> datetime:
        return self._rests[id][1] if id in self._rests else now
