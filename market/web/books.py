"""What the books are called on pages: kinds of accounts, their holders, what happened."""

from __future__ import annotations

from decimal import Decimal

from flask_babel import lazy_gettext as _l

from market.ledger import AccountKind, Event, LedgerAccount
from market.web import formats
from market.web.navigation import url_if

#: Each kind of account, and what it holds.
KINDS = {
    AccountKind.RECEIVABLE: (_l("应收账单款"), _l("客户在已出账的账单上还没付的钱")),
    AccountKind.CASH: (_l("收款账户"), _l("收进来、还没有付出去的钱")),
    AccountKind.UNMATCHED: (_l("待认领款"), _l("到了账、还不知道是谁付的什么钱")),
    AccountKind.DISPUTED: (_l("争议中的款"), _l("付款人的银行扣住、等结果的钱")),
    AccountKind.BALANCE: (_l("客户余额"), _l("客户存在平台、抵下一张账单的钱")),
    AccountKind.GRANTED: (_l("赠送的余额"), _l("平台送给客户、只能抵账单的钱")),
    AccountKind.GRANTS: (_l("赠送支出"), _l("送给客户的钱，减去过期没用的")),
    AccountKind.REFUNDS: (_l("待退款"), _l("已决定退给客户、还没有退出去的钱")),
    AccountKind.UNPAID: (_l("待收销售款"), _l("服务商卖出、客户还没付清的账单款")),
    AccountKind.PAYABLE: (_l("应付服务商"), _l("客户已经付清、归服务商的钱")),
    AccountKind.COMMISSION: (_l("平台佣金"), _l("客户已经付清、归平台的钱")),
}
EVENTS = {
    Event.BILL_ISSUED: _l("账单开出"),
    Event.BILL_PAID: _l("账单付清，分给服务商和平台"),
    Event.PAYMENT_ARRIVED: _l("客户付款到账"),
    Event.TRANSFER_TAKEN: _l("银行流水里的款，待认领"),
    Event.TRANSFER_SETTLED: _l("待认领的款已处理"),
    Event.DEPOSITED: _l("多付的款记入余额"),
    Event.GRANTED: _l("赠送余额给客户"),
    Event.EXPIRED: _l("赠送余额过期"),
    Event.BALANCE_USED: _l("余额抵账单"),
    Event.REFUND_ASKED: _l("申请退余额"),
    Event.REFUND_RETURNED: _l("退款取消，回到余额"),
    Event.REFUND_PAID: _l("退款付出"),
    Event.CREDIT_ISSUED: _l("冲减单开出"),
    Event.CREDIT_VOIDED: _l("冲减单作废"),
    Event.DISPUTE_OPENED: _l("付款人的银行扣回款，等结果"),
    Event.DISPUTE_WON: _l("争议胜诉，款退了回来"),
    Event.DISPUTE_LOST: _l("争议败诉，款不再回来"),
    Event.DISPUTE_SETTLED: _l("争议败诉后，从余额扣回或记为欠款"),
}
_GATEWAYS = {"bank_transfer": _l("对公转账"), "stripe": _l("Stripe")}


def percent(rate: str) -> str:
    """`0.025` as 2.5%, with all its places."""
    return f"{Decimal(rate).scaleb(2).normalize():f}%"


def kind(account: LedgerAccount) -> str:
    """What kind of account it is."""
    return str(KINDS[account.kind][0])


def holder(account: LedgerAccount) -> str:
    """Whose it is: a firm, a provider or a way of paying."""
    if account.organization is not None:
        return account.organization.name
    if account.provider is not None:
        return account.provider.name_zh if formats.language() == "zh" else account.provider.name_en
    return str(_GATEWAYS.get(account.gateway or "", account.gateway))


def holder_url(account: LedgerAccount) -> str | None:
    """The page of the firm or provider, for those who may see it."""
    if account.organization_id is not None:
        return url_if("admin.organizations.show", id=account.organization_id)
    return url_if("admin.providers.show", id=account.provider_id) if account.provider_id is not None else None
