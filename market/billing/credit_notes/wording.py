"""The words of a credit note as a document, in both languages: page, print and PDF say the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from market.billing.credit_notes.models import CreditNoteStatus, CreditReason

_ZH: Final[Mapping[str, str]] = {
    "title": "冲减单",
    "number": "编号",
    "state": "状态",
    "not_fapiao": "冲减单不是发票。已经开过发票的部分，由服务商另开红字发票。",
    "buyer": "付款方",
    "bill": "冲减的账单",
    "why": "为什么冲减",
    "bill.span": "账期 {span}",
    "issued": "冲减单开出 {date}",
    "voided": "{date} 作废：{reason}",
    "column.what": "服务与项目",
    "column.billed": "账单金额（¥）",
    "column.net": "不含税（¥）",
    "column.tax": "税额（¥）",
    "column.gross": "冲减（¥）",
    "service": "服务期 {span}",
    "about.correction": "因为 {charge}（{span}）的用量更正",
    "about.termination": "因为 {charge}（{span}）预付后不再使用",
    "subtotal": "小计（税率 {rate}）",
    "total": "冲减合计",
    "capital": "大写",
    "where": "钱去了哪里",
    "offset": "账单少付 {amount}",
    "balance": "记入余额 {amount}，下一份账单自动使用",
    "refund": "退回付款账户 {amount}",
}
_EN: Final[Mapping[str, str]] = {
    "title": "Credit note",
    "number": "Number",
    "state": "State",
    "not_fapiao": "A credit note is not a fapiao. For what was invoiced already the provider issues a red fapiao.",
    "buyer": "For",
    "bill": "Bill",
    "why": "Why",
    "bill.span": "Period {span}",
    "issued": "Credit note issued {date}",
    "voided": "Void since {date}: {reason}",
    "column.what": "Service and charge",
    "column.billed": "On the bill (¥)",
    "column.net": "Net (¥)",
    "column.tax": "Tax (¥)",
    "column.gross": "Credited (¥)",
    "service": "For {span}",
    "about.correction": "Because usage was corrected: {charge}, {span}",
    "about.termination": "Because it was paid in advance and not used: {charge}, {span}",
    "subtotal": "Subtotal (tax rate {rate})",
    "total": "Credited in all",
    "capital": "In words",
    "where": "Where the money goes",
    "offset": "{amount} less to pay on this bill",
    "balance": "{amount} to your balance, used for the next bill",
    "refund": "{amount} back to the account it came from",
}
_STATES: Final[Mapping[CreditNoteStatus, tuple[str, str]]] = {
    CreditNoteStatus.ISSUED: ("已开出", "Issued"),
    CreditNoteStatus.AWAITING_RED_FAPIAO: ("等待红字发票", "Waits for a red fapiao"),
    CreditNoteStatus.SETTLED: ("已结清", "Settled"),
    CreditNoteStatus.VOID: ("已作废", "Void"),
}
_REASONS: Final[Mapping[CreditReason, tuple[str, str]]] = {
    CreditReason.USAGE_CORRECTED: ("出账后更正了用量", "Usage was corrected after the bill"),
    CreditReason.PREPAID_UNUSED: ("预付后不再使用", "Paid in advance and not used"),
    CreditReason.WRONG_USAGE: ("用量不对", "Wrong usage"),
    CreditReason.WRONG_PRICE: ("价格不对", "Wrong price"),
    CreditReason.NOT_DELIVERED: ("服务没有提供", "Not delivered"),
    CreditReason.SERVICE_LEVEL: ("没有达到服务承诺", "Service level not met"),
    CreditReason.AGREED: ("双方商定", "Agreed with the customer"),
    CreditReason.OTHER: ("其他", "Other"),
}


def say(english: bool, key: str, **values: object) -> str:
    """A phrase, filled in."""
    return (_EN if english else _ZH)[key].format(**values)


def texts(english: bool) -> dict[str, str]:
    """The phrases that need no values, by keys without dots."""
    words = _EN if english else _ZH
    return {key.replace(".", "_"): phrase for key, phrase in words.items() if "{" not in phrase}


def state(status: CreditNoteStatus, english: bool) -> str:
    """What a credit note's state is called."""
    return _STATES[status][english]


def reason(code: CreditReason, english: bool) -> str:
    """Why money was given back."""
    return _REASONS[code][english]
