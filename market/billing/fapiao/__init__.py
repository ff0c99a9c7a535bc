"""Fapiao 发票: asking providers for the tax papers of bills, and what became of it.

Owns        titles, requests with their amounts, the papers that providers record, red letters.
Not here    the bill and its tax split (billing), credit notes (billing.credit_notes), the tax office: providers make
            the paper there and record it here.
Invariants  one request at a time for each provider's part of a bill; a paper says to the fen what the bill says less
            what credit notes took; a 20-digit number is recorded once; a credit note that touches an issued fapiao
            waits for its red letter.
"""

from market.billing.fapiao.amounts import Share, Sum
from market.billing.fapiao.asking import (
    LONGEST_NOTE,
    AlreadyAsked,
    NotBilledYet,
    TakenUp,
    ask,
    withdraw,
)
from market.billing.fapiao.deadlines import WORKING_DAYS, due_on
from market.billing.fapiao.issuing import LONGEST_WORDS, REASONS, NotOpen, issue, refuse, take_up
from market.billing.fapiao.mending import (
    AmountChanged,
    Mended,
    NotMendable,
    changes_of,
    mend,
    mendable,
    paper_of,
)
from market.billing.fapiao.models import (
    CLOSED,
    LIFECYCLE,
    OPEN,
    Fapiao,
    FapiaoKind,
    FapiaoRequest,
    FapiaoStatus,
    FapiaoTitle,
    RedReason,
    RefusalReason,
)
from market.billing.fapiao.papers import Paper
from market.billing.fapiao.queries import (
    Part,
    View,
    askable,
    counts,
    document_of,
    last_kind,
    lines_of,
    parts_of,
    red_at,
    request_at,
    request_of,
    requests_of,
    waiting,
    worklist,
)
from market.billing.fapiao.red import (
    NotIssued,
    RedAlready,
    RedAwaited,
    exists,
    follow,
    record_red,
    red_for,
    take_back,
)
from market.billing.fapiao.signals import (
    fapiao_amount_changed,
    fapiao_issued,
    fapiao_mended,
    fapiao_refused,
    fapiao_requested,
    red_recorded,
    red_wanted,
    reds_recorded,
)
from market.billing.fapiao.titles import (
    MOST_TITLES,
    Title,
    TooManyTitles,
    add_title,
    edit_title,
    prefer_title,
    remove_title,
    suggested,
    title_of,
    titles_of,
    words_of,
)

__all__ = [
    "CLOSED", "LIFECYCLE", "LONGEST_NOTE", "LONGEST_WORDS", "MOST_TITLES", "OPEN", "REASONS", "WORKING_DAYS", "AlreadyAsked", "AmountChanged",
    "Fapiao", "FapiaoKind", "FapiaoRequest", "FapiaoStatus", "FapiaoTitle", "NotBilledYet", "Mended", "NotIssued", "NotMendable",
    "NotOpen", "Paper",
    "Part", "RedAlready", "RedAwaited", "RedReason", "RefusalReason", "Share", "Sum", "TakenUp", "Title", "TooManyTitles",
    "View", "add_title", "ask", "askable", "changes_of", "counts", "document_of", "due_on", "edit_title", "exists", "fapiao_amount_changed", "fapiao_issued", "fapiao_mended", "fapiao_refused",
    "fapiao_requested", "follow", "issue", "last_kind", "lines_of", "mend", "mendable", "paper_of", "parts_of", "prefer_title", "record_red",
    "red_at", "red_for", "red_recorded", "red_wanted", "reds_recorded", "refuse", "remove_title", "request_at", "request_of",
    "requests_of", "suggested", "take_back", "take_up", "title_of", "titles_of", "waiting", "withdraw", "words_of", "worklist",
]  # fmt: skip
