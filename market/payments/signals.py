"""Facts about payments, announced upward inside the transaction of the change; receivers only add rows."""

from __future__ import annotations

from blinker import signal

#: Sent as `payment_announced.send(payment, at=at)` when a buyer says that she has transferred the money.
payment_announced = signal("payment_announced")

#: Sent as `transfers_taken.send(statement, at=at)` when a statement of the bank was taken in with its lines.
transfers_taken = signal("transfers_taken")

#: Sent as `transfer_settled.send(line, at=at)` when all of a line's money went to bills, to a balance or back.
transfer_settled = signal("transfer_settled")

#: Sent as `payment_failed.send(payment, unseen=unseen, at=at)` when a gateway says that a payment did not work; `failure`
#: says why, and `unseen` whether nobody of the firm was looking at it.
payment_failed = signal("payment_failed")

#: Sent as `payment_held.send(payment, at=at)` when other money came than was asked for: a person decides.
payment_held = signal("payment_held")

#: Sent as `dispute_opened.send(dispute, at=at)` when a cardholder's bank takes a payment back; `dispute.payment` is loaded.
dispute_opened = signal("dispute_opened")

#: Sent as `dispute_closed.send(dispute, at=at)` when it is won or lost.
dispute_closed = signal("dispute_closed")

#: Sent as `payment_arrived.send(payment, at=at)` when money has come: for a bill, for the balance or both; `payment.bill`
#: is loaded where it pays one.
payment_arrived = signal("payment_arrived")
