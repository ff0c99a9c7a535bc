"""对公转账: the buyer transfers to the payee's account and writes a code; an administrator sees it arrive."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from market import resources
from market.payments.models import Payment
from market.payments.remittance import new_code


class BankTransfer:
    """Needs no key and no outside world."""

    name = "bank_transfer"

    def prepare(self, payment: Payment) -> None:
        """Give the payment the code that a transfer is recognized by."""
        payment.remittance_code = new_code()

    def collect(self, payment: Payment, at: datetime) -> None:
        """Nobody can be asked: the money comes when the buyer sends it."""

    def instructions(self, payment: Payment) -> Mapping[str, str]:
        """Account, amount and code, as they are to be typed into a bank's form."""
        payee = resources.settings.payee
        return {
            "payee": payee.name,
            "bank": payee.bank,
            "account": payee.account,
            "amount": f"{Decimal(payment.amount_fen).scaleb(-2):.2f}",
            "code": payment.remittance_code or "",
        }
