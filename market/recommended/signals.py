"""Facts about the recommended catalogue, announced upward inside the transaction of the change."""

from __future__ import annotations

from blinker import signal

#: `entry_decided.send(entry, at=at)`: listed, declined, withdrawn or expired; its status says which.
entry_decided = signal("entry_decided")
