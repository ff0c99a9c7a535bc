"""Payments: money promised and money that arrived.

Owns        payments through gateways, bank arrivals, remittance codes.
Not here    what is owed (billing), what providers get (settlement).
Invariants  at most one open payment per bill and gateway; a bank reference is booked once; a bill never gets
            more than it asks for; everything here may be done twice.
"""

from market.payments.actions import GATEWAYS, announce, confirm_arrival, instructions, start
from market.payments.bank_transfer import BankTransfer
from market.payments.following import follow
from market.payments.gateway import Gateway, Gateways
from market.payments.models import LIFECYCLE, BankArrival, Payment, PaymentProof, PaymentStatus
from market.payments.proofs import MOST_PROOFS, TooManyProofs, add_proof, proof_of, proofs_of
from market.payments.queries import (
    OPEN,
    arrival_days,
    arrivals_of,
    awaiting,
    awaiting_count,
    last_arrivals,
    open_payment_of,
    payment_by_id,
    payment_of,
    settled,
)
from market.payments.refusals import (
    AmountDiffers,
    AmountTooLarge,
    ArrivalInvalid,
    NotAwaited,
    NothingToPay,
    ReferenceTaken,
)
from market.payments.signals import payment_announced, payment_arrived, transfer_settled, transfers_taken

__all__ = [
    "GATEWAYS",
    "LIFECYCLE",
    "MOST_PROOFS",
    "OPEN",
    "AmountDiffers",
    "AmountTooLarge",
    "ArrivalInvalid",
    "BankArrival",
    "BankTransfer",
    "Gateway",
    "Gateways",
    "NotAwaited",
    "NothingToPay",
    "Payment",
    "PaymentProof",
    "PaymentStatus",
    "ReferenceTaken",
    "TooManyProofs",
    "add_proof",
    "announce",
    "arrival_days",
    "arrivals_of",
    "awaiting",
    "awaiting_count",
    "confirm_arrival",
    "follow",
    "instructions",
    "last_arrivals",
    "open_payment_of",
    "payment_announced",
    "payment_arrived",
    "payment_by_id",
    "payment_of",
    "proof_of",
    "proofs_of",
    "settled",
    "start",
    "transfer_settled",
    "transfers_taken",
]
