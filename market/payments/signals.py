"""Facts about payments, announced upward inside the transaction of the change; receivers only add rows."""

from __future__ import annotations

from blinker import signal

#: Sent as `payment_announced.send(payment, at=at)` when a buyer says that she has transferred the money.
payment_announced = signal("payment_announced")

#: Sent as `payment_arrived.send(payment, at=at)` when money is credited to a bill; `payment.bill` is loaded.
payment_arrived = signal("payment_arrived")
