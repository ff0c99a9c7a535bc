"""Facts about credit notes, announced upward inside the transaction of the change; receivers only add rows."""

from __future__ import annotations

from blinker import signal

#: Sent as `credit_note_issued.send(note, at=at)` when money of a bill is given back; `note.bill` is loaded.
credit_note_issued = signal("credit_note_issued")

#: Sent as `credit_note_voided.send(note, at=at)` when it was a mistake.
credit_note_voided = signal("credit_note_voided")

#: Sent as `credit_proposed.send(proposal, at=at)` when a credit waits for a second person; `proposal.bill` is loaded.
credit_proposed = signal("credit_proposed")

#: Sent as `refund_asked.send(request, at=at)` when money is to be paid back.
refund_asked = signal("refund_asked")

#: Sent as `refund_settled.send(request, at=at)` when the bank has taken it, or has not.
refund_settled = signal("refund_settled")

#: Sent as `balance_moved.send(entry, at=at)` for every movement of a balance.
balance_moved = signal("balance_moved")

#: Sent as `balance_used.send(bill, at=at)` when (part of) a bill is paid out of the balance.
balance_used = signal("balance_used")

#: Sent as `balance_granted.send(grant, at=at)` when a buyer was given something to spend here.
balance_granted = signal("balance_granted")

#: Sent as `grant_proposed.send(grant, at=at)` when a grant waits for a second person.
grant_proposed = signal("grant_proposed")

#: Sent as `balance_expiring.send(organization, lots=lots, at=at)`, once for each lot that ends soon.
balance_expiring = signal("balance_expiring")

#: Sent as `balance_deposited.send(entry, at=at)` when money that came in became balance.
balance_deposited = signal("balance_deposited")
