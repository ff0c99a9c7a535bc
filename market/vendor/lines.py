"""`/vendor/lines`: what stands on customers' bills about a provider's services, line by line, and why."""

from __future__ import annotations

from flask import Blueprint, Response, g, render_template, request, url_for

from market import billing, subscriptions
from market.billing import BillLine, LineKind
from market.kit import period as periods
from market.kit.period import Period
from market.kit.refusal import Refusal
from market.web import bill_sheet, formats, guards, paging, row_numbers, why

bp = Blueprint("lines", __name__, url_prefix="/lines")

LONGEST_TEXT = 100
SIZE = 50
STATES = {"issued": True, "draft": False}


@bp.get("/")
@guards.require("money.read")
def index() -> str:
    """The lines of a month, narrowed by the address, and what they come to."""
    months = billing.months_sold(g.provider)
    sought = _sought(months[0] if months else None)
    period, words = sought.period, billing.Words(formats.language())
    return render_template(
        "vendor/lines/index.html",
        found=paging.page_of(billing.lines_sought(g.provider, sought), size=SIZE),
        total=billing.sum_of(g.provider, sought),
        sought=sought,
        months=months,
        ties={issued: billing.on_bills(g.provider, period, issued=issued) for issued in (True, False)} if period else {},
        kinds=bill_sheet.KINDS,
        offerings=[(each.offering_id, formats.local(each.facts, "name")) for each in subscriptions.bought_from(g.provider)],
        working=lambda line: billing.working(line, words),
        span=lambda line: words.span(Period(line.service_start, line.service_end)),
    )


@bp.get("/lines.csv")
@guards.require("money.read")
def sheet() -> Response:
    """The same lines as a file."""
    months = billing.months_sold(g.provider, most=1)
    sought = _sought(months[0] if months else None)
    name = f"lines-{sought.period.label}.csv" if sought.period else "lines.csv"
    return bill_sheet.sheet(name, billing.all_sought(g.provider, sought))


@bp.get("/<int:id>")
@guards.require("money.read")
def show(id: int) -> str:
    """Why a line comes to its amount, worked out again while one looks."""
    bill, line = billing.line_of_provider(g.provider, id)
    may = g.can("events.read")
    links = why.Links(
        line=_own,
        day=(lambda on: url_for(".day", id=id, day=on.isoformat())) if may else None,
        file=(lambda form: url_for("vendor.events.line", line=id, format=form)) if may and bill.number else None,
    )
    return why.page("vendor/lines/show.html", bill, line, links)


@bp.get("/<int:id>/days/<day>")
@guards.require("events.read")
def day(id: int, day: str) -> str:
    """The events of one day of a metered line."""
    return why.day("vendor/lines/day.html", *billing.line_of_provider(g.provider, id), day)


def _own(line: BillLine) -> str | None:
    """Where a line is; of a service that has changed hands only what is one's own."""
    return url_for(".show", id=line.id) if line.provider_id == g.provider.id else None


def _sought(newest: Period | None) -> billing.Sought:
    """What the address asks for; nonsense asks for nothing, no month for the newest."""
    asked = request.args
    kind, state = asked.get("kind", ""), asked.get("state", "")
    return billing.Sought(
        period=_month(asked.get("month", ""), newest),
        text=asked.get("q", "").replace("\0", "").strip()[:LONGEST_TEXT],
        offering_id=asked.get("offering", type=row_numbers.read),
        kind=next((each for each in LineKind if each.value == kind), None),
        issued=STATES.get(state),
    )


def _month(label: str, newest: Period | None) -> Period | None:
    if label == "all":
        return None
    try:
        return periods.month(label)
    except Refusal:
        return newest
