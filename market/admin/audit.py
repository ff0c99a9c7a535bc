"""`/admin/audit`: who did what to which thing, newest first; every row has an address of its own."""

from __future__ import annotations

from flask import Blueprint, Response, render_template
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from market.admin import parts
from market.web import guards, journal

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
    "verification": _l("企业核验"),
    "member": _l("成员"),
    "invitation": _l("邀请"),
    "user": _l("账号与登录"),
    "policy": _l("规则与政策"),
    "api_key": _l("接口密钥"),
    "subscription": _l("订阅"),
    "order": _l("要审批的订单"),
    "webhook": _l("通知"),
    "bill": _l("账单"),
    "payment": _l("付款"),
    "fapiao": _l("发票"),
    "export": _l("数据导出"),
}
READER = journal.Reader(None, parts.subject_url)


@bp.get("/")
@guards.require("audit.read")
def index() -> str:
    """`?about=bill&who=7&q=名称&from=2026-11-01&until=2026-11-30`."""
    asked = journal.asked(KINDS)
    return render_template(
        "admin/audit/index.html", asked=asked, people=_people(asked.who), found=journal.stretch(asked.narrowed(), READER)
    )


@bp.get("/records.csv")
@guards.require("audit.read")
def export() -> Response:
    """The same rows as a file."""
    return journal.file(journal.asked(KINDS).narrowed(), READER)


@bp.get("/<int:id>")
@guards.require("audit.read")
def show(id: int) -> str:
    """One row for good: the sentence first, then what changed."""
    return render_template("admin/audit/show.html", opened=journal.opened(journal.event_for(READER, id), READER))


def _people(who: str) -> list[tuple[str, str]]:
    """The market's own programs, and the person whose row led here: too many have acted to list them all."""
    asked = [(who, _("用户 %(id)s", id=who))] if who not in ("", journal.SYSTEM) else []
    return [*asked, (journal.SYSTEM, _("系统"))]
