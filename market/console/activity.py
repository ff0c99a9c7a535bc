"""`/console/activity`: who did what in the firm's name and to what is the firm's, newest first."""

from __future__ import annotations

from flask import Blueprint, Response, g, render_template
from flask_babel import lazy_gettext as _l

from market.audit import AuditEvent
from market.web import guards, journal
from market.web.navigation import url_if

bp = Blueprint("activity", __name__, url_prefix="/activity")

#: The kinds of thing the trail can be narrowed to, by the first word of the action.
KINDS = {
    "subscription": _l("订阅"),
    "order": _l("要审批的订单"),
    "bill": _l("账单"),
    "payment": _l("付款"),
    "budget": _l("每月预算"),
    "organization": _l("企业"),
    "member": _l("成员"),
    "invitation": _l("邀请"),
    "verification": _l("核验"),
    "user": _l("账号与登录"),
    "fapiao": _l("发票"),
    "export": _l("数据导出"),
}
PAGES = {
    "Subscription": "console.subscriptions.show",
    "Order": "console.approvals.show",
    "Bill": "console.bills.show",
    "CreditNote": "console.credit_notes.show",
    "Payment": "console.payments.show",
}


@bp.get("/")
@guards.require("audit.read")
def index() -> str:
    """The trail of the organization, narrowed by the address."""
    asked = journal.asked(KINDS)
    return render_template(
        "console/activity/index.html",
        asked=asked,
        people=journal.people(g.organization, asked.who),
        found=journal.stretch(asked.narrowed(g.organization.id), _reader()),
    )


@bp.get("/records.csv")
@guards.require("audit.read")
def export() -> Response:
    """The same rows as a file."""
    return journal.file(journal.asked(KINDS).narrowed(g.organization.id), _reader())


@bp.get("/<int:id>")
@guards.require("audit.read")
def show(id: int) -> str:
    """One row for good."""
    reader = _reader()
    return render_template("console/activity/show.html", opened=journal.opened(journal.event_for(reader, id), reader))


def _reader() -> journal.Reader:
    return journal.Reader(g.organization.id, _url)


def _url(event: AuditEvent) -> str | None:
    endpoint = PAGES.get(event.subject_type)
    return url_if(endpoint, id=event.subject_id) if endpoint and event.subject_id else None
