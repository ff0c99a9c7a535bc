"""Why a gateway did not take a payment, in words for the buyer. Codes of no concern to her have one sentence."""

from __future__ import annotations

OTHER = "银行没有同意这笔付款。可以换一张卡，或用对公转账。"
#: Of a wallet the gateway says no more than that it did not pay.
OF_WALLET = "钱包没有付成这笔款。可以再试一次，换一种付款方式，或用对公转账。"
#: Stripe itself would not take what we asked for: nothing that the buyer or her bank has done.
REFUSED = "Stripe 没有接受这笔付款，没有扣款。请换一种付款方式，或联系我们。"
NOT_TAKEN = "refused "
WORDS = {
    "insufficient_funds": "卡里余额不足。可以换一张卡，或用对公转账。",
    "expired_card": "卡已过期。请换一张卡。",
    "incorrect_cvc": "安全码不对。请核对后再试。",
    "incorrect_number": "卡号不对。请核对后再试。",
    "processing_error": "银行暂时处理不了。请稍后再试。",
    "authentication_required": "银行要求您本人验证。请在这里重新付款，按银行的提示验证。",
    "payment_intent_authentication_failure": "没有通过银行的验证。请再试一次，或换一种方式。",
    "lost_card": OTHER,
    "stolen_card": OTHER,
    "expired": "付款页面过了有效时间，没有扣款。",
    "sent_back": "来的钱和要付的不同，已经原路退回。",
    "not_made": "一直没能联系上 Stripe，这笔付款没有建立，没有扣款。",
    "charge_already_refunded": "Stripe 说这笔付款已经全部退回。",
    "charge_disputed": "持卡人的银行正在处理争议，不能退款。",
    "insufficient_balance": "Stripe 账户里的钱不够退。",
    "expired_or_canceled_card": "原来的卡已失效，退不回去。",
    "lost_or_stolen_card": "原来的卡已挂失，退不回去。",
}
#: What a wallet's payment ends with too; the rest is about cards.
_OF_ANY_WAY = ("expired", "sent_back", "not_made")

#: A refund that the gateway has not carried out, as the office reads it, and as the buyer does.
NOT_REFUNDED = "Stripe 没有办成这笔退款。请改用银行转账退款。"
TO_THE_BUYER = "原路没有退成，财务会改用银行转账退款。"


def of_gateway(failure: str) -> bool:
    """Whether these words are ours about a gateway's answer, and not what a clerk has written."""
    return failure in (NOT_REFUNDED, OTHER, OF_WALLET, REFUSED, *WORDS.values())


def for_buyer(failure: str) -> str:
    """Why a refund has failed, for whoever waits for it."""
    return TO_THE_BUYER if of_gateway(failure) else failure


def words_for(code: str, otherwise: str = OTHER) -> str:
    """The sentence for a code."""
    return REFUSED if code.startswith(NOT_TAKEN) else WORDS.get(code, otherwise)


def why_not_paid(code: str, way: str) -> str:
    """The same for a payment; whoever paid by wallet has no card to change."""
    wallet = way != "card" and code not in _OF_ANY_WAY and not code.startswith(NOT_TAKEN)
    return OF_WALLET if wallet else words_for(code)
