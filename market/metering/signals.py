"""Facts about usage, announced upward inside the transaction of the change; receivers only add rows."""

from __future__ import annotations

from blinker import Namespace

_signals = Namespace()

#: `usage_corrected.send(correction, at=)`: a correction counts from now on.
usage_corrected = _signals.signal("usage-corrected")
#: `correction_proposed.send(correction, at=)`: it waits for a second person of the provider.
correction_proposed = _signals.signal("correction-proposed")
#: `meter_silent.send(silence, at=)`: a meter that used to report has stopped. Sent once for each silence.
meter_silent = _signals.signal("meter-silent")
#: `day_disputed.send(day, at=)`: the buyer objects to a day; `dispute_answered.send(day, at=)`: the provider has answered.
day_disputed = _signals.signal("day-disputed")
dispute_answered = _signals.signal("dispute-answered")
