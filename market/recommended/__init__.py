"""The recommended catalogue 推荐目录: which offerings an office recommends, why, and until when.

Owns        editions, nominations, decisions, listings and their end.
Not here    offerings and their words (catalog), the pages (admin, storefront).
Invariants  whoever nominates does not decide (a CHECK holds it in the database too); every entry has a public
            reason in Chinese; an entry is listed until its edition's last day at most; an offering has at most
            one open entry in an edition.
"""

from market.recommended.actions import (
    AlreadyNominated,
    EditionOver,
    NotLive,
    SamePerson,
    add_edition,
    approve,
    decline,
    expire_due,
    nominate,
    withdraw,
)
from market.recommended.models import Edition, Entry, EntryStatus
from market.recommended.queries import (
    candidate,
    candidates,
    current_edition,
    edition_by_slug,
    editions,
    entries,
    entry_by_id,
    listed,
    listed_for,
    listed_ids,
    once_listed,
    past_editions,
    waiting,
)
from market.recommended.signals import entry_decided

__all__ = [
    "AlreadyNominated",
    "Edition",
    "EditionOver",
    "Entry",
    "EntryStatus",
    "NotLive",
    "SamePerson",
    "add_edition",
    "approve",
    "candidate",
    "candidates",
    "current_edition",
    "decline",
    "edition_by_slug",
    "editions",
    "entries",
    "entry_by_id",
    "entry_decided",
    "expire_due",
    "listed",
    "listed_for",
    "listed_ids",
    "nominate",
    "once_listed",
    "past_editions",
    "waiting",
    "withdraw",
]
