"""Corrections in words, for both sides: when, who, why, and from what to what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from flask import g
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from market import metering
from market.catalog import Meter
from market.kit.period import Period, local_day
from market.metering import corrections
from market.metering.corrections import Reason, UsageCorrection
from market.web import formats

REASONS = {
    Reason.WRONG_VALUE: _l("数值报错"),
    Reason.SENT_TWICE: _l("同一次用量报了两次"),
    Reason.WRONG_CUSTOMER: _l("报到了别的客户名下"),
    Reason.NOT_REAL: _l("测试数据，不是真实用量"),
    Reason.AGREED: _l("和客户核对后商定"),
    Reason.OTHER: _l("其他"),
}
#: Why one of them could not be made; for who reads English the sentences of the domain.
REFUSALS = {**metering.REASONS, **corrections.REASONS}


def entries(rows: Sequence[UsageCorrection], *, by: Mapping[int, str] | None = None) -> list[dict[str, Any]]:
    """For the timeline component, newest first. `by` names who is told to have made those of a subscription.

    Without `by` the people themselves are named. Amounts are told to whoever may see them.
    """
    meters = corrections.meters_of(rows)
    return [
        {
            "at": row.decided_at or row.proposed_at,
            "title": _("更正 %(when)s 的用量", when=when(row)),
            "text": _("；").join([*effects(row, meters), *money(row), *later(row)]),
            "actor": by.get(row.subscription_id, "") if by is not None else people(row),
            "reason": _("%(reason)s。%(note)s", reason=reason(row), note=row.note),
            "tone": "warn",
        }
        for row in rows
    ]


def when(row: UsageCorrection) -> str:
    """The days on which the corrected use happened."""
    days = sorted({local_day(event.at) for event in row.events})
    if not days:
        return formats.month(row.period)
    first, last = formats.date(days[0], short=True), formats.date(days[-1], short=True)
    return first if len(days) == 1 else _("%(first)s 到 %(last)s", first=first, last=last)


def notes(rows: Sequence[UsageCorrection], period: Period) -> dict[date, list[str]]:
    """In short, for each day of a period that was corrected."""
    told: dict[date, list[str]] = {}
    for row in rows:
        for day in sorted({local_day(event.at) for event in row.events}):
            if period.first_day <= day <= period.last_day:
                noted = formats.date(local_day(row.decided_at or row.proposed_at), short=True)
                told.setdefault(day, []).append(_("%(date)s 收到更正：%(reason)s", date=noted, reason=reason(row)))
    return told


def effects(row: UsageCorrection, meters: Mapping[int, Meter]) -> list[str]:
    """What it did to each meter's month."""
    return [
        _(
            "%(name)s当月 %(before)s → %(after)s", name=formats.local(meters[each.meter_id], "name"),
            before=formats.quantity(each.before), after=formats.quantity(each.after, formats.local(meters[each.meter_id], "unit")),
        )
        for each in row.moved
    ]  # fmt: skip


def money(row: UsageCorrection) -> list[str]:
    """What it did to the month's cost, for whoever may see amounts."""
    if g.get("provider") is None and not g.can("money.read"):
        return []
    if row.before_fen == row.after_fen:
        return [_("费用不变")]
    return [_("费用 %(before)s → %(after)s", before=formats.money(row.before_fen), after=formats.money(row.after_fen))]


def later(row: UsageCorrection) -> list[str]:
    """Where the difference goes when the month's bill was final."""
    return [_("那个月的账单已经定稿，差额记在以后的账单里")] if row.billed else []


def people(row: UsageCorrection) -> str:
    """Who asked for it, and who agreed."""
    author = row.author.name if row.author else _("接口密钥“%(name)s”", name=row.key.name) if row.key else ""
    if row.decided_by is None:
        return author
    return _("%(author)s，%(second)s 复核", author=author, second=row.decided_by.name)


def reason(row: UsageCorrection) -> str:
    """Why, in a few words."""
    return str(REASONS[row.reason])
