"""What a provider records of a paper that the tax office made: number, date, amount and file, all checked at once."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select

from market import audit, db, documents
from market.billing.fapiao.models import Fapiao
from market.documents import Document
from market.errors import Invalid
from market.kit import money
from market.kit.period import local_day
from market.kit.refusal import Refusal

#: 数电票: year, province and channel in five digits, then fifteen that count.
DIGITS = 20


@dataclass(frozen=True)
class Paper:
    """As it was typed and sent; without a file where `data` is empty."""

    number: str
    issued_on: date | None
    amount_fen: int | None
    filename: str = ""
    data: bytes = b""

    @property
    def plain_number(self) -> str:
        """Without what people put between digits."""
        return re.sub(r"[\s-]", "", unicodedata.normalize("NFKC", self.number))


def check(
    paper: Paper, *, amount_fen: int, since: date, at: datetime, needs_file: bool, own_id: int | None = None
) -> None:
    """Raises Invalid with everything to change; `amount_fen` is what it has to say, `since` its first possible day.

    A paper that is recorded already may keep its number: `own_id`.
    """
    checks: dict[str, Callable[[], str | Refusal | None]] = {
        "number": lambda: _number(paper, own_id),
        "issued_on": lambda: _day(paper.issued_on, since, local_day(at)),
        "amount_fen": lambda: _amount(paper.amount_fen, amount_fen),
        "document": lambda: _file(paper) if paper.data or needs_file else None,
    }
    problems = {name: wrong for name, find in checks.items() if (wrong := find()) is not None}
    if problems:
        raise Invalid(fields=problems)


def keep(paper: Paper, organization_id: int, *, by: audit.Actor, at: datetime) -> Document | None:
    """Store its file, if there is one, for the organization that sends it."""
    if not paper.data:
        return None
    return documents.store(
        organization_id, filename=paper.filename, data=paper.data, by=by, at=at, kind=documents.fapiao_file
    )


def _number(paper: Paper, own_id: int | None) -> str | Refusal | None:
    digits = paper.plain_number
    if not digits:
        return "填写发票号码，20 位数字。"
    if not (digits.isascii() and digits.isdigit()):
        return "发票号码只有数字，没有字母和符号。请照发票右上角填写。"
    if len(digits) != DIGITS:
        return Refusal("发票号码应为 20 位，现在是 %(count)d 位。请照发票右上角补全。", count=len(digits))
    if paper.issued_on is not None and digits[:2] != f"{paper.issued_on:%y}":
        return Refusal(
            "号码前两位是年份（%(year)s），和开票日期 %(day)s 对不上。请检查号码和日期。",
            year=digits[:2], day=paper.issued_on.isoformat(),
        )  # fmt: skip
    # Two who record the same number at once take turns.
    db.serialize(f"fapiao {digits}")
    if db.session.scalar(select(func.count()).where(Fapiao.number == digits, Fapiao.id != (own_id or 0))):
        return "这个号码已经登记过。请检查是不是看错了一张。"
    return None


def _day(day: date | None, since: date, today: date) -> str | Refusal | None:
    if day is None:
        return "填写开票日期，和发票上一致。"
    if day > today:
        return Refusal("开票日期不能晚于今天（%(day)s）。", day=today.isoformat())
    if day < since:
        return Refusal("开票日期不能早于 %(day)s。", day=since.isoformat())
    return None


def _amount(typed: int | None, due: int) -> str | Refusal | None:
    if typed is None:
        return "填写发票的价税合计。"
    if typed != due:
        return Refusal(
            "价税合计应为 ¥%(due)s，您填的是 ¥%(typed)s。请核对发票；金额开错了请红冲后重开。",
            due=money.text(due), typed=money.text(typed),
        )  # fmt: skip
    return None


def _file(paper: Paper) -> str | Refusal | None:
    try:
        media_type = documents.fapiao_file(paper.data)
    except documents.Unusable as wrong:
        return wrong.message
    digits = paper.plain_number.encode("utf-8", "ignore")
    if media_type == documents.XML and len(digits) == DIGITS and digits not in paper.data:
        return "文件里没有这个发票号码，可能选错了文件。"
    return None
