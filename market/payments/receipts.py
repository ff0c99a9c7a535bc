"""Receipts 收据: that money came, from whom, how much and what for. Never a fapiao, and it says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload

from market import db, resources
from market.accounts.models import Organization
from market.billing import Bill
from market.billing.credit_notes import BalanceEntry
from market.billing.documents import typeset
from market.billing.wording import Words, amount
from market.config import ROOT
from market.errors import NotFound
from market.kit import money
from market.kit.period import local_day
from market.payments.models import Payment, PaymentStatus

_TEMPLATE = ROOT / "templates" / "documents" / "receipt.typ"
_TEXTS: Final[Mapping[str, tuple[str, str]]] = {
    "title": ("收据", "Receipt"),
    "number": ("编号", "Number"),
    "not_fapiao": (
        "收据只证明收到了这笔款，不是发票，不能用来抵扣税款。需要发票，请在账单页向服务商申请。",
        "This receipt only shows that the money was received. It is not a fapiao and cannot be used to deduct tax. "
        "Ask the provider for a fapiao on the page of the bill.",
    ),
    "payer": ("付款方", "Received from"),
    "payee": ("收款方", "Received by"),
    "day": ("收款日期", "Received on"),
    "way": ("付款方式", "Paid by"),
    "reference": ("流水号", "Reference"),
    "what": ("用途", "For"),
    "amount": ("金额（¥）", "Amount (¥)"),
    "total": ("合计", "Total"),
    "capital": ("大写", "In words"),
    "bill": ("账单 {bill}", "Bill {bill}"),
    "balance": ("记入余额", "Balance"),
    "bank_transfer": ("对公转账", "Bank transfer"),
    "card": ("银行卡", "Card"),
    "alipay": ("支付宝", "Alipay"),
    "wechat_pay": ("微信支付", "WeChat Pay"),
}


@dataclass(frozen=True, slots=True)
class ReceiptRow:
    """What a part of the money was for."""

    what: str
    amount: str


@dataclass(frozen=True, slots=True)
class ReceiptView:
    """A receipt as it is read. `texts` are the document's own words by key."""

    locale: str
    title: str
    number: str
    payer: str
    payee: str
    day: str
    way: str
    reference: str
    rows: tuple[ReceiptRow, ...]
    total: str
    capital: str
    texts: Mapping[str, str]


def receipts_of(organization: Organization) -> Select[Payment]:
    """An organization's payments whose money came, newest first."""
    return _receipts().where(Payment.organization_id == organization.id)


def receipt_of(organization: Organization, id: int) -> Payment:
    """One of them with all that its paper needs. Raises NotFound for a stranger's, and for money that has not come."""
    return _found(receipts_of(organization).where(Payment.id == id))


def receipt_by_id(id: int) -> Payment:
    """Any of them, for administrators. Raises NotFound."""
    return _found(_receipts().where(Payment.id == id))


def received_for(bill: Bill) -> Sequence[tuple[Payment, int]]:
    """The payments that have paid (part of) a bill, oldest first, and how much of each it got."""
    query = select(Payment, BalanceEntry.amount_fen).outerjoin(BalanceEntry, BalanceEntry.id == Payment.balance_entry_id)
    query = query.where(Payment.bill_id == bill.id, Payment.status == PaymentStatus.SUCCEEDED).options(joinedload(Payment.arrival))
    rows = db.session.execute(query.order_by(Payment.id))
    return [(payment, payment.amount_fen - (over or 0)) for payment, over in rows if payment.amount_fen > (over or 0)]


def number_of(payment: Payment) -> str:
    """A receipt's number: the day the money was booked, and the payment."""
    return f"RC-{local_day(came_at(payment)):%Y%m%d}-{payment.id:06d}"


def came_at(payment: Payment) -> datetime:
    """When the money was booked."""
    assert payment.finished_at is not None
    return payment.finished_at


def way_of(payment: Payment, locale: str = "zh") -> str:
    """How it was paid, in a word."""
    return _TEXTS[payment.way or payment.gateway if (payment.way or payment.gateway) in _TEXTS else "card"][locale == "en"]


def view(payment: Payment, locale: str = "zh") -> ReceiptView:
    """A payment as `receipt_of` and `receipt_by_id` load it, on paper."""
    words = Words(locale)
    arrival, says = payment.arrival, {key: texts[words.english] for key, texts in _TEXTS.items()}
    return ReceiptView(
        locale=words.locale,
        title=says["title"],
        number=number_of(payment),
        payer=_payer(payment),
        payee=resources.settings.payee.name,
        day=words.date(arrival.arrived_on if arrival else local_day(came_at(payment))),
        way=way_of(payment, words.locale),
        reference=(arrival.bank_reference if arrival else payment.intent_id) or "—",
        rows=tuple(_rows(payment, english=words.english)),
        total=amount(payment.amount_fen),
        capital=money.capital(payment.amount_fen),
        texts=says,
    )


def pdf(receipt: ReceiptView) -> bytes:
    """The receipt on A4, in the language of the view. Raises DocumentUnavailable."""
    return typeset(_TEMPLATE, "receipt", asdict(receipt), Words(receipt.locale))


def file_name(receipt: ReceiptView) -> str:
    """What the file is called when it is saved."""
    return f"{receipt.number}{'-en' if receipt.locale == 'en' else ''}.pdf"


def _payer(payment: Payment) -> str:
    """The firm, and the name on the transfer where it is another."""
    name = payment.organization.name
    other = payment.arrival.payer_name if payment.arrival else ""
    return name if other in ("", name) else f"{name} / {other}"


def _rows(payment: Payment, *, english: bool) -> Sequence[ReceiptRow]:
    over = _over(payment)
    rows = []
    if payment.bill is not None and payment.amount_fen > over:
        what = _TEXTS["bill"][english].format(bill=payment.bill)
        rows.append(ReceiptRow(what, amount(payment.amount_fen - over)))
    if over:
        rows.append(ReceiptRow(_TEXTS["balance"][english], amount(over)))
    return rows


def _over(payment: Payment) -> int:
    """What of it became balance."""
    if payment.balance_entry_id is None:
        return 0
    return db.session.get_one(BalanceEntry, payment.balance_entry_id).amount_fen


def _receipts() -> Select[Payment]:
    load = joinedload(Payment.organization), joinedload(Payment.bill), joinedload(Payment.arrival)
    query = select(Payment).where(Payment.status == PaymentStatus.SUCCEEDED).options(*load)
    return query.order_by(Payment.finished_at.desc(), Payment.id.desc())


def _found(query: Select[Payment]) -> Payment:
    payment = db.session.scalar(query)
    if payment is None:
        raise NotFound
    return payment
