"""Every "no" of credit notes."""

from __future__ import annotations

from market.errors import Invalid, Refused


class NotCreditable(Refused):
    """The bill is a draft, written off or void."""

    code = "bill_not_creditable"
    message = "这张账单现在不能冲减：只有已出账、没有作废的账单可以。"


class TooMuchCredited(Invalid):
    """More than is left of the bill, of a provider's part or of a line."""

    code = "credit_exceeds_bill"
    message = "金额比还能冲减的 ¥%(left)s 多。改小后再提交。"


class CreditInvalid(Invalid):
    """What was entered cannot be right; `fields` says what."""

    code = "credit_invalid"


class FourEyes(Refused):
    """Whoever proposed a credit cannot be the second person."""

    code = "four_eyes"
    message = "这笔冲减是您自己提出的，要请另一位同事复核。"


class AlreadyDecided(Refused):
    """Somebody has approved or rejected it."""

    code = "credit_decided"
    message = "这笔冲减已经有人处理过了。"


class CannotVoid(Refused):
    """It was used, paid out, settled or waits for a red fapiao."""

    code = "credit_note_not_voidable"
    message = "这张冲减单不能作废：它是更正或退订自动开的，或者冲减的钱已经用掉、退出，账单已经付清。"


class RefundClosed(Refused):
    """The money is on its way back or was called off."""

    code = "refund_closed"
    message = "这笔退款已经处理完了，不能再改。"


class RefundWaits(Refused):
    """What was invoiced has to be taken back first."""

    code = "refund_waits"
    message = "服务商还没有登记红字发票，登记之后才能退款。"


class RefundInvalid(Invalid):
    """What was entered about the refund cannot be right; `fields` says what."""

    code = "refund_invalid"


class RefundReferenceTaken(Invalid):
    """The bank's reference was entered before: one transfer pays back one request."""

    code = "refund_reference_taken"
    message = "银行流水号 %(reference)s 已经登记在另一笔退款上，请核对。"


class GrantInvalid(Invalid):
    """What was entered about a grant cannot be right; `fields` says what."""

    code = "grant_invalid"
