"""Facts about providers, announced upward inside the transaction of the change."""

from __future__ import annotations

from blinker import signal

#: Sent as `provider_changed.send(provider, at=at)` when what buyers see of a provider changes.
provider_changed = signal("provider_changed")
