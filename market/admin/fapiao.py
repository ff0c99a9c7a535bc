"""`/admin/fapiao`: every request for a fapiao, the late ones first; to be looked at only."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask_babel import lazy_gettext as _l

from market import resources
from market.billing import fapiao
from market.billing.fapiao import View
from market.kit.period import local_day
from market.web import fapiao as words
from market.web import guards, paging

bp = Blueprint("fapiao", __name__, url_prefix="/fapiao")

VIEWS = {View.OPEN: _l("等着开的"), View.LATE: _l("已超时"), View.RED: _l("等红字发票的"), View.CLOSED: _l("已办完")}


@bp.get("/")
@guards.require("fapiao.read")
def index() -> str:
    """Who waits for which provider, and since when."""
    now = resources.clock.now()
    view = next((each for each in View if each.value == request.args.get("view")), View.OPEN)
    return render_template(
        "admin/fapiao/index.html",
        page=paging.page_of(fapiao.worklist(None, view, now)),
        view=view, views=VIEWS, counts=fapiao.counts(None, now), words=words, today=local_day(now), days=fapiao.WORKING_DAYS,
    )  # fmt: skip
