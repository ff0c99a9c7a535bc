"""Dunning 催款: what happens, step by step and as announced, when a bill is not paid.

Owns        the stated sequence and its versions, the steps taken about each bill, holds by administrators.
Not here    what is owed (billing), money that moves (payments), stopping a subscription (subscriptions), letters
            (notifications).
Invariants  each step is taken once while a bill is owed; services are stopped on no day before the one that a last
            notice named, and no data goes before the day that the announcement of the end names; a bill that is paid
            stops everything and reinstates at once; a bill keeps the sequence that held when it was issued.
"""

from market.dunning.actions import advance, ask_cards, run, settle, turns
from market.dunning.cases import case_of, holds_of, sequence_at, versions_of_sequence
from market.dunning.course import Case, Coming, Done, Turn, Wait, coming, day_of, turn, upcoming
from market.dunning.holding import LONGEST_HOLD, Wanted, change_sequence, hold, lift
from market.dunning.models import Hold, Outcome, SequenceVersion, Step
from market.dunning.queries import (
    WAITS,
    Age,
    Standing,
    ages,
    candidate_count,
    candidates,
    days_over,
    firms,
    firms_stopped,
    hold_by_id,
    overdue_bill,
    overdue_by_firm,
    overdue_of,
    standing_of,
    steps_by_bill,
    steps_of,
    stopped_count,
)
from market.dunning.refusals import (
    ChangedMeanwhile,
    NotHeld,
    NothingToTake,
    StepTaken,
    StepWaits,
    TooEarly,
    UnpaidFirst,
)
from market.dunning.sequences import DEFAULT, Kind, Planned, Sequence
from market.dunning.signals import held, reinstated, step_taken

__all__ = [
    "DEFAULT", "LONGEST_HOLD", "WAITS", "Age", "Case", "ChangedMeanwhile", "Coming", "Done", "Hold", "Kind", "NotHeld",
    "NothingToTake", "Outcome", "Planned", "Sequence", "SequenceVersion", "Standing", "Step", "StepTaken", "StepWaits", "TooEarly", "Turn", "UnpaidFirst",
    "Wait", "Wanted", "advance", "ages", "ask_cards", "candidate_count", "candidates", "case_of", "change_sequence", "coming",
    "day_of", "days_over", "firms", "firms_stopped", "held", "hold", "hold_by_id", "holds_of", "lift", "overdue_bill", "overdue_by_firm", "overdue_of", "reinstated",
    "run", "sequence_at", "settle", "standing_of", "step_taken", "steps_by_bill", "steps_of", "stopped_count", "turn", "turns",
    "upcoming", "versions_of_sequence",
]  # fmt: skip
