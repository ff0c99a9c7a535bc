"""What nobody needs any more: old counts, sessions, links, challenges and registrations."""

from __future__ import annotations

from datetime import datetime

from market.accounts import sweep_registrations
from market.credentials.challenges import sweep_challenges
from market.credentials.sessions import sweep_sessions
from market.credentials.throttle import sweep_throttles
from market.credentials.tokens import sweep_tokens


def sweep(now: datetime) -> int:
    """Forget all of it; returns how many rows."""
    return sum(each(now) for each in (sweep_throttles, sweep_sessions, sweep_tokens, sweep_challenges, sweep_registrations))
