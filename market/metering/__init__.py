"""Metering: what was used, exactly as reported.

Owns        usage events and who they are, those that were refused, day counters, quantities.
Not here    prices (rating), bills (billing), who may send (api).
Invariants  events are only ever added; one (provider, source, id) is one event for ever; counters move
            in the events' transaction and can be worked out again from them (`verify`).
"""

from market.metering import archived, windows
from market.metering.actions import Disappointed, Intake, Legible, ingest, read, take_in
from market.metering.archived import EventsArchived
from market.metering.census import Fault
from market.metering.counters import rework
from market.metering.envelope import Body, joined, load, split
from market.metering.evidence import Entry, Proved, asking, entries, evidence, proved
from market.metering.history import corrected, history
from market.metering.hourly import hours
from market.metering.inspection import Finding, Looked, inspect
from market.metering.lanes import REACH, SKEW, Billed, ClosedUntil
from market.metering.log import Stretch, Wanted, event_of, first_event_at, stretch, types_of, worth
from market.metering.measuring import Measured, Question, measure
from market.metering.models import Band, Kind, RefusedEvent, UsageCounter, UsageEvent, UsageValue
from market.metering.months import prepare as prepare_months
from market.metering.quantities import (
    DayUse,
    courses,
    dailies,
    daily,
    grouped,
    quantities,
    quantity,
    transactions,
)
from market.metering.queries import (
    events_of,
    hold_all,
    last_event_at,
    last_used,
    subscription_names,
)
from market.metering.readers import Party, meter_for, meters_for, priced_meter, subjects_for
from market.metering.recount import DayCount, Recount, recount
from market.metering.refused import KEPT as KEPT_REFUSED
from market.metering.refused import (
    is_open,
    refused_event_of,
    refused_of,
    settle_due,
    unresolved_count,
)
from market.metering.remarks import Remark, remarks
from market.metering.replay import replay
from market.metering.replay import transactions as replay_transactions
from market.metering.resending import AlreadySettled, judge_text, resend, set_aside
from market.metering.retelling import retold
from market.metering.singly import transactions as single_transactions
from market.metering.totals import ADDING, Service, totals
from market.metering.verdicts import REASONS, BadEvent, EventRefused, Outcome, Receipt, Verdict, Verdicts
from market.metering.verification import Difference, verify

__all__ = [
    "ADDING",
    "KEPT_REFUSED",
    "REACH",
    "REASONS",
    "SKEW",
    "AlreadySettled",
    "BadEvent",
    "Band",
    "Billed",
    "ClosedUntil",
    "DayCount",
    "Body",
    "DayUse",
    "Difference",
    "Disappointed",
    "Entry",
    "EventRefused",
    "EventsArchived",
    "Fault",
    "Finding",
    "Intake",
    "Kind",
    "Legible",
    "Looked",
    "Measured",
    "Outcome",
    "Party",
    "Proved",
    "Question",
    "Receipt",
    "Recount",
    "RefusedEvent",
    "Remark",
    "Service",
    "Stretch",
    "UsageCounter",
    "UsageEvent",
    "UsageValue",
    "Verdict",
    "Verdicts",
    "Wanted",
    "archived",
    "asking",
    "corrected",
    "courses",
    "dailies",
    "daily",
    "event_of",
    "events_of",
    "entries",
    "evidence",
    "first_event_at",
    "grouped",
    "history",
    "hold_all",
    "hours",
    "ingest",
    "inspect",
    "is_open",
    "joined",
    "judge_text",
    "last_event_at",
    "last_used",
    "load",
    "measure",
    "meter_for",
    "meters_for",
    "prepare_months",
    "priced_meter",
    "proved",
    "quantities",
    "quantity",
    "read",
    "recount",
    "refused_event_of",
    "refused_of",
    "remarks",
    "replay",
    "replay_transactions",
    "resend",
    "retold",
    "rework",
    "set_aside",
    "settle_due",
    "split",
    "stretch",
    "subjects_for",
    "subscription_names",
    "single_transactions",
    "take_in",
    "totals",
    "transactions",
    "types_of",
    "unresolved_count",
    "verify",
    "windows",
    "worth",
]
