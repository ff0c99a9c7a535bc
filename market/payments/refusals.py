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


class ReferenceTaken(Invalid):
    """The bank's reference was entered before: the same money must not count twice."""

    code = "bank_reference_taken"
    message = "银行流水号 %(reference)s 已经登记过，对应汇款识别码 %(code)s。同一笔钱不能入账两次。"


class AmountDiffers(Invalid):
    """Less arrived than is owed, and nobody has said that this is meant."""

    code = "amount_differs"
    message = "到账 ¥%(arrived)s 比应付 ¥%(owed)s 少 ¥%(difference)s。核对后勾选“按部分付款入账”再确认。"


class AmountTooLarge(Invalid):
    """More arrived than is owed: it cannot be booked on this bill."""

    code = "amount_too_large"
    message = "到账 ¥%(arrived)s 比应付 ¥%(owed)s 多 ¥%(difference)s，不能入账到这张账单。请联系付款方退回多出的部分。"


class ArrivalInvalid(Invalid):
    """What was entered about the arrival cannot be right; `fields` says what."""

    code = "arrival_invalid"
