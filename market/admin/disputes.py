"""`/admin/payments/disputes`: payments that a cardholder's bank has taken back, open ones first."""

from __future__ import annotations

from flask import Blueprint, render_template

from market import payments
from market.admin import menu
from market.web import guards, paging, ways

bp = Blueprint("disputes", __name__, url_prefix="/disputes")


@bp.get("/")
@guards.require("payments.read")
def index() -> str:
    """Every dispute, and what of lost ones nothing could be taken from."""
    return render_template(
        "admin/disputes/index.html", page=paging.page_of(payments.disputes()), words=ways, claims=payments.claims(),
        work=menu.payments_waiting(),
    )  # fmt: skip
