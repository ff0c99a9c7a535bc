"""What nobody needs any more: old counts, sessions, links and challenges."""

from __future__ import annotations

from datetime import datetime

from market.credentials.challenges import sweep_challenges
from market.credentials.sessions import sweep_sessions
from market.credentials.throttle import sweep_throttles
from market.credentials.tokens import sweep_tokens


def sweep(now: datetime) -> int:
    """Forget all of it; returns how many rows."""
    return sweep_throttles(now) + sweep_sessions(now) + sweep_tokens(now) + sweep_challenges(now)
