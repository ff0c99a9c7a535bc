"""Every "no" of payments."""

from __future__ import annotations

from market.errors import Invalid, Refused


class NothingToPay(Refused):
    """The bill is a draft, paid, written off or void."""

    code = "nothing_to_pay"
    message = "这张账单现在没有要付的款。"


class NotAwaited(Refused):
    """The payment has succeeded or was canceled."""

    code = "payment_closed"
    message = "这笔付款已经处理完了，不能再改。"


class WayUnknown(Refused):
    """No such way of paying is set up here."""

    code = "way_unknown"
    message = "现在不能用这种方式付款。请换一种方式，或用对公转账。"


class TopUpInvalid(Invalid):
    """A top-up of nothing, or of more than is taken at once."""

    code = "top_up_invalid"


class NotRefundable(Refused):
    """All of the payment has gone back already, or none of it ever came this way."""

    code = "not_refundable"
    message = "这笔付款已经没有可退的金额：可能已经全部退回，或持卡人的银行已把钱收回。"


class RefundTooLarge(Invalid):
    """More than is left of the payment."""

    code = "refund_too_large"
    message = "这笔付款最多还能退 ¥%(left)s。请改小金额。"


class NothingHeld(Refused):
    """Nobody waits for a decision about the payment."""

    code = "nothing_held"
    message = "这笔付款没有要人工处理的款项。"


class ReferenceTaken(Invalid):
    """The bank's reference was entered before: the same money must not count twice."""

    code = "bank_reference_taken"
    message = "银行流水号 %(reference)s 已经登记过，对应汇款识别码 %(code)s。同一笔钱不能入账两次。"


class AmountDiffers(Invalid):
    """Less arrived than is owed, and nobody has said that this is meant."""

    code = "amount_differs"
    message = "到账 ¥%(arrived)s 比应付 ¥%(owed)s 少 ¥%(difference)s。核对后勾选“按部分付款入账”再确认。"


class AmountTooLarge(Invalid):
    """More arrived than is owed, and nobody has said that the rest is balance."""

    code = "amount_too_large"
    message = "到账 ¥%(arrived)s 比应付 ¥%(owed)s 多 ¥%(difference)s。核对后勾选“多出的部分记入客户余额”再确认。"


class ArrivalInvalid(Invalid):
    """What was entered about the arrival cannot be right; `fields` says what."""

    code = "arrival_invalid"


class NotYuan(Refused):
    """Bills and balances are in yuan."""

    code = "payment_not_in_yuan"
    message = "来的不是人民币，不能入账。请原路退回。"
