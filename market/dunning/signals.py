"""Facts about dunning, announced upward inside the transaction of the change; receivers only add rows."""

from __future__ import annotations

from blinker import signal

#: Sent as `step_taken.send(step, bill=bill, stops_on=day, at=at)` when a letter is due or services were stopped; `stops_on`
#: is what the step names, or the first day on which services could be stopped.
step_taken = signal("dunning_step_taken")

#: Sent as `held.send(hold, at=at)` when an administrator has put a bill, or all of a firm's, off.
held = signal("dunning_held")

#: Sent as `reinstated.send(organization, count=number, at=at)` when services that were stopped go on.
reinstated = signal("dunning_reinstated")
