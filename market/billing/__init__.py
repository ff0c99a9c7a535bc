"""Billing: what an organization owes, line by line, and why.

Owns        estimates, draft and issued bills, their lines, tax split, numbers and documents.
Not here    what was used (metering), how an amount follows from a quantity (rating), money that moves (payments).
Invariants  one bill per organization and month; a line is rounded once and can be computed again from what is
            stored with it; an issued bill never changes but for its payment; numbers have no gaps; running the
            month close twice, or in two processes, changes nothing.
"""

from market.billing.actions import (
    GraceNotOver,
    NothingDue,
    PeriodNotOver,
    TooMuch,
    close,
    finalize,
    mark_overdue,
    receive,
)
from market.billing.closing import (
    Ahead,
    Failure,
    MonthEnd,
    Patience,
    Report,
    Setback,
    bill_leavers,
    close_due,
    failures_of,
    late,
    month_end,
    outstanding,
)
from market.billing.course import Course, Line, LineCourse, Stand, course
from market.billing.credits import owed_back
from market.billing.customers import last_billed, so_far
from market.billing.documents import DocumentUnavailable, file_name, pdf, typeset
from market.billing.drafts import LineDraft, draw_up, draw_up_one, recompute, total_fen
from market.billing.dry_runs import DryRun, dry_run
from market.billing.estimates import Estimate, EstimateLine, estimate
from market.billing.evidence import Proof, evidence
from market.billing.first_bill import FirstBill, first_bill
from market.billing.lately import MONTHS, Lately, lately, months_before, months_of
from market.billing.lines import fen_of
from market.billing.models import DUE, LIFECYCLE, Bill, BillLine, BillStatus, BillTax, LineKind, Reopening
from market.billing.months import month_stands
from market.billing.parts import Part, part_of, sizes_of
from market.billing.periods import due_at, final_at, period_of
from market.billing.previews import (
    ChangePreview,
    EndPreview,
    preview_change,
    preview_end,
    preview_on,
    preview_pause,
)
from market.billing.queries import (
    MonthCounts,
    bill_by_id,
    bill_for,
    bill_of,
    bill_with_line,
    bills_in,
    bills_of,
    bills_with_lines,
    closed_until,
    due_bills_of,
    head_by_id,
    head_of,
    line_of,
    line_of_provider,
    lines_counting,
    months,
    unsettled_of,
)
from market.billing.reopening import reopen, reopened_bills, reopened_of
from market.billing.replays import (
    Difference,
    Gap,
    Reason,
    Replay,
    ReplayLine,
    differences,
    replay,
)
from market.billing.running import margin, running_totals
from market.billing.signals import bill_finalized, bill_paid, bills_finalized
from market.billing.sold import (
    Sought,
    Sum,
    all_of_bill,
    all_of_month,
    all_sought,
    lines_sought,
    months_sold,
    on_bills,
    sum_of,
)
from market.billing.usage import meters_of
from market.billing.uses import Month, Source, Usage, Used
from market.billing.verification import BillDifference, Checked, check_all, checkable, verify
from market.billing.view import BillView, Drawn, Noted, Receipt, used, view, working
from market.billing.why import Basis, Explanation, events_on, explain
from market.billing.wording import Words, picked

__all__ = [
    "DUE",
    "LIFECYCLE",
    "MONTHS",
    "Ahead",
    "Basis",
    "Bill",
    "BillDifference",
    "BillLine",
    "BillStatus",
    "BillTax",
    "BillView",
    "ChangePreview",
    "Checked",
    "Course",
    "Difference",
    "DocumentUnavailable",
    "Drawn",
    "DryRun",
    "EndPreview",
    "Estimate",
    "EstimateLine",
    "Explanation",
    "Failure",
    "FirstBill",
    "Gap",
    "GraceNotOver",
    "Lately",
    "Line",
    "LineCourse",
    "LineDraft",
    "LineKind",
    "Month",
    "MonthCounts",
    "MonthEnd",
    "Noted",
    "NothingDue",
    "Part",
    "Patience",
    "PeriodNotOver",
    "Proof",
    "Reason",
    "Receipt",
    "Reopening",
    "Replay",
    "ReplayLine",
    "Report",
    "Sought",
    "Setback",
    "Source",
    "Stand",
    "Sum",
    "TooMuch",
    "Usage",
    "Used",
    "Words",
    "all_of_bill",
    "all_of_month",
    "all_sought",
    "bill_by_id",
    "bill_finalized",
    "bill_for",
    "bill_leavers",
    "bill_of",
    "bill_paid",
    "bill_with_line",
    "bills_finalized",
    "bills_in",
    "bills_of",
    "bills_with_lines",
    "check_all",
    "checkable",
    "close",
    "close_due",
    "closed_until",
    "course",
    "differences",
    "draw_up",
    "draw_up_one",
    "dry_run",
    "due_at",
    "due_bills_of",
    "estimate",
    "events_on",
    "evidence",
    "explain",
    "failures_of",
    "fen_of",
    "file_name",
    "final_at",
    "finalize",
    "first_bill",
    "head_by_id",
    "head_of",
    "last_billed",
    "late",
    "lately",
    "line_of",
    "line_of_provider",
    "lines_counting",
    "lines_sought",
    "margin",
    "mark_overdue",
    "meters_of",
    "month_end",
    "month_stands",
    "months",
    "months_before",
    "months_of",
    "months_sold",
    "on_bills",
    "outstanding",
    "owed_back",
    "part_of",
    "pdf",
    "period_of",
    "picked",
    "preview_change",
    "preview_end",
    "preview_on",
    "preview_pause",
    "receive",
    "recompute",
    "reopen",
    "reopened_bills",
    "reopened_of",
    "replay",
    "running_totals",
    "sizes_of",
    "so_far",
    "sum_of",
    "total_fen",
    "typeset",
    "unsettled_of",
    "used",
    "verify",
    "view",
    "working",
]
