"""Audit: who did what to which thing, provably.

Owns        the trail of changes, the chain of hashes that seals it, its published heads.
Not here    request logs (web), usage events (metering).
Invariants  rows are only ever added, in the transaction of the change they describe; every committed row has its
            place in the chain; erasing a person changes no hash.
"""

from market.audit.actions import Actor, Change, forget, publish_head, record, record_all, system
from market.audit.masking import masked
from market.audit.models import FORGOTTEN, AuditEvent, AuditHead, AuditLink
from market.audit.queries import (
    Narrowed,
    event_by_id,
    event_of,
    events,
    every,
    history,
    link_of,
    newest,
    published_heads,
)
from market.audit.sealing import sealed_text
from market.audit.verification import Head, Report, verify
from market.audit.verification import size as chain_length

__all__ = [
    "FORGOTTEN", "Actor", "AuditEvent", "AuditHead", "AuditLink", "Change", "Head", "Narrowed", "Report", "chain_length",
    "event_by_id", "event_of", "events", "every", "forget", "history", "link_of", "masked", "newest", "publish_head",
    "published_heads", "record", "record_all", "sealed_text", "system", "verify",
]  # fmt: skip
