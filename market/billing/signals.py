"""Facts about bills, announced upward inside the transaction of the change; receivers only add rows."""

from __future__ import annotations

from blinker import signal

#: Sent as `bill_finalized.send(bill, at=at)` when a bill has got its number and cannot change any more.
bill_finalized = signal("bill_finalized")

#: Sent once as `bills_finalized.send(bills, at=at)` for all that were issued together, after the signal of each.
bills_finalized = signal("bills_finalized")

#: Sent as `bill_paid.send(bill, at=at)` when nothing is owed any more, also at once for a bill of ¥0.00.
bill_paid = signal("bill_paid")
