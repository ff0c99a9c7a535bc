"""Facts about payments, announced upward inside the transaction of the change; receivers only add rows."""

from __future__ import annotations

from blinker import signal

#: Sent as `payment_announced.send(payment, at=at)` when a buyer says that she has transferred the money.
payment_announced = signal("payment_announced")

#: Sent as `transfers_taken.send(statement, at=at)` when a statement of the bank was taken in with its lines.
transfers_taken = signal("transfers_taken")

#: Sent as `transfer_settled.send(line, at=at)` when all of a line's money went to bills, to a balance or back.
transfer_settled = signal("transfer_settled")

#: Sent as `payment_arrived.send(payment, at=at)` when money is credited to a bill; `payment.bill` is loaded.
payment_arrived = signal("payment_arrived")
