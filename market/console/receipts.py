"""`/console/receipts`: 收据 for every payment that came, on paper. Not fapiao."""

from __future__ import annotations

from flask import Blueprint, Response, g, render_template

from market import payments
from market.payments import receipts
from market.web import formats, guards, paging
from market.web import receipts as papers

bp = Blueprint("receipts", __name__, url_prefix="/receipts")


@bp.get("/")
@guards.require("bills.read")
def index() -> str:
    """Every payment that came, newest first."""
    return render_template(
        "console/receipts/index.html", page=paging.page_of(payments.receipts_of(g.organization)), number_of=receipts.number_of,
        way_of=lambda payment: payments.way_of(payment, formats.language()),
    )  # fmt: skip


@bp.get("/<int:id>")
@guards.require("bills.read")
def show(id: int) -> str:
    """One receipt on paper."""
    payment = payments.receipt_of(g.organization, id)
    return render_template("console/receipts/show.html", payment=payment, view=receipts.view(payment, formats.language()))


@bp.get("/<int:id>/receipt.pdf")
@guards.require("bills.read")
def pdf(id: int) -> Response:
    """The receipt as a file, in Chinese."""
    return papers.pdf(payments.receipt_of(g.organization, id), "zh")


@bp.get("/<int:id>/receipt-en.pdf")
@guards.require("bills.read")
def pdf_en(id: int) -> Response:
    """The receipt as a file, in English."""
    return papers.pdf(payments.receipt_of(g.organization, id), "en")
