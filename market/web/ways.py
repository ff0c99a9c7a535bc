"""What ways of paying, what came of payments and what gateways tell are called on screen."""

from __future__ import annotations

from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from market.payments import Payment, SavedCard

WAYS: dict[str, LazyString] = {
    "bank_transfer": _l("对公转账"),
    "card": _l("银行卡"),
    "alipay": _l("支付宝"),
    "wechat_pay": _l("微信支付"),
}
HINTS: dict[str, LazyString] = {
    "bank_transfer": _l("用企业账户转账，到账通常要 1 个工作日"),
    "card": _l("Visa、Mastercard、银联等，在 Stripe 的页面付，马上到账"),
    "alipay": _l("在 Stripe 的页面扫码，马上到账"),
    "wechat_pay": _l("在 Stripe 的页面扫码，马上到账"),
}
#: Why a cardholder's bank takes money back, as Stripe calls it.
REASONS: dict[str, LazyString] = {
    "fraudulent": _l("持卡人说不是本人付的"),
    "duplicate": _l("持卡人说付了两次"),
    "product_not_received": _l("持卡人说没有收到服务"),
    "product_unacceptable": _l("持卡人说服务和说明不符"),
    "credit_not_processed": _l("持卡人说该退的钱没有退"),
    "subscription_canceled": _l("持卡人说已经退订"),
    "unrecognized": _l("持卡人不认得这笔付款"),
}


def way(payment: Payment) -> str:
    """How it is paid."""
    return str(WAYS.get(payment.way or payment.gateway, payment.way or payment.gateway))


def card(saved: SavedCard) -> str:
    """A saved card: what is printed on it, and until when it is good."""
    return _("%(brand)s 尾号 %(last4)s，有效期到 %(month)02d/%(year)d", brand=saved.brand.title(), last4=saved.last4, month=saved.exp_month, year=saved.exp_year)


def why(reason: str) -> str:
    """Why there is a dispute."""
    return str(REASONS.get(reason, _l("持卡人的银行没有说明")))


def came(payment: Payment) -> str:
    """What came although it is not what was asked for."""
    currency, _space, amount = payment.held.partition(" ")
    digits = amount.rjust(3, "0")
    return f"{currency.upper()} {digits[:-2]}.{digits[-2:]}" if amount else ""
