"""Fapiao in words, for all faces: kinds, reasons, what happens next, the fields of a paper, what became of a request."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Flask
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import StringField

from market.billing import fapiao
from market.billing.fapiao import (
    Fapiao,
    FapiaoKind,
    FapiaoRequest,
    FapiaoStatus,
    Paper,
    RedReason,
    RefusalReason,
)
from market.kit.period import local_day
from market.web import formats, forms, mailing, uploads

KINDS = {FapiaoKind.SPECIAL: _l("增值税专用发票"), FapiaoKind.ORDINARY: _l("增值税普通发票")}
SHORT = {FapiaoKind.SPECIAL: _l("专票"), FapiaoKind.ORDINARY: _l("普票")}
REASONS = {
    RefusalReason.TITLE: _l("抬头或税号有误"),
    RefusalReason.KIND: _l("开不了这种发票"),
    RefusalReason.UNPAID: _l("款项还没付清"),
    RefusalReason.ELSEWHERE: _l("已经另外开过发票"),
    RefusalReason.AMOUNT: _l("金额要先核对"),
    RefusalReason.CREDITED: _l("这部分费用已全部冲减"),
    RefusalReason.OTHER: _l("其他原因"),
}
#: What the buyer can do about it.
REMEDIES = {
    RefusalReason.TITLE: _l("改好抬头，再重新申请。"),
    RefusalReason.KIND: _l("换一种发票，再重新申请。"),
    RefusalReason.UNPAID: _l("付清账单，再重新申请。"),
    RefusalReason.ELSEWHERE: _l("先和服务商核对。确实没有收到的，再重新申请。"),
    RefusalReason.AMOUNT: _l("先和服务商核对金额，再重新申请。"),
    RefusalReason.CREDITED: _l("不用再开发票。"),
    RefusalReason.OTHER: _l("按说明处理，再重新申请。"),
}
RED_REASONS = {
    RedReason.WRONG: _l("开票有误"),
    RedReason.RETURNED: _l("销货退回"),
    RedReason.ENDED: _l("服务中止"),
    RedReason.ALLOWANCE: _l("销售折让"),
}


def init_app(app: Flask) -> None:
    """Let components on pages of bills say how a request stands."""
    app.jinja_env.globals["fapiao_words"] = {"detail": detail, "next_step": next_step, "reason": reason}


class PaperForm(forms.MarketForm):
    """A fapiao as it lies before the provider; the domain says what does not fit, all at once."""

    number = StringField(_l("发票号码"), [forms.NotLongerThan(40)], render_kw={"inputmode": "numeric", "autocomplete": "off"})
    issued_on = forms.DayField(_l("开票日期"))
    amount_fen = forms.MoneyField(_l("价税合计"))
    document = uploads.FapiaoField(_l("发票文件"))

    def paper(self) -> Paper:
        """What was filled in and sent along."""
        filename, data = self.document.sent()
        return Paper(self.number.data or "", self.issued_on.data, self.amount_fen.data, filename, data)


def reason(request: FapiaoRequest) -> str:
    """Why there is none, in the market's words; the provider's own stand beside them."""
    return str(REASONS[request.refusal]) if request.refusal else ""


def detail(request: FapiaoRequest, now: datetime) -> str:
    """What stands behind the state: the day that is promised, or that it is over."""
    if request.status not in fapiao.OPEN:
        return ""
    day = formats.date(request.due_on, short=True)
    return _("应于 %(date)s 前开具，已超时", date=day) if request.late(local_day(now)) else _("最晚 %(date)s", date=day)


def next_step(request: FapiaoRequest, now: datetime) -> str:
    """What the buyer can do now, or waits for."""
    if request.status in fapiao.OPEN:
        if request.late(local_day(now)):
            return _("服务商已经超时。可以打电话或发邮件催一下。")
        return mailing.with_news(_("等服务商开具。"))
    if request.status is FapiaoStatus.REFUSED and request.refusal:
        return str(REMEDIES[request.refusal])
    if request.awaited:
        return _("冲减单冲减了 %(amount)s，等服务商开红字发票。", amount=formats.money(sum(red.gross_fen for red in request.awaited)))
    told = {
        FapiaoStatus.ISSUED: _("下载文件，交给财务入账。"),
        FapiaoStatus.WITHDRAWN: _("需要时可以重新申请。"),
        FapiaoStatus.RED: _("这张发票不能再用来报销和抵扣。"),
    }
    return told.get(request.status, "")


def course(request: FapiaoRequest) -> list[dict[str, Any]]:
    """What happened to a request, newest first, for both sides; of one moment the last thing comes first."""
    told = [{"at": request.requested_at, "title": _("申请了发票"), "text": _("%(kind)s，抬头 %(title)s", kind=KINDS[request.kind], title=request.title["name"])}]
    if request.taken_at and request.taken_at != request.closed_at:
        told.append({"at": request.taken_at, "title": _("服务商开始开票"), "text": ""})
    if request.status is FapiaoStatus.REFUSED and request.closed_at:
        told.append({"at": request.closed_at, "title": _("没开成：%(reason)s", reason=reason(request)), "text": request.refusal_words, "tone": "bad"})
    if request.status is FapiaoStatus.WITHDRAWN and request.closed_at:
        told.append({"at": request.closed_at, "title": _("撤回了申请"), "text": ""})
    for paper in request.papers:
        told += _told(paper)
    told += [_mended(each) if isinstance(each, fapiao.Mended) else _changed(each) for each in fapiao.changes_of(request)]
    return sorted(told, key=lambda each: each["at"])[::-1]


def _mended(each: fapiao.Mended) -> dict[str, Any]:
    """Both what was recorded and what it is now; the paper itself was right all along."""
    told = []
    if each.number != each.number_before:
        told.append(_("号码由 %(old)s 改为 %(new)s", old=each.number_before, new=each.number))
    if each.day != each.day_before:
        told.append(_("日期由 %(old)s 改为 %(new)s", old=formats.date(each.day_before), new=formats.date(each.day)))
    text = _("；").join(told) or _("换了文件")
    return {"at": each.at, "title": _("改正了登记"), "text": text, "reason": each.words, "tone": "now"}


def _changed(each: fapiao.AmountChanged) -> dict[str, Any]:
    before, now = formats.money(each.before_fen), formats.money(each.fen)
    return {"at": each.at, "title": _("冲减单改变了要开的金额"), "text": _("由 %(before)s 改为 %(now)s", before=before, now=now), "tone": "warn"}


def _told(paper: Fapiao) -> list[dict[str, Any]]:
    amount, found = formats.money(paper.gross_fen), []
    if paper.red and paper.credit_note_id:
        found.append({"at": paper.asked_at, "title": _("冲减单冲减，要开红字发票"), "text": amount, "tone": "warn"})
    if paper.recorded_at:
        title = _("红字发票已开具") if paper.red else _("发票已开具")
        text = _("号码 %(number)s，%(date)s，%(amount)s", number=paper.number, date=formats.date(paper.issued_on), amount=amount)
        reason_words = " · ".join(filter(None, [str(RED_REASONS[paper.red_reason]), paper.words])) if paper.red_reason else ""
        found.append({"at": paper.recorded_at, "title": title, "text": text, "reason": reason_words, "tone": "now"})
    return found
