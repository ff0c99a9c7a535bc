"""`/console/bills`: every bill, one bill on paper, and the way to pay it."""

from __future__ import annotations

from flask import Blueprint, Response, g, redirect, render_template, url_for
from werkzeug.wrappers import Response as Answer

from market import billing, db, payments, resources
from market.billing import Bill, BillLine, credit_notes, fapiao
from market.web import bill_sheet, dunning_words, evidence, formats, guards, paging, papers, why

bp = Blueprint("bills", __name__, url_prefix="/bills")


@bp.get("/")
@guards.require("bills.read")
def index() -> str:
    """What is owed, and all bills, newest first."""
    now = resources.clock.now()
    running = billing.period_of(g.organization, now)
    owed = billing.due_bills_of(g.organization)
    page = paging.page_of(billing.bills_of(g.organization), size=12)
    return render_template(
        "console/bills/index.html",
        page=page,
        fapiao_askable=fapiao.askable(list(page)) if guards.can("fapiao.request") else set(),
        owed=owed,
        owed_fen=sum(bill.owed_fen for bill in owed),
        running=running,
        drafts=billing.drafts_of(g.organization),
        final_at=billing.final_at,
        balance_fen=credit_notes.balance(g.organization),
        credited=credit_notes.count_of(g.organization),
    )


@bp.get("/<int:id>")
@guards.require("bills.read")
def show(id: int) -> str:
    """One bill on paper."""
    bill = billing.head_of(g.organization, id)
    shown = papers.shown(bill, formats.language())
    return render_template(
        "console/bills/show.html",
        bill=bill,
        view=shown.view,
        page=shown.page,
        line_url=lambda line: url_for(".line", id=bill.id, line=line),
        payment=payments.open_payment_of(bill, payments.BankTransfer.name),
        payable=bill.status in billing.DUE,
        credits=credit_notes.of_bill(bill),
        balance_fen=min(credit_notes.balance(g.organization), bill.owed_fen) if bill.status in billing.DUE else 0,
        fapiao_parts=fapiao.parts_of(bill) if guards.can("fapiao.read") else [],
        **dunning_words.about(bill),
    )


@bp.get("/<int:id>/bill.pdf")
@guards.require("bills.read")
def pdf(id: int) -> Response:
    """The bill as a file, in Chinese."""
    return papers.pdf(billing.head_of(g.organization, id), "zh")


@bp.get("/<int:id>/bill-en.pdf")
@guards.require("bills.read")
def pdf_en(id: int) -> Response:
    """The bill as a file, in English."""
    return papers.pdf(billing.head_of(g.organization, id), "en")


@bp.get("/<int:id>/lines.csv")
@guards.require("bills.read")
def sheet(id: int) -> Response:
    """The bill's lines as a file for spreadsheets."""
    bill = billing.head_of(g.organization, id)
    return bill_sheet.sheet(f"{bill.number or bill.period.label}-lines.csv", billing.all_of_bill(bill))


@bp.get("/<int:id>/lines/<int:line>")
@guards.require("bills.read")
def line(id: int, line: int) -> str:
    """Why a line comes to its amount, worked out again while one looks."""
    bill, found = _line(id, line)
    return why.page("console/bills/line.html", bill, found, why.Links.of_bill(bill, found))


@bp.get("/<int:id>/lines/<int:line>/days/<day>")
@guards.require("bills.read")
def day(id: int, line: int, day: str) -> str:
    """The events of one day of a metered line."""
    return why.day("console/bills/day.html", *_line(id, line), day)


@bp.get("/<int:id>/lines/<int:line>/events")
@guards.require("bills.read")
def events(id: int, line: int) -> Response:
    """Every event that makes the quantity of a metered line, as a file."""
    return evidence.file(billing.bill_of(g.organization, id), line)


@bp.post("/<int:id>/pay")
@guards.require("bills.pay")
def pay(id: int) -> Answer:
    """Begin to pay by bank transfer; a second click finds the same payment."""
    payment = payments.start(billing.head_of(g.organization, id), by=g.actor, at=resources.clock.now())
    db.session.flush()
    return redirect(url_for("console.payments.show", id=payment.id), 303)


def _line(id: int, line: int) -> tuple[Bill, BillLine]:
    """A bill and one of its lines. Raises NotFound."""
    bill = billing.head_of(g.organization, id)
    return bill, billing.line_of(bill, line)
