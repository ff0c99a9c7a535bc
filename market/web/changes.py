"""What a recorded change changed, in words: fields by their labels, states by their names."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _l

from market import catalog
from market.audit import AuditEvent
from market.web import facts, states

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
    "role": _l("角色"),
    "email": _l("邮箱"),
    "plan": _l("套餐"),
    "cancel_at": _l("停用时间"),
    "version": _l("版本"),
    "terms": _l("约定内容的校验码"),
    "charge": _l("收费项目"),
    "bill": _l("账单"),
    "paid_fen": _l("已付（分）"),
    "gross_fen": _l("合计（分）"),
    "payer": _l("付款人"),
    "bank_reference": _l("银行流水号"),
    "gateway": _l("付款方式"),
    "expires_at": _l("有效期至"),
    "until": _l("有效期至"),
    "approval_above_fen": _l("超过多少要审批（分）"),
    "month_fen": _l("第一个整月预计（分）"),
    "left": _l("还剩几个"),
    "size": _l("大小"),
    "type": _l("类型"),
    "sessions": _l("登录处数"),
    "attempt": _l("第几次"),
    "error": _l("错误"),
    "successor": _l("接替的密钥"),
    "test": _l("测试用"),
}
#: Whose states the states of a thing are.
THINGS = {
    "OfferingRevision": "revision", "Offering": "offering", "Plan": "plan", "Provider": "provider",
    "Entry": "recommended", "Subscription": "subscription", "Bill": "bill", "Payment": "payment", "Order": "order",
}  # fmt: skip
#: Fields about the office's own people, which nobody else is shown.
OF_THE_OFFICE = frozenset({"reviewer"})


@dataclass(frozen=True)
class Change:
    """One field, before and after; `had` says whether the value before was recorded at all."""

    label: str
    had: bool
    old: str
    new: str


def changes(event: AuditEvent, *, office: bool) -> list[Change]:
    """What changed, field by field."""
    return [
        Change(_label(field), field in event.before, _shown(event, event.before, field), _shown(event, event.after, field))
        for field in dict.fromkeys([*event.before, *event.after])
        if office or field not in OF_THE_OFFICE
    ]


def _label(field: str) -> str:
    fact = catalog.OF_FIELD.get(field)
    return facts.label(fact, field) if fact else str(FIELDS.get(field, field))


def _shown(event: AuditEvent, side: Mapping[str, Any], field: str) -> str:
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
