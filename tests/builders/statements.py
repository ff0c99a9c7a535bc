"""Bank statements for tests."""

from __future__ import annotations

from datetime import datetime

from market.accounts import User
from market.payments import statements
from market.payments.statements import BankStatement
from tests.builders.accounts import an_actor, an_administrator, the_office
from tests.builders.billing import moment

HEAD = "交易日期,收入,支出,对方户名,流水号,附言"
IMPORTED = moment("2026-11-20 10:00")


def a_sheet(*rows: str) -> bytes:
    """`2026-11-06,150.00,,示例,BK1,` and so on, below a usual head."""
    return "\n".join([HEAD, *rows]).encode()


def a_statement(*rows: str, user: User | None = None, at: datetime = IMPORTED, key: str = "") -> BankStatement:
    """A file that is looked at."""
    user, data = user or an_administrator(), a_sheet(*rows)
    return statements.receive(
        the_office(), filename="流水.csv", data=data, request_key=key or f"key-{hash(rows)}", user=user, by=an_actor(user), at=at
    )


def an_imported_statement(*rows: str, user: User | None = None, at: datetime = IMPORTED) -> BankStatement:
    """A file whose lines are kept."""
    user = user or an_administrator()
    return statements.take_in(a_statement(*rows, user=user, at=at, key=f"{rows}{at}"), user=user, by=an_actor(user), at=at)
