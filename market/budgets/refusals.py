"""Why something about a budget is not done."""

from __future__ import annotations

from market.errors import Invalid, Refused
from market.kit import money
from market.kit.refusal import Refusal


class BudgetExhausted(Refused):
    """The buyer's month has less left than was asked for."""

    code = "budget_exhausted"
    message = (
        "客户本月的预算不够：这次要 ¥%(asked)s，只剩 ¥%(left)s。预算调高以前，或下个月以前，请不要提供。"
    )

    def __init__(self, asked_fen: int, left_fen: int) -> None:
        self.asked_fen, self.left_fen = asked_fen, left_fen
        super().__init__(asked=money.text(asked_fen), left=money.text(left_fen))


class KeyTaken(Refused):
    """The provider has asked for something else under this key."""

    code = "key_taken"
    message = "这个 key 已经用来预留过别的内容。请换一个 key。"


class NotUsable(Refused):
    """Nothing may be used of the subscription now."""

    code = "subscription_not_usable"
    message = "这项订阅现在不能使用，所以不能预留。"


class NotHeld(Refused):
    """The reservation has ended in another way."""

    code = "reservation_ended"
    message = "这笔预留已经结束，状态是 %(status)s。"


class BelowSpent(Invalid):
    """A budget is not set below what is gone already."""

    code = "budget_below_spent"

    def __init__(self, spent_fen: int, held_fen: int) -> None:
        spent, least = money.text(spent_fen), money.text(spent_fen + held_fen)
        message = Refusal(
            "预算不能低于本月已产生的 ¥%(spent)s。请填 ¥%(least)s 以上，或从下月开始",
            spent=spent,
            least=least,
        )
        if held_fen:
            held = money.text(held_fen)
            message = Refusal(
                "预算不能低于本月已产生的 ¥%(spent)s 加上服务商预留的 ¥%(held)s。请填 ¥%(least)s 以上，或从下月开始",
                spent=spent, held=held, least=least,
            )  # fmt: skip
        super().__init__(fields={"amount_fen": message})
