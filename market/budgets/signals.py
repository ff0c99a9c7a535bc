"""Facts about budgets, announced upward inside the transaction of the change; receivers only add rows."""

from __future__ import annotations

from blinker import signal

#: Sent as `alert_reached.send(budget, percent=80, at=at)`: the month has come to this share of its amount.
alert_reached = signal("budget_alert_reached")

#: Sent as `reservation_refused.send(budget, provider=provider, asked_fen=fen, at=at)` for the first that an amount refuses.
reservation_refused = signal("budget_reservation_refused")
