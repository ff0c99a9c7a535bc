"""A provider's customers as a file, a row a subscription."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from flask import Response
from flask_babel import gettext as _
from sqlalchemy import Select

from market import billing, db
from market.kit import money
from market.kit.period import local_day
from market.subscriptions import Subscription
from market.web import agreements, formats, sheets
from market.web.standing import standing

#: How many rows are asked for at once.
AT_ONCE = 200


def sheet(query: Select[Subscription], *, with_money: bool, now: datetime) -> Response:
    """The subscriptions of a query, the newest first; amounts for those who may see them."""
    head = [
        _("企业"), _("统一社会信用代码"), _("服务"), _("套餐"), _("套餐版本"), _("数量"), _("单位"), _("状态"), _("下单"), _("开始使用"), _("停用"),
        _("订阅编号"),
    ]  # fmt: skip
    if with_money:
        head += [_("本月到现在（¥）"), _("上一份账单（¥）")]
    rows = _with_amounts(query, now) if with_money else (_facts(one, now) for some in _stretches(query) for one in some)
    return sheets.sheet(f"customers-{local_day(now).isoformat()}.csv", head, rows)


def _with_amounts(query: Select[Subscription], now: datetime) -> Iterator[list[str]]:
    for some in _stretches(query):
        so_far = billing.so_far(some, cutoff=now)
        billed = billing.last_billed([one.id for one in some])
        for one in some:
            fens = so_far.get(one.id, 0), billed.get(one.id, 0)
            yield [*_facts(one, now), *map(money.text, fens)]


def _stretches(query: Select[Subscription]) -> Iterator[list[Subscription]]:
    """A few hundred rows at once, so that a long list takes little memory and few questions."""
    newest = query.order_by(None).order_by(Subscription.id.desc()).limit(AT_ONCE)
    some = [*db.session.scalars(newest).unique()]
    while some:
        yield some
        some = [*db.session.scalars(newest.where(Subscription.id < some[-1].id)).unique()]


def _facts(one: Subscription, now: datetime) -> list[str]:
    unit = formats.local(one.plan, "quantity_unit")
    days = (one.ordered_at, one.started_at, agreements.last_day(one.ended_at) if one.ended_at else None)
    return [
        one.organization.name, one.organization.uscc or "", formats.local(one.revision.facts, "name"), formats.local(one.plan, "name"),
        str(one.plan.version_number), str(one.quantity) if unit else "", unit, standing(one, now).words,
        *(local_day(at).isoformat() if at else "" for at in days), one.public_id,
    ]  # fmt: skip
