"""Why a line of a bill comes to its amount, in words: the same pages for whoever pays, sells or looks after both."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

from flask import render_template, request, url_for
from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from market import billing, db, metering, rating
from market.billing import Basis, Bill, BillDifference, BillLine, Explanation, LineKind, credit_notes
from market.billing.credit_notes import CreditNoteLine
from market.catalog import Aggregation, Meter
from market.errors import NotFound
from market.providers import Provider
from market.web import corrections as correcting
from market.web import credits as credit_words
from market.web import formats, paging
from market.web.navigation import url_if

#: What can differ from what is billed.
FIELDS: Mapping[str, LazyString] = {
    "quantity": _l("用量"),
    "transactions": _l("交易笔数"),
    "gross_fen": _l("金额"),
    "exact": _l("四舍五入前的金额"),
    "steps": _l("计算的步骤"),
}
#: How the events of a month become one quantity.
AGGREGATIONS: Mapping[Aggregation, LazyString] = {
    Aggregation.SUM: _l("把每条事件的数值相加"),
    Aggregation.COUNT: _l("数有几条事件"),
    Aggregation.MAX: _l("取数值最大的一条"),
    Aggregation.LATEST: _l("取最后一条的数值"),
    Aggregation.UNIQUE_COUNT: _l("数有几个不同的值"),
    Aggregation.TIME_WEIGHTED: _l("数值乘以持续的时间；没有新数值时，上一个数值接着算，过月也不清零"),
}
SIZE = 50


@dataclass(frozen=True)
class Links:
    """Where a face has the pages around a line; None is what somebody may not open, or what is not there."""

    line: Callable[[BillLine], str | None]
    day: Callable[[date], str] | None = None
    file: Callable[[str], str] | None = None

    @classmethod
    def of_bill(cls, bill: Bill, found: BillLine) -> Links:
        """Beside the bill's own page, in the blueprint that answers now."""
        return cls(
            line=lambda each: url_for(".line", id=each.bill_id, line=each.id),
            day=lambda on: url_for(".day", id=bill.id, line=found.id, day=on.isoformat()),
            file=lambda form: url_for(".events", id=bill.id, line=found.id, format=form),
        )


@dataclass(frozen=True)
class Step:
    """A row of the working; `amount` may be empty, `total` says that it is a sum."""

    how: str
    amount: str
    total: bool = False


def page(template: str, bill: Bill, line: BillLine, links: Links, **more: Any) -> str:
    """The page of one line."""
    found = billing.explain(bill, line)
    return render_template(
        template, bill=bill, line=line, found=found, links=links, heading=heading(line), name=name(line),
        steps=list(steps(found)), credited=list(_credited(line)), unit=_unit(line), checked=checked(found), differences=[_differs(each) for each in found.differences],
        facts=list(facts(found)), tax=_tax(line), news=news(found), seller=_seller(line), day_amounts=any(each.fen is not None for each in found.days),
        **more,
    )  # fmt: skip


def _credited(line: BillLine) -> Iterator[tuple[CreditNoteLine, str, str | None]]:
    """What credit notes have taken off it since: which, why, and where the note is."""
    face = (request.endpoint or "").partition(".")[0]
    for each in credit_notes.on_line(line):
        yield each, credit_words.reason(each.credit_note), url_if(f"{face}.credit_notes.show", id=each.credit_note_id)


def day(template: str, bill: Bill, line: BillLine, on: str, **more: Any) -> str:
    """The events of one day of a line. Raises NotFound, EventsArchived."""
    try:
        found = billing.events_on(bill, line, date.fromisoformat(on))
    except ValueError:
        raise NotFound from None
    told = {number: correcting.entries([each], by={each.subscription_id: _seller(line)})[0] for number, each in found.told.items()}
    return render_template(
        template, bill=bill, line=line, found=found, name=name(line), unit=_unit(line), told=told,
        page=paging.page_of_list(found.entries, size=SIZE), gauge=found.meter.meter.aggregation is Aggregation.TIME_WEIGHTED,
        opening=found.meter.period.start, meter=found.meter.meter, **more,
    )  # fmt: skip


def name(line: BillLine) -> str:
    """What is charged."""
    return _("免费试用") if "trial" in line.label else formats.local(line.label, "charge")


def heading(line: BillLine) -> str:
    """The question that the page answers."""
    return _("%(charge)s：为什么是 %(amount)s", charge=name(line), amount=formats.money(line.gross_fen))


def steps(found: Explanation) -> Iterator[Step]:
    """From the formula to what is billed, one thing a row."""
    line, locale = found.line, formats.language()
    unit = formats.local(line.label, "unit") if line.quantity is not None else _held(line)
    # The fee of ¥0.00 that a trial is on a bill has no working worth telling.
    worked = () if "trial" in line.label else found.rated.steps
    if "trial" in line.label:
        yield Step(billing.Words(locale).say("trial.how"), formats.money(0))
    for each in worked:
        yield Step(rating.formula(each, unit, locale), rating.exact_price(each.amount) if each.priced else "")
    if sum(each.priced for each in worked) > 1:
        yield Step(_("合计"), rating.exact_price(found.rated.exact))
    yield from _rounding(found)
    yield from _on_this_bill(found)


def _rounding(found: Explanation) -> Iterator[Step]:
    """How fen come of it: once, at the end, together with the parts before."""
    if found.carried:
        before, together = (rating.exact_price(each) for each in (found.carried, found.carried + found.exact))
        yield Step(_("前面各段合计 %(exact)s，四舍五入到分", exact=before), formats.money(found.carried_fen))
        yield Step(_("加上这一段，合计 %(exact)s，四舍五入到分", exact=together), formats.money(found.together_fen))
        yield Step(_("这一段是两者的差，所以各段加起来一分不差"), formats.money(found.whole_fen))
    elif (found.rated.exact * 100).denominator != 1:
        yield Step(_("四舍五入到分，只在最后做一次"), formats.money(abs(found.whole_fen)))


def _on_this_bill(found: Explanation) -> Iterator[Step]:
    """What of it stands on this very line."""
    line = found.line
    if line.kind is LineKind.ADJUSTMENT:
        given = int(line.label.get("credited_fen", 0))
        yield Step(_("减去之前的账单已收的"), formats.money(-line.booked_fen - given))
        if given:
            yield Step(_("加上冲减单已经退的，不退第二次"), formats.money(given))
        yield Step(_("这一行：补收") if line.gross_fen >= 0 else _("这一行：退回"), formats.money(line.gross_fen), True)
    elif line.kind is LineKind.CREDIT:
        if line.booked_fen:
            yield Step(_("一共退 %(total)s，其中不在这张账单退的", total=formats.money(-found.whole_fen)), formats.money(-line.booked_fen))
        yield Step(_("这一行：退回"), formats.money(line.gross_fen), True)
    else:
        yield Step(_("这一行（含税）"), formats.money(line.gross_fen), True)


def facts(found: Explanation) -> Iterator[tuple[str, str]]:
    """Which days, which part of a month, how it is counted."""
    line, words = found.line, billing.Words(formats.language())
    yield _("服务和套餐"), f"{formats.local(line.label, 'offering')} · {formats.local(line.label, 'plan')}"
    yield _("订阅编号"), line.label["subscription"]
    yield _("试用的日期") if "trial" in line.label else _("收费的日期"), _("%(span)s，共 %(days)s 天", span=words.span(found.service), days=found.service.days)
    if found.share:
        days, full = found.share
        yield _("按天折算"), _("%(days)s/%(full)s：固定费用、包含的用量、分档界限和最低、最高收费都乘以它", days=days, full=full)
    if "paused" in line.label:
        yield _("暂停"), _("这些天暂停了服务：不收月费，也没有包含的用量，用了多少收多少")
    if found.meter:
        yield _("怎么计量"), str(AGGREGATIONS[found.meter.aggregation])
        if picked := formats.local(line.label, "picked") if "picked_zh" in line.label else "":
            yield _("计哪一部分"), picked
        yield _("用量"), formats.quantity(line.quantity, formats.local(line.label, "unit"))
        yield _("数据截至"), _("%(moment)s 以前收到的", moment=formats.datetime(found.bill.cutoff))


def checked(found: Explanation) -> str:
    """What was compared with what, and that it agrees; differences are told one by one."""
    moment = formats.datetime(found.bill.cutoff)
    match found.basis:
        case Basis.FEE:
            return _("刚才按价格和天数重新算了一遍，和账单上的一分不差。") if found.agrees else _("刚才按价格和天数重新算了一遍：")
        case Basis.COUNTERS:
            said = _("这一行的事件很多，网页上用每天的计数核对，并按价格重新算了一遍。要逐条核对，请下载事件。")
        case Basis.STORED:
            said = _("这些天的原始事件已经归档，不能在网页上逐条重数；金额已按账单上的用量重新算了一遍。")
        case Basis.EVENTS:
            told = {"moment": moment, "count": f"{found.events:,}", "gone": f"{found.gone:,}"}
            said = _("刚才把 %(moment)s 以前收到的 %(count)s 条事件重新数了一遍，再按价格重新算。", **told)
            if found.gone:
                said += _("其中 %(gone)s 条是更正和被更正的，不计入。", **told)
    return said + (_("用量和金额都和账单上的一样。") if found.agrees and found.basis is Basis.EVENTS else _("和账单上的一样。") if found.agrees else "")


def _differs(one: BillDifference) -> str:
    """A difference in words."""
    told = {"field": FIELDS[one.field]}
    if one.field == "steps":
        return _("%(field)s和账单上保存的不同。", **told)
    if one.field == "transactions":
        return _("%(field)s和账单上的不同：账单上 %(billed)s，重算 %(expected)s。", billed=_count(one.billed), expected=_count(one.expected), **told)
    shown = _shown_as(one)
    return _("%(field)s：账单上 %(billed)s，重算 %(expected)s。", billed=shown(one.billed), expected=shown(one.expected), **told)


def _shown_as(one: BillDifference) -> Callable[[Any], str]:
    match one.field:
        case "gross_fen":
            return formats.money
        case "quantity":
            return lambda amount: formats.quantity(amount, _unit(one.line))
    return lambda exact: rating.exact_price(Fraction(exact))


def _count(used: object) -> str:
    return f"{used.count:,}" if isinstance(used, rating.Transactions) else str(used)


def news(found: Explanation) -> list[dict[str, Any]]:
    """What came late and what was corrected, newest first, with dates and reasons; for the timeline component."""
    meter = found.meter
    if meter is None:
        return []
    entries = [_late(each, found.line, meter) for each in found.news.late]
    entries += correcting.entries(found.news.corrected, by={found.line.subscription_id: _seller(found.line)})
    return sorted(entries, key=lambda entry: entry["at"], reverse=True)


def _late(remark: metering.Remark, line: BillLine, meter: Meter) -> dict[str, Any]:
    said = {"name": formats.local(meter, "name"), "count": remark.number, "date": formats.date(remark.day, short=True)}
    if line.kind is LineKind.ADJUSTMENT:
        text = _("那时账单已经定稿，差额记在这一行。")
    else:
        text = _("那时账单还没有定稿，已经算进当月的账单。")
    return {"at": remark.noted_at, "title": _("补报 %(date)s 的%(name)s，%(count)s 条记录", **said), "text": text, "tone": "warn"}


def _tax(line: BillLine) -> str:
    return _(
        "其中不含税 %(net)s，税额 %(tax)s（税率 %(rate)s）。同一服务商、同一税率的各行先合计再拆税，零头按最大余数分到各行，所以和发票对得上。",
        net=formats.money(line.net_fen), tax=formats.money(line.tax_fen), rate=formats.percent(float(line.tax_rate)),
    )  # fmt: skip


def _unit(line: BillLine | None) -> str:
    return formats.local(line.label, "unit") if line is not None and line.quantity is not None else ""


def _held(line: BillLine) -> str:
    return formats.local(line.label, "units") if "units_zh" in line.label else ""


def _seller(line: BillLine) -> str:
    return formats.local(db.session.get_one(Provider, line.provider_id), "name")
