"""`/vendor/activity`: who did what in the provider's name and to what is the provider's, newest first."""

from __future__ import annotations

from flask import Blueprint, Response, g, render_template, url_for
from flask_babel import lazy_gettext as _l

from market import catalog
from market.audit import AuditEvent
from market.web import guards, journal

bp = Blueprint("activity", __name__, url_prefix="/activity")

#: The kinds of thing the trail can be narrowed to, by the first word of the action.
KINDS = {
    "offering": _l("服务"),
    "revision": _l("内容和审核"),
    "plan": _l("套餐"),
    "meter": _l("计量项"),
    "subscription": _l("订阅"),
    "usage": _l("用量上报"),
    "entry": _l("推荐目录"),
    "api_key": _l("密钥"),
    "webhook": _l("通知"),
    "provider": _l("资料"),
    "member": _l("成员"),
    "invitation": _l("邀请"),
    "user": _l("账号与登录"),
    "fapiao": _l("发票"),
    "export": _l("数据导出"),
}


@bp.get("/")
@guards.require("audit.read")
def index() -> str:
    """The trail of the provider, narrowed by the address."""
    asked = journal.asked(KINDS)
    return render_template(
        "vendor/activity/index.html",
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
    return render_template("vendor/activity/show.html", opened=journal.opened(journal.event_for(reader, id), reader))


def _reader() -> journal.Reader:
    mine = {offering.id for offering in catalog.offerings_of(g.provider)}
    return journal.Reader(g.organization.id, lambda event: _link(event, mine))


def _link(event: AuditEvent, mine: set[int]) -> str | None:
    """Where the thing can be seen; None when it has no page here."""
    if event.subject_type == "Offering" and event.subject_id in mine:
        return url_for("vendor.offerings.show", id=event.subject_id)
    if event.subject_type == "Subscription":
        return url_for("vendor.customers.show", id=event.subject_id)
    return None
