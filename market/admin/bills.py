"""`/admin/bills`: month end at a glance, what is stuck and why, and every bill."""

from __future__ import annotations

from flask import Blueprint, Response, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as Answer

from market import audit, billing, db, resources
from market.admin import parts
from market.billing import Bill, BillLine, BillStatus, credit_notes
from market.kit import period as periods
from market.web import bill_sheet, evidence, formats, guards, paging, papers, why

bp = Blueprint("bills", __name__, url_prefix="/bills")

#: Organizations that a press of the button closes at once; the worker goes on with the rest.
AT_ONCE = 200
#: Stuck organizations that are shown with their reason.
MOST = 20


@bp.get("/")
@guards.require("bills.read")
def index() -> str:
    """Bills of every month by state, and what should be issued but is not."""
    now = resources.clock.now()
    late = billing.late(now)
    running = periods.month_of(now)
    return render_template(
        "admin/bills/index.html",
        months=billing.months(),
        late=late[:MOST],
        late_count=len(late),
        reasons=billing.failures_of([ahead.organization for ahead in late[:MOST]]),
        said=parts.said,
        running=running,
        final_at=billing.final_at(running),
        status=BillStatus,
    )


@bp.post("/close")
@guards.require("bills.close")
def close() -> Answer:
    """Close now what is due, instead of waiting for the worker; each bill in a transaction of its own."""
    now = resources.clock.now()
    audit.record("bills.close_started", g.organization, by=g.actor, at=now)
    db.on_commit(lambda: billing.close_due(now, clock=resources.present, most=AT_ONCE))
    flash(_("已按现在的时间结账。下面是结果；没做完的由后台接着做。"), "ok")
    return redirect(url_for(".index"), 303)


@bp.get("/months/<label>")
@guards.require("bills.read")
def month(label: str) -> str:
    """All bills of one month, narrowed to a state."""
    period = periods.month(label)
    wanted = request.args.get("status", "")
    statuses = [status for status in BillStatus if status.value == wanted]
    return render_template(
        "admin/bills/month.html",
        period=period,
        page=paging.page_of(billing.bills_in(period, statuses=statuses)),
        wanted=wanted if statuses else "",
        counts=next((m for m in billing.months() if m.period_start == period.start), None),
        status=BillStatus,
    )


@bp.get("/<int:id>")
@guards.require("bills.read")
def show(id: int) -> str:
    """One bill on paper."""
    bill = billing.head_by_id(id)
    shown = papers.shown(bill, formats.language())
    return render_template(
        "admin/bills/show.html",
        bill=bill,
        credits=credit_notes.of_bill(bill),
        creditable=bill.status in credit_notes.CREDITABLE and bill.creditable_fen > 0,
        view=shown.view,
        page=shown.page,
        line_url=lambda line: url_for(".line", id=bill.id, line=line),
    )


@bp.get("/<int:id>/bill.pdf")
@guards.require("bills.read")
def pdf(id: int) -> Response:
    """The bill as a file."""
    return papers.pdf(billing.head_by_id(id), formats.language())


@bp.get("/<int:id>/lines.csv")
@guards.require("bills.read")
def sheet(id: int) -> Response:
    """The bill's lines as a file for spreadsheets."""
    bill = billing.head_by_id(id)
    return bill_sheet.sheet(f"{bill.number or bill.period.label}-lines.csv", billing.all_of_bill(bill))


@bp.get("/months/<label>/lines.csv")
@guards.require("bills.read")
def month_sheet(label: str) -> Response:
    """Every line of every issued bill of a month, as a file."""
    return bill_sheet.sheet(f"lines-{label}.csv", billing.all_of_month(periods.month(label)))


@bp.get("/<int:id>/lines/<int:line>")
@guards.require("bills.read")
def line(id: int, line: int) -> str:
    """Why a line comes to its amount, worked out again while one looks."""
    bill, found = _line(id, line)
    return why.page("admin/bills/line.html", bill, found, why.Links.of_bill(bill, found))


@bp.get("/<int:id>/lines/<int:line>/days/<day>")
@guards.require("bills.read")
def day(id: int, line: int, day: str) -> str:
    """The events of one day of a metered line."""
    return why.day("admin/bills/day.html", *_line(id, line), day)


@bp.get("/<int:id>/lines/<int:line>/events")
@guards.require("bills.read")
def events(id: int, line: int) -> Response:
    """Every event that makes the quantity of a metered line, as a file."""
    return evidence.file(billing.bill_by_id(id), line)


def _line(id: int, line: int) -> tuple[Bill, BillLine]:
    """A bill and one of its lines. Raises NotFound."""
    bill = billing.head_by_id(id)
    return bill, billing.line_of(bill, line)
