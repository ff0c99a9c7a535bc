"""Credit notes in words, for all faces: why, where from, what moved a balance."""

from __future__ import annotations

from flask import Response
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from market import payments
from market.billing import credit_notes
from market.billing.credit_notes import (
    BalanceEntry,
    BalanceLot,
    CreditNote,
    CreditReason,
    Destination,
    EntryKind,
    GrantReason,
    NoteView,
    RefundRequest,
    Source,
)

REASONS = {
    CreditReason.USAGE_CORRECTED: _l("出账后更正了用量"),
    CreditReason.PREPAID_UNUSED: _l("预付后不再使用"),
    CreditReason.WRONG_USAGE: _l("用量不对"),
    CreditReason.WRONG_PRICE: _l("价格不对"),
    CreditReason.NOT_DELIVERED: _l("服务没有提供"),
    CreditReason.SERVICE_LEVEL: _l("没有达到服务承诺"),
    CreditReason.AGREED: _l("双方商定"),
    CreditReason.OTHER: _l("其他"),
}
SOURCES = {
    Source.CORRECTION: _l("用量更正，自动开出"),
    Source.TERMINATION: _l("退订或换套餐，自动开出"),
    Source.ADMINISTRATOR: _l("平台开出"),
}
DESTINATIONS = {
    Destination.BALANCE: _l("记入余额，下一份账单自动使用"),
    Destination.REFUND: _l("退回付款账户"),
}
GRANTS = {
    GrantReason.PROMOTION: _l("促销"),
    GrantReason.SUBSIDY: _l("补贴"),
    GrantReason.GOODWILL: _l("补偿"),
}
WAYS = {"card": _l("银行卡"), "alipay": _l("支付宝"), "wechat_pay": _l("微信支付")}
ENTRIES = {
    EntryKind.CREDIT: _l("冲减单记入"),
    EntryKind.APPLIED: _l("用于账单"),
    EntryKind.REFUND: _l("申请了退款"),
    EntryKind.RETURNED: _l("退款没有办，退回余额"),
    EntryKind.VOID: _l("冲减单作废"),
    EntryKind.DEPOSIT: _l("充值或多付的钱"),
    EntryKind.DISPUTED: _l("付款被发卡行退回"),
    EntryKind.GRANTED: _l("平台赠送"),
    EntryKind.EXPIRED: _l("赠送过期"),
}


def pdf(view: NoteView) -> Response:
    """The note as a file, to be saved under its number."""
    answer = Response(credit_notes.pdf(view), mimetype="application/pdf")
    answer.headers["Content-Disposition"] = f'attachment; filename="{credit_notes.file_name(view)}"'
    return answer


def reason(note: CreditNote) -> str:
    """Why, in a few words."""
    return str(REASONS[note.reason])


def entry(entry: BalanceEntry) -> str:
    """Why the balance moved."""
    if entry.kind is not EntryKind.APPLIED or (entry.bill_id and entry.amount_fen < 0):
        return str(ENTRIES[entry.kind])
    if entry.amount_fen < 0:
        return str(_l("扣还账单以外的欠款"))
    return str(_l("付款已退回，账单重新要付") if entry.bill_id else _l("付款已退回，成为账单以外的欠款"))


def lot(lot: BalanceLot) -> str:
    """Where what is left of a balance came from."""
    if lot.grant is not None:
        return str(GRANTS[lot.grant.reason])
    return entry(lot.entry)


def by_gateway(refund: RefundRequest) -> bool:
    """Whether it was a gateway that has not carried it out; then nobody asks the buyer for another account."""
    return payments.of_gateway(refund.failure)


def refund_failure(refund: RefundRequest) -> str:
    """Why a refund has failed, for whoever waits for it; what a clerk has written stands as it is."""
    return _(payments.refund_failure(refund.failure))
