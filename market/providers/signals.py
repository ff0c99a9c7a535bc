"""Facts about providers, announced upward inside the transaction of the change."""

from __future__ import annotations

from blinker import signal

#: Sent as `provider_changed.send(provider, at=at)` when what buyers see of a provider changes.
provider_changed = signal("provider_changed")
#: Sent as `recheck_near.send(provider, days=30, at=at)` when a provider has to be looked at again within so many days,
#: 0 from the day on which it is due. Sent again and again until then; whoever tells people does so once for each.
recheck_near = signal("recheck_near")
#: Sent as `webhook_stopped.send(provider, at=at)` when a provider's system has said that it wants no more.
webhook_stopped = signal("webhook_stopped")
