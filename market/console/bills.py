"""`/console/bills`: every bill, one bill on paper, and the way to pay it."""

from __future__ import annotations

from flask import Blueprint, Response, flash, g, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response as Answer
from wtforms import BooleanField, RadioField

from market import billing, db, payments, resources
from market.billing import Bill, BillLine, credit_notes, fapiao
from market.web import (
    bill_sheet,
    dunning_words,
    evidence,
    formats,
    forms,
    guards,
    paging,
    papers,
    row_numbers,
    ways,
    why,
)

bp = Blueprint("bills", __name__, url_prefix="/bills")


@bp.get("/")
@guards.require("bills.read")
def index() -> str:
    """What is owed, and all bills, newest first."""
    now = resources.clock.now()
    running = billing.period_of(g.organization, now)
    unsettled = billing.unsettled_of(g.organization)
    owed = [bill for bill in unsettled if bill.status in billing.DUE]
    dunning_words.know(owed, now)
    page = paging.page_of(billing.bills_of(g.organization), size=12)
    return render_template(
        "console/bills/index.html",
        page=page,
        fapiao_askable=fapiao.askable(list(page)) if guards.can("fapiao.request") else set(),
        owed=owed,
        ways=payments.ways(owed[0].owed_fen) if owed else (),
        owed_fen=sum(bill.owed_fen for bill in owed),
        running=running,
        drafts=[bill for bill in reversed(unsettled) if bill not in owed],
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
        ways=payments.ways(bill.owed_fen),
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


class WayForm(forms.MarketForm):
    """How the bill is paid; a bank transfer where nothing is said."""

    way = RadioField(_l("付款方式"))
    save_card = BooleanField(_l("保存这张卡，以后的账单到期没付时自动扣款"))


@bp.get("/<int:id>/pay")
@guards.require("bills.pay")
def choose(id: int) -> Answer | str:
    """Which way to pay, where there is more than one."""
    bill = billing.head_of(g.organization, id)
    return _choice(bill, WayForm(formdata=None)) if bill.status in billing.DUE else _nothing_to_pay(bill)


@bp.post("/<int:id>/pay")
@guards.require("bills.pay")
def pay(id: int) -> Answer | tuple[str, int]:
    """Begin to pay; a second click finds the same payment."""
    bill, form, now = billing.head_of(g.organization, id), WayForm(), resources.clock.now()
    way = form.way.data or payments.BankTransfer.name
    try:
        if way == payments.BankTransfer.name:
            payment = payments.start(bill, by=g.actor, at=now)
        else:
            card_id = row_numbers.found_in(way.removeprefix("saved-"))
            card = payments.card_of(g.organization, card_id) if card_id else None
            payment = payments.pay_with(bill, "card" if card else way, card=card, save_card=bool(form.save_card.data), by=g.actor, at=now)
    except payments.NothingToPay:
        return _nothing_to_pay(bill)
    except payments.WayUnknown as refusal:
        form.refuse(refusal)
        return _choice(bill, form), refusal.status
    db.session.flush()
    return redirect(url_for("console.payments.show", id=payment.id, look=2 if way != payments.BankTransfer.name else None), 303)


def _nothing_to_pay(bill: Bill) -> Answer:
    """Paid in another window, or she has gone back: the bill says how it stands."""
    flash(_("这张账单现在没有要付的款。"), "info")
    return redirect(url_for(".show", id=bill.id), 303)


def _choice(bill: Bill, form: WayForm) -> str:
    cards = payments.saved_cards(g.organization) if payments.ways(bill.owed_fen) else []
    form.way.choices = [
        (payments.BankTransfer.name, ways.WAYS["bank_transfer"]), *((f"saved-{card.id}", ways.card(card)) for card in cards),
        *((way, ways.WAYS[way]) for way in payments.ways(bill.owed_fen)),
    ]  # fmt: skip
    form.way.data = form.way.data if form.way.data in dict(form.way.choices) else payments.BankTransfer.name
    return render_template("console/bills/pay.html", bill=bill, form=form, hints=ways.HINTS, names=ways.WAYS, open=payments.open_payment_of(bill, "stripe"))


def _line(id: int, line: int) -> tuple[Bill, BillLine]:
    """A bill and one of its lines. Raises NotFound."""
    bill = billing.head_of(g.organization, id)
    return bill, billing.line_of(bill, line)
