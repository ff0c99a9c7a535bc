"""`/console/usage`: what this month costs so far, why, and where it is going."""

from __future__ import annotations

import csv
import io

from flask import Blueprint, Response, g, render_template, request, url_for

from market import billing, resources
from market.console import spending
from market.kit import period as periods
from market.web import formats, guards

bp = Blueprint("usage", __name__, url_prefix="/usage")


@bp.get("/")
@guards.require("usage.read")
def index() -> str:
    """A month: so far, forecast, next bill, course, and every line with its working."""
    now, period = resources.clock.now(), _asked()
    offered = spending.periods_of(g.organization, now=now)
    return render_template(
        "console/usage/index.html",
        month=spending.month_of(g.organization, period, now=now),
        months=[(formats.month(each), url_for(".index", month=each.label), each == period) for each in reversed(offered)],
        current=offered[0],
        final_at=billing.final_at(period),
    )


@bp.get("/daily.csv")
@guards.require("usage.read")
def daily() -> Response:
    """Each day's quantities as a file that spreadsheets open."""
    period = _asked()
    month = spending.month_of(g.organization, period, now=resources.clock.now())
    text = io.StringIO()
    csv.writer(text).writerows(spending.daily_rows(month))
    # The byte order mark tells Excel that this is UTF-8.
    answer = Response("\ufeff" + text.getvalue(), mimetype="text/csv")
    answer.headers["Content-Disposition"] = f'attachment; filename="usage-{period.first_day:%Y-%m}.csv"'
    return answer


def _asked() -> periods.Period:
    """The month in the address; this one without. InvalidMonth for what is no month."""
    label = request.args.get("month", "")
    at = periods.month(label[:7]).start if label else resources.clock.now()
    return billing.period_of(g.organization, at)
