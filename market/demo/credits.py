"""Money back in the sample world: credits on open and paid bills, one that waits for a second person, refunds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from market import billing, db
from market.accounts import User
from market.billing import Bill, credit_notes
from market.billing.credit_notes import CreditReason, Destination, Lines, RefundRequest
from market.demo import cast
from market.kit.period import local_day

_SOON = timedelta(minutes=10)


@dataclass(frozen=True)
class _Credit:
    """What is taken off a line of a bill, by the charge it is for; `age` counts bills from the newest."""

    buyer: str
    age: int
    charge: str
    fen: int
    reason: CreditReason
    note: str
    destination: Destination = Destination.BALANCE


_R = CreditReason
_CREDITS = (
    _Credit("sme_tea", 0, "维护的门店", 10_00, _R.WRONG_PRICE, "这个月只维护了一家店，多收的退回。"),
    _Credit("sme", 1, "网站空间月费", 13_00, _R.SERVICE_LEVEL, "网站停了 9 小时，按可用性承诺退三分之一月费。"),
    _Credit("sme", 1, "短信条数", 48_00, _R.AGREED, "群发失败的短信，和客户商定退回。"),
    _Credit("sme", 2, "录像占用空间", 26_00, _R.WRONG_PRICE, "首月优惠没有算上，按合同退回。", Destination.REFUND),
    # More than one person may give back alone.
    _Credit("sme", 2, "制作费", 760_00, _R.NOT_DELIVERED, "英文版首页没有按约定交付，和客户商定退两成制作费。"),
)


def fill(people: dict[str, User], *, at: datetime) -> None:
    """Credit all of it, by the verbs the pages call, and pay some of it back; the rest stays as balance."""
    bills = {key: _bills(people[key]) for key in ("sme", "sme_tea")}
    newest = [mine[0].issued_at for mine in bills.values() if mine]
    at = max([at, *(issued + 3 * _SOON for issued in newest if issued)])
    for credit in _CREDITS:
        if credit.age < len(bills[credit.buyer]):
            _credit(bills[credit.buyer][credit.age], credit, people["administrator"], at)
    _pay_back(people, at=at)


def _bills(owner: User) -> Sequence[Bill]:
    return db.session.scalars(billing.bills_of(cast.firm_of(owner)).limit(6)).all()


def _credit(head: Bill, credit: _Credit, administrator: User, at: datetime) -> None:
    bill = billing.bill_by_id(head.id)
    line = next((line for line in bill.lines if line.label.get("charge_zh") == credit.charge and line.gross_fen >= credit.fen), None)
    if line is not None:
        credit_notes.credit(
            bill, Lines({line.id: credit.fen}), reason=credit.reason, note=credit.note, destination=credit.destination,
            request_key=f"demo-{line.id}", user=administrator, by=cast.actor(administrator), at=at,
        )  # fmt: skip


def _pay_back(people: dict[str, User], *, at: datetime) -> None:
    """What a credit note asks for is transferred; of two requests out of the balance the bank turns one down."""
    accountant, administrator = people["sme_finance"], people["administrator"]
    firm, by = cast.firm_of(accountant), cast.actor(administrator)
    for refund in credit_notes.refunds_of(firm):
        credit_notes.pay(
            refund, bank_reference=f"DEMO-REFUND-{refund.id}", paid_on=local_day(at), user=administrator, by=by, at=at + _SOON
        )
    if credit_notes.balance(firm) < 30_00:
        return
    failed, _waiting = [_ask(firm_user=accountant, fen=fen, at=at) for fen in (15_00, 10_00)]
    credit_notes.fail(failed, failure="收款账户已经销户，请提供现在使用的对公账户。", user=administrator, by=by, at=at + _SOON)


def _ask(*, firm_user: User, fen: int, at: datetime) -> RefundRequest:
    firm = cast.firm_of(firm_user)
    return credit_notes.ask(firm, fen, request_key=f"demo-{fen}", by=cast.actor(firm_user, firm.id), at=at)
