"""`/admin/ledger`: the double-entry books; every account, and every amount that moved between two of them."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import Blueprint, render_template, request
from flask_babel import gettext as _

from market import accounts, billing, ledger
from market.kit.period import days as days_of
from market.kit.period import local_midnight
from market.ledger import AccountKind, Event
from market.web import books, guards, paging, row_numbers

#: Of days that are asked for: those at the ends of time have no day before or after.
YEARS = range(2000, 2101)

bp = Blueprint("ledger", __name__, url_prefix="/ledger")


@bp.get("/")
@guards.require("ledger.read")
def index() -> str:
    """All postings, newest first; `?event=bill_paid&from=2026-11-01&until=2026-11-30&bill=7`."""
    bill_id = request.args.get("bill", type=row_numbers.read)
    bill = billing.head_by_id(bill_id) if bill_id else None
    asked = _asked()
    page = paging.page_of(ledger.postings(bill=bill, **asked), size=30)
    # Whoever has narrowed the list, or leafs through it, wants to see that and not all accounts above it.
    totals = ledger.totals() if bill is None and page.number == 1 and not any(asked.values()) else []
    return render_template(
        "admin/ledger/index.html", page=page, bill=bill, totals=totals, books=books,
        even=sum(each.debit_fen for each in totals) == sum(each.credit_fen for each in totals),
    )  # fmt: skip


@bp.get("/accounts")
@guards.require("ledger.read")
def accounts_index() -> str:
    """Accounts and what they stand at; `?kind=balance`, or `?organization=7` for those of one firm."""
    kind = next((each for each in AccountKind if each.value == request.args.get("kind")), None)
    id = request.args.get("organization", type=row_numbers.read)
    organization = accounts.organization_by_id(id) if id else None
    page = paging.page_of(ledger.accounts(kind, organization=organization), size=30)
    return render_template(
        "admin/ledger/accounts.html", page=page, stands=ledger.stands_at([account.id for account in page]), kind=kind,
        organization=organization, books=books,
    )  # fmt: skip


@bp.get("/accounts/<int:id>")
@guards.require("ledger.read")
def account(id: int) -> str:
    """One account: what came and went, and what it stood at after each."""
    found = ledger.account_by_id(id)
    page = paging.page_of(ledger.postings(account=found, **_asked()), size=30)
    return render_template(
        "admin/ledger/account.html", account=found, page=page, after=ledger.after_each(found, page.items),
        stand=ledger.stands_at([id])[id], books=books, title=_("%(kind)s · %(holder)s", kind=books.kind(found), holder=books.holder(found)),
    )  # fmt: skip


def _asked() -> dict[str, Any]:
    """What the filters of a list of postings say; what no filter knows is left out."""
    event = next((each for each in Event if each.value == request.args.get("event")), None)
    first, last = _day("from"), _day("until")
    if first and last and first > last:
        first, last = last, first
    return {"event": event, "since": local_midnight(first) if first else None, "before": days_of(last, last).end if last else None}


def _day(name: str) -> date | None:
    try:
        found = date.fromisoformat(request.args.get(name, ""))
    except ValueError:
        return None
    return found if found.year in YEARS else None
