"""Who an event is, in sixteen bytes: what makes doing it twice harmless, for ever and at any size.

A key is two hashes of eight bytes, the first over the id without its last characters. Ids that count up,
as those of most programs do, then lie side by side in the index, so that a batch touches a few of its pages
rather than one for each event; random ids cost what any hash would. Two different ids of one provider share a key with
the odds of 1 : 2^64 at most, and then the second is refused as a conflict, never lost in silence.
"""

from __future__ import annotations

from datetime import datetime
from hashlib import blake2b
from typing import NamedTuple

#: How many of an id's last characters may differ among neighbours.
_TAIL = 3


class Identity(NamedTuple):
    """What is remembered of an event for ever."""

    payload: bytes
    #: The number of the event.
    event: int
    at: datetime
    stored_at: datetime


class Keys:
    """The keys of ids of one provider and source. Remembers the neighbourhoods, so use one for each request."""

    def __init__(self, provider_id: int, source: str) -> None:
        realm = blake2b(f"{provider_id} {source}".encode(), digest_size=16).digest()
        #: Copying a hash that has seen nothing yet is quicker than making one.
        self._blank = blake2b(digest_size=8, salt=realm)
        self._near: dict[str, bytes] = {}

    def of(self, event_id: str) -> bytes:
        """The key of an id."""
        head = event_id[:-_TAIL]
        near = self._near.get(head)
        if near is None:
            hash = self._blank.copy()
            hash.update(head.encode())
            near = self._near[head] = hash.digest()
        hash = self._blank.copy()
        hash.update(event_id.encode())
        return near + hash.digest()


_blank = blake2b(digest_size=16)


def digest_of(content: bytes) -> bytes:
    """Sixteen bytes that tell one canonical event from any other."""
    hash = _blank.copy()
    hash.update(content)
    return hash.digest()
