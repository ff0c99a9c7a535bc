"""Bills as papers, for the faces that show them: with what has been paid, on the page or as a file.

A long bill is shown a page at a time; a file says the sums of one that would fill a ream, and where its lines are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from flask import Response

from market import billing, payments
from market.billing import Bill, BillView, Drawn, Noted, Part, Receipt, Reopening, credit_notes
from market.billing.credit_notes import CreditNote
from market.kit.period import local_day
from market.payments import Payment
from market.web import paging

#: Lines on one page of the screen, and how many are still printed: 1,000 take a second and 85 MB, 10,000 ten times that.
SIZE = 80
MOST_PRINTED = 1000


class Shown(NamedTuple):
    """A bill on the screen; `page` where it has more lines than fit on one."""

    view: BillView
    page: paging.Page | None


def shown(bill: Bill, locale: str) -> Shown:
    """The part of a bill that the address asks for; the bill is loaded without its lines."""
    sizes = billing.sizes_of(bill)
    total = sum(sizes.values())
    number = min(paging.current_number(), max(1, -(-total // SIZE)))
    part = billing.part_of(bill, start=(number - 1) * SIZE, size=SIZE, sizes=sizes)
    return Shown(view(bill, locale, part), None if part.whole else paging.Page(part.lines, number, SIZE, total))


def view(bill: Bill, locale: str, part: Part) -> BillView:
    """The bill with what has arrived for it."""
    receipts = [_received(payment, fen, locale) for payment, fen in payments.received_for(bill)]
    used = [entry for entry in credit_notes.applied_to(bill) if entry.amount_fen < 0]
    drawn = [billing.Drawn(-entry.amount_fen, local_day(entry.at)) for entry in used]
    reopened = [billing.Reopened(each.amount_fen, local_day(each.at)) for each in _reopenings(bill, [*receipts, *drawn])]
    noted = [_noted(note) for note in credit_notes.of_bill(bill) if note.voided_at is None]
    return billing.view(bill, locale, receipts=receipts, drawn=drawn, reopened=reopened, noted=noted, part=part)


def _reopenings(bill: Bill, paid: Sequence[Receipt | Drawn]) -> Sequence[Reopening]:
    """How it came to be owed again; most bills never were, and all that was paid still pays them."""
    return [] if sum(each.amount_fen for each in paid) == bill.paid_fen else billing.reopenings_of(bill)


def _received(payment: Payment, fen: int, locale: str) -> billing.Receipt:
    """By a transfer its payer is named, otherwise how it was paid."""
    if payment.arrival is not None:
        return billing.Receipt(fen, payment.arrival.arrived_on, payment.arrival.payer_name)
    return billing.Receipt(fen, local_day(payments.came_at(payment)), "", payments.way_of(payment, locale))


def _noted(note: CreditNote) -> Noted:
    day = local_day(note.issued_at)
    return Noted(note.number, day, note.gross_fen, note.offset_fen, note.balance_fen, note.refund_fen)


def pdf(bill: Bill, locale: str) -> Response:
    """The bill as a PDF, to be saved under its number; loaded without its lines."""
    sizes = billing.sizes_of(bill)
    printed = MOST_PRINTED if sum(sizes.values()) <= MOST_PRINTED else 0
    seen = view(bill, locale, billing.part_of(bill, start=0, size=printed, sizes=sizes))
    answer = Response(billing.pdf(seen), mimetype="application/pdf")
    answer.headers["Content-Disposition"] = f'attachment; filename="{billing.file_name(seen)}"'
    return answer
