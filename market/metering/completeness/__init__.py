"""Completeness: whether all usage is here.

Owns        what providers say about how far their reports reach, and meters that have fallen silent.
Not here    the events themselves (metering).
Invariants  a provider's word never goes back; one silence is told once.
"""

from market.metering.completeness.heartbeats import beat, complete_until
from market.metering.completeness.models import Heartbeat, Silence
from market.metering.completeness.silences import silences_in, silences_of, watch

__all__ = ["Heartbeat", "Silence", "beat", "complete_until", "silences_in", "silences_of", "watch"]
