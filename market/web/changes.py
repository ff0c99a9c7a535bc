"""What a recorded change changed, in words: fields by their labels, states by their names."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from market import billing, catalog, db, rating
from market.accounts import Role
from market.audit import AuditEvent
from market.catalog import Charge, Filter, Plan
from market.subscriptions import Subscription
from market.web import facts, firms, formats, roles, states
from market.web.scopes import SCOPES

#: What fields of the trail are called; facts of offerings have their own labels.
FIELDS = {
    "status": _l("状态"),
    "name": _l("名称"),
    "slug": _l("网址名"),
    "trial_days": _l("试用天数"),
    "notice_days": _l("改价提前通知的天数"),
    "http_status": _l("系统的回应"),
    "message": _l("原因"),
    "params": _l("其中的数"),
    "milliseconds": _l("用了多少毫秒"),
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
    "total_fen": _l("合计"),
    "amount_fen": _l("金额"),
    "role": _l("角色"),
    "email": _l("邮箱"),
    "plan": _l("套餐"),
    "cancel_at": _l("停用时间"),
    "version": _l("版本"),
    "terms": _l("约定内容的校验码"),
    "charge": _l("收费项目"),
    "bill": _l("账单"),
    "paid_fen": _l("已付"),
    "credited_fen": _l("冲减"),
    "returned_fen": _l("退回"),
    "offset_fen": _l("账单少付"),
    "balance_fen": _l("记入余额"),
    "refund_fen": _l("退回付款账户"),
    "credit_note": _l("冲减单"),
    "gross_fen": _l("合计"),
    "payer": _l("付款人"),
    "bank_reference": _l("银行流水号"),
    "gateway": _l("付款方式"),
    "expires_at": _l("有效期至"),
    "until": _l("有效期至"),
    "approval_above_fen": _l("超过多少要审批"),
    "month_fen": _l("第一个整月预计"),
    "left": _l("还剩几个"),
    "size": _l("大小"),
    "type": _l("类型"),
    "sessions": _l("登录处数"),
    "attempt": _l("第几次"),
    "error": _l("错误"),
    "successor": _l("接替的密钥"),
    "test": _l("测试用"),
    "browser": _l("浏览器"),
    "remembered": _l("保持登录"),
    "second_step": _l("用了两步验证"),
    "account": _l("账号"),
    "failures": _l("失败次数"),
    "authenticator": _l("验证器应用"),
    "passkeys": _l("通行密钥"),
    "limit_fen": _l("超过多少要审批"),
    "sha256": _l("文件校验值"),
    "due": _l("下次复核"),
    "subject": _l("哪一份文件"),
    "effective_on": _l("生效日期"),
    "changes": _l("改了什么"),
    "changed": _l("改了什么"),
    "name_zh": _l("名称"),
    "name_en": _l("英文名称"),
    "summary_zh": _l("简介"),
    "summary_en": _l("英文简介"),
    "website": _l("网站"),
    "event_type": _l("事件类型"),
    "value_property": _l("数值放在哪个字段"),
    "aggregation": _l("怎么算"),
    "time_base": _l("按什么时间累计"),
    "unit": _l("计价单位"),
    "unit_zh": _l("计价单位"),
    "unit_en": _l("英文单位"),
    "unit_size": _l("几个上报单位等于 1 个计价单位"),
    "code": _l("代号"),
    "dimensions": _l("按哪些字段分组"),
    "rounding": _l("整期用量的取整"),
    "subscription": _l("订阅编号"),
    "meter": _l("计量项编号"),
    "day": _l("哪一天"),
    "reason": _l("原因"),
    "events": _l("几条事件"),
    "change_fen": _l("费用变化"),
    "month": _l("哪个月"),
    "file": _l("文件"),
    "rows": _l("行数"),
    "bytes": _l("大小"),
    "lines": _l("行数"),
    "dry_run": _l("只检查，不计入"),
    "accepted": _l("计入"),
    "duplicate": _l("重复，不再计"),
    "conflict": _l("编号冲突"),
    "refused": _l("没计入"),
    "delta": _l("珠三角城市"),
    "position": _l("排第几"),
    "group_slug": _l("分组"),
    "icon": _l("图标"),
    "tile": _l("颜色"),
    "parent_slug": _l("上级类别"),
    "parts": _l("包含的服务"),
    "quantity": _l("数量"),
    "change": _l("改什么"),
    "on": _l("生效时间"),
    "firm": _l("企业"),
    "price_change": _l("调价编号"),
    "old": _l("旧版"),
    "new": _l("新版"),
    "subscriptions": _l("几个订阅"),
    "title": _l("抬头"),
    "tax_code": _l("税号"),
    "address": _l("注册地址"),
    "bank": _l("开户银行"),
    "fapiao_kind": _l("发票种类"),
    "fapiao_number": _l("发票号码"),
    "issued_on": _l("开票日期"),
    "refusal": _l("为什么没开成"),
    "alerts": _l("到百分之多少发提醒"),
}
#: Stored words that are the same whatever they belong to.
WORDS = {
    True: _l("是"),
    False: _l("否"),
    "bank_transfer": _l("对公转账"),
    "webhook": _l("系统开通"),
    "manual": _l("人工开通"),
    "sum": _l("加总"),
    "count": _l("计次数"),
    "max": _l("取最大"),
    "time_weighted": _l("按时间累计"),
    "hour": _l("小时"),
    "rules": _l("平台规则"),
    "privacy": _l("隐私政策"),
    "plan": _l("套餐"),
    "quantity": _l("数量"),
    "pause": _l("暂停"),
    "resume": _l("恢复使用"),
    "price": _l("价格"),
    "special": _l("专票"),
    "ordinary": _l("普票"),
}
#: The fields in which such words stand; elsewhere they could be somebody's own text.
WORDY = frozenset({"gateway", "provisioning", "aggregation", "time_base", "subject", "change", "fapiao_kind"})
#: The fields that hold a day or an instant.
WHEN = frozenset(
    {"on", "cancel_at", "until", "expires_at", "valid_until", "starts_on", "ends_on", "effective_on", "due", "day"}
)
#: Whose states the states of a thing are.
THINGS = {
    "OfferingRevision": "revision", "Offering": "offering", "Plan": "plan", "Provider": "provider",
    "Entry": "recommended", "Subscription": "subscription", "Bill": "bill", "Payment": "payment", "CreditNote": "credit_note", "CreditProposal": "credit_proposal", "RefundRequest": "refund", "Order": "order",
    "Organization": "verification", "Verification": "verification",
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


@dataclass(frozen=True)
class Called:
    """What the codes in a row stand for: charges with the unit they are priced in, and plans."""

    charges: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    plans: Mapping[str, str] = field(default_factory=dict)


def changes(event: AuditEvent, *, office: bool) -> list[Change]:
    """What changed, field by field."""
    called = _called(event)
    return [
        Change(_label(name), name in event.before, _shown(event, event.before, name, called), _shown(event, event.after, name, called))
        for name in dict.fromkeys([*event.before, *event.after])
        if office or name not in OF_THE_OFFICE
    ]


def _called(event: AuditEvent) -> Called:
    if event.subject_type == "Plan":
        wanted = select(Charge).where(Charge.plan_id == event.subject_id).options(joinedload(Charge.meter))
        return Called(charges={
            one.slug: (formats.local(one, "name"), formats.local(one.meter, "unit") if one.meter else "")
            for one in db.session.scalars(wanted)
        })  # fmt: skip
    if event.subject_type == "Subscription":
        offering = select(Plan.offering_id).join(Subscription, Subscription.plan_id == Plan.id).where(Subscription.id == event.subject_id)
        versions = select(Plan).where(Plan.offering_id.in_(offering)).order_by(Plan.version_number)
        return Called(plans={one.slug: formats.local(one, "name") for one in db.session.scalars(versions)})
    return Called()


def _label(name: str) -> str:
    fact = catalog.OF_FIELD.get(name)
    return facts.label(fact, name) if fact else str(FIELDS.get(name) or firms.LABELS.get(name, name))


def _shown(event: AuditEvent, side: Mapping[str, Any], name: str, called: Called) -> str:
    """A stored value for people: states in words, money as money, entries of a list or group on lines of their own."""
    value = side.get(name)
    if value is None:
        return ""
    if name == "charges" and isinstance(value, dict):
        return "\n".join(_charge(slug, one, called) for slug, one in value.items())
    if name == "quantity" and isinstance(value, dict):
        return _numbers(value)
    if isinstance(value, dict):
        return "\n".join(f"{key}: {json.dumps(one, ensure_ascii=False)}" for key, one in value.items())
    if isinstance(value, list):
        return "\n".join(_word(name, one) if isinstance(one, str) else json.dumps(one, ensure_ascii=False) for one in value)
    if name == "status" and value in (known := states.STATES.get(THINGS.get(event.subject_type, ""), {})):
        return str(known[value].label)
    if name == "plan" and value in called.plans:
        return called.plans[value]
    return _word(name, value)


def _charge(slug: str, stored: Mapping[str, Any], called: Called) -> str:
    """One charge of a plan: its name and its price, as offering pages word it; half-written prices as they are."""
    label, unit = called.charges.get(slug, (slug, ""))
    part = [Filter(which, tuple(values)) for which, values in stored.get("filter", {}).items()]
    try:
        terms = rating.parse({key: one for key, one in stored.items() if key != "filter"})
    except rating.InvalidTerms:
        return f"{label}{_('：')}{json.dumps(stored, ensure_ascii=False)}"
    said = [*(billing.picked(one, formats.language()) for one in part), *rating.describe(terms, unit, formats.language())]
    return f"{label}{_('：')}{_('；').join(said)}"


def _numbers(stored: Mapping[str, Any]) -> str:
    """By what number a plan is sold."""
    least, most, step = stored.get("minimum, maximum, step", [None, None, None])
    return _(
        "按%(unit)s卖：最少 %(least)s，最多 %(most)s，每次增减 %(step)s",
        unit=stored.get("unit", ""), least=least or 1, most=most or _("没有上限"), step=step or 1,
    )  # fmt: skip


def _word(name: str, value: Any) -> str:
    if isinstance(value, bool) or name in WORDY and value in WORDS:
        return str(WORDS[value])
    if name.endswith("_fen") and isinstance(value, int):
        return formats.money(value)
    if name == "role" and value in {role.value for role in Role}:
        return str(roles.LABELS[Role(value)])
    if name == "scopes" and value in SCOPES:
        return str(SCOPES[value].name)
    if name in WHEN and isinstance(value, str):
        with suppress(ValueError):
            return formats.date(date.fromisoformat(value)) if len(value) == len("2026-11-22") else formats.datetime(datetime.fromisoformat(value))
    return str(value)
