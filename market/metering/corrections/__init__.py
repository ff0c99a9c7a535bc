"""Corrections: what was reported wrongly, taken back or replaced, by whom and why.

Owns        who asked for a correction, its reason, its second person, what it does to the month.
Not here    the counters (metering works them out anew), the difference on a bill (billing).
Invariants  a correction is an event like any other, never a change of one; an event is corrected once at a time;
            what is large counts nothing until two people have looked at it.
"""

from market.metering.corrections.actions import (
    MOST,
    NOTE_LIMIT,
    AlreadyDecided,
    Author,
    CannotApply,
    FourEyes,
    approve,
    correct,
    reject,
)
from market.metering.corrections.effects import MonthStand, Stands
from market.metering.corrections.judging import REASONS, Change, Judged, Named, events_named
from market.metering.corrections.models import (
    CorrectingEvent,
    CorrectionStatus,
    Effect,
    Reason,
    UsageCorrection,
)
from market.metering.corrections.queries import (
    about,
    correction_of,
    corrections_of,
    made,
    meters_of,
    owed,
    since,
    subjects_of,
    told_of,
    waiting_count,
    within,
)

__all__ = [
    "MOST",
    "NOTE_LIMIT",
    "REASONS",
    "AlreadyDecided",
    "Author",
    "CannotApply",
    "Change",
    "CorrectingEvent",
    "CorrectionStatus",
    "Effect",
    "FourEyes",
    "Judged",
    "MonthStand",
    "Named",
    "Reason",
    "Stands",
    "UsageCorrection",
    "about",
    "approve",
    "correct",
    "correction_of",
    "corrections_of",
    "events_named",
    "made",
    "meters_of",
    "owed",
    "reject",
    "since",
    "subjects_of",
    "told_of",
    "waiting_count",
    "within",
]
