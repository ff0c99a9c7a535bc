"""`/admin/audit`: who did what to which thing, newest first; every row has an address of its own."""

from __future__ import annotations

from datetime import date

from flask import Blueprint, render_template, request
from flask_babel import lazy_gettext as _l

from market import audit, db
from market.admin import parts
from market.kit import period
from market.kit.period import Period
from market.web import guards, paging, trail

bp = Blueprint("audit", __name__, url_prefix="/audit")

#: The kinds of thing the trail can be narrowed to, by the first word of the action.
KINDS = {
    "revision": _l("上架审核"),
    "offering": _l("服务"),
    "plan": _l("套餐"),
    "meter": _l("计量项"),
    "entry": _l("推荐目录"),
    "edition": _l("推荐目录的期次"),
    "provider": _l("服务商"),
    "organization": _l("企业"),
    "api_key": _l("接口密钥"),
    "subscription": _l("订阅"),
    "webhook": _l("通知"),
    "bill": _l("账单"),
    "payment": _l("付款"),
}


@bp.get("/")
@guards.require("audit.read")
def index() -> str:
    """`?about=bill&q=名称&from=2026-11-01&until=2026-11-30`."""
    about = request.args.get("about", "")
    words = request.args.get("q", "").strip()[:60]
    first, last = _day("from"), _day("until")
    query = audit.events(action=f"{about}." if about in KINDS else "", words=words, period=_period(first, last))
    return render_template(
        "admin/audit/index.html",
        events=paging.page_of(db.session, query, size=30),
        kinds=KINDS,
        about=about,
        words=words,
        first=first,
        last=last,
        trail=trail,
        subject_url=parts.subject_url,
    )


@bp.get("/<int:id>")
@guards.require("audit.read")
def show(id: int) -> str:
    """One row for good: the sentence first, then what changed."""
    event = audit.event_by_id(id)
    fields = list(dict.fromkeys([*event.before, *event.after]))
    return render_template(
        "admin/audit/show.html", event=event, fields=fields, trail=trail, subject_url=parts.subject_url, shown=_shown
    )


def _day(name: str) -> date | None:
    """A date from the address; anything else is as good as none."""
    try:
        return date.fromisoformat(request.args.get(name, ""))
    except ValueError:
        return None


def _period(first: date | None, last: date | None) -> Period | None:
    if first is None and last is None:
        return None
    first, last = first or date(2000, 1, 1), last or date(2999, 12, 31)
    return period.days(min(first, last), max(first, last))


def _shown(value: object) -> str:
    """A stored value as people write it; nested ones stay as they were stored."""
    if isinstance(value, list):
        return "\n".join(str(one) for one in value)
    return "" if value is None else str(value)
