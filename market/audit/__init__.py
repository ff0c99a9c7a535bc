"""Audit: who did what to which thing.

Owns        the trail of changes.
Not here    request logs (web), usage events (metering).
Invariants  rows are only ever added, in the transaction of the change they describe.
"""

from market.audit.actions import Actor, record, system
from market.audit.models import AuditEvent
from market.audit.queries import event_by_id, events, history

__all__ = ["Actor", "AuditEvent", "event_by_id", "events", "history", "record", "system"]
