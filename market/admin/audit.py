"""`/admin/audit`: who did what to which thing, newest first; every row has an address of its own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from typing import Any

from flask import Blueprint, render_template, request
from flask_babel import lazy_gettext as _l

from market import audit, catalog
from market.admin import parts
from market.kit import period
from market.kit.period import Period
from market.web import facts, guards, paging, states, trail

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
        events=paging.page_of(query, size=30),
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
    changes = [
        (_label(field), field in event.before, _shown(event, event.before, field), _shown(event, event.after, field))
        for field in dict.fromkeys([*event.before, *event.after])
    ]
    return render_template(
        "admin/audit/show.html", event=event, changes=changes, trail=trail, subject_url=parts.subject_url
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


#: What fields of the trail are called; facts of offerings have their own labels.
FIELDS = {
    "status": _l("状态"),
    "name": _l("名称"),
    "slug": _l("网址名"),
    "trial_days": _l("试用天数"),
    "charges": _l("收费项目"),
    "field": _l("哪一项"),
    "reviewer": _l("审核员编号"),
    "number": _l("版本"),
    "category": _l("类别"),
    "provisioning": _l("开通方式"),
    "edition": _l("哪一期"),
    "starts_on": _l("开始日期"),
    "ends_on": _l("结束日期"),
    "url": _l("通知地址"),
    "valid_until": _l("有效期至"),
    "kind": _l("种类"),
    "uscc": _l("统一社会信用代码"),
    "city": _l("所在地市"),
    "source": _l("来源"),
    "scopes": _l("权限"),
    "period": _l("账期"),
    "total_fen": _l("合计（分）"),
    "amount_fen": _l("金额（分）"),
}
#: Whose states the states of a thing are.
THINGS = {
    "OfferingRevision": "revision", "Offering": "offering", "Plan": "plan", "Provider": "provider",
    "Entry": "recommended", "Subscription": "subscription", "Bill": "bill", "Payment": "payment",
}  # fmt: skip


def _label(field: str) -> str:
    fact = catalog.OF_FIELD.get(field)
    return facts.label(fact, field) if fact else str(FIELDS.get(field, field))


def _shown(event: audit.AuditEvent, side: Mapping[str, Any], field: str) -> str:
    """A stored value for people: states in words, entries of a list or group on lines of their own."""
    value = side.get(field)
    thing = THINGS.get(event.subject_type, "")
    if field == "status" and value in states.STATES.get(thing, {}):
        return str(states.state_of(thing, value).label)
    if isinstance(value, dict):
        return "\n".join(f"{name}: {json.dumps(one, ensure_ascii=False)}" for name, one in value.items())
    if isinstance(value, list):
        return "\n".join(one if isinstance(one, str) else json.dumps(one, ensure_ascii=False) for one in value)
    return "" if value is None else str(value)
