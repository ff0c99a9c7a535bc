"""Metering: what was used, exactly as reported.

Owns        usage events, those that were refused, day counters, quantities.
Not here    prices (rating), bills (billing), who may send (api).
Invariants  events are only ever added; one (provider, source, id) is one event for ever; counters move
            in the events' transaction and can be worked out again from them (`verify`).
"""

from market.metering.actions import REACH, SKEW, ingest
from market.metering.envelope import load
from market.metering.models import Band, RefusedEvent, UsageCounter, UsageEvent
from market.metering.quantities import dailies, daily, quantities, quantity
from market.metering.queries import (
    events_of,
    hold_all,
    last_event_at,
    refused_of,
    subscription_names,
    unresolved_count,
)
from market.metering.replay import replay
from market.metering.verdicts import REASONS, BadEvent, EventRefused, Outcome, Receipt, Verdict
from market.metering.verification import Difference, verify

__all__ = [
    "REACH",
    "REASONS",
    "SKEW",
    "BadEvent",
    "Band",
    "Difference",
    "EventRefused",
    "Outcome",
    "Receipt",
    "RefusedEvent",
    "UsageCounter",
    "UsageEvent",
    "Verdict",
    "dailies",
    "daily",
    "events_of",
    "hold_all",
    "ingest",
    "last_event_at",
    "load",
    "quantities",
    "quantity",
    "refused_of",
    "replay",
    "subscription_names",
    "unresolved_count",
    "verify",
]
