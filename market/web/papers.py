"""Bills as papers, for the faces that show them: with what has been paid, on the page or as a file."""

from flask import Response

from market import billing, payments
from market.billing import Bill, BillView


def view(bill: Bill, locale: str) -> BillView:
    """The bill with what has arrived for it."""
    receipts = [
        billing.Receipt(arrival.amount_fen, arrival.arrived_on, arrival.payer_name)
        for arrival in payments.arrivals_of(bill)
    ]
    return billing.view(bill, locale, receipts=receipts)


def pdf(bill: Bill, locale: str) -> Response:
    """The bill as a PDF, to be saved under its number."""
    seen = view(bill, locale)
    answer = Response(billing.pdf(seen), mimetype="application/pdf")
    answer.headers["Content-Disposition"] = f'attachment; filename="{billing.file_name(seen)}"'
    return answer
