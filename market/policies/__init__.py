"""Policies: the marketplace's rules and privacy policy.

Owns        their texts in versions, announcements, and who has seen and agreed to which.
Not here    the contract of a subscription (subscriptions), the letters about a change (notifications).
Invariants  a version is never changed once announced; a change holds seven whole days after its announcement at the
            earliest; versions hold in the order of their numbers.
"""

from market.policies.actions import (
    NOTICE,
    AnnouncedMeanwhile,
    agree,
    announce,
    answer,
    draft,
    first_day,
    told,
)
from market.policies.models import Consent, PolicyVersion, Subject
from market.policies.queries import (
    Notice,
    coming,
    in_force,
    newest,
    notices,
    untold,
    version_by_number,
    versions,
)
from market.policies.seed import load
from market.policies.text import Block, Change, blocks, changes

__all__ = [
    "NOTICE", "AnnouncedMeanwhile", "Block", "Change", "Consent", "Notice", "PolicyVersion", "Subject", "agree",
    "announce", "answer", "blocks", "changes", "coming", "draft", "first_day", "in_force", "load", "newest", "notices",
    "told", "untold", "version_by_number", "versions",
]  # fmt: skip
