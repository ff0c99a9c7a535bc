"""The bank's statements: every line of them once, and whose money it was.

Owns        imported files, their lines, reading CSV, camt.053 and MT940, whose transfer a line is.
Not here    what is owed (billing), payments and their codes (payments), books (ledger).
Invariants  a line is stored once, whatever file brings it again; nothing is booked on an amount alone; what came in
            goes to bills, to the balance or back, and never to more than came in.
"""

from market.payments.statements.entries import Entry, StatementUnreadable, account_key, payer_key
from market.payments.statements.going_out import line_of, lines_for, note_refund, pay_refund, reference_of
from market.payments.statements.importing import (
    LARGEST,
    Looked,
    Preview,
    discard,
    preview,
    read_as,
    receive,
    take_in,
)
from market.payments.statements.models import (
    AllocationKind,
    BankAllocation,
    BankLine,
    BankStatement,
    LineStatus,
    PayerName,
    Reason,
    StatementStatus,
)
from market.payments.statements.queries import (
    WAITING,
    buyer_by_id,
    firms_like,
    line_by_id,
    lines,
    lines_of,
    name_of,
    names_of,
    result,
    statement_by_id,
    statements,
    transfers_of,
)
from market.payments.statements.refusals import (
    AllocationInvalid,
    LayoutIncomplete,
    LineChanged,
    LineFinished,
    NobodysLine,
    PayerNameTaken,
    StatementChanged,
    StatementFinished,
)
from market.payments.statements.settling import allocate, attach, detach, forget_name, give_back, proposal
from market.payments.statements.table import MOST_LINES, ROLES

__all__ = [
    "LARGEST", "MOST_LINES", "ROLES", "WAITING", "AllocationInvalid", "AllocationKind", "BankAllocation", "BankLine", "BankStatement",
    "Entry", "LayoutIncomplete", "LineChanged", "LineFinished", "LineStatus", "Looked", "NobodysLine", "PayerName", "PayerNameTaken", "Preview",
    "Reason", "StatementChanged", "StatementFinished", "StatementStatus", "StatementUnreadable", "account_key", "allocate", "attach", "buyer_by_id",
    "detach", "discard", "firms_like", "forget_name", "give_back", "line_by_id", "line_of", "lines", "lines_for", "lines_of", "name_of", "names_of", "note_refund",
    "pay_refund", "payer_key", "preview", "proposal", "read_as", "receive", "reference_of", "result", "statement_by_id", "statements", "take_in", "transfers_of",
]  # fmt: skip
