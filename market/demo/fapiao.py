"""Fapiao of the sample firm: waiting, taken up, issued, refused, taken back by a red letter."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import Enum, auto

from market import audit, billing, db
from market.accounts import User
from market.billing import Bill, fapiao
from market.billing.fapiao import FapiaoKind, FapiaoRequest, Paper, Part, RefusalReason, Title
from market.demo import cast
from market.kit.period import local_day


class _Answer(Enum):
    """What became of a request."""

    WAITS = auto()
    TAKEN_UP = auto()
    ISSUED = auto()
    REFUSED = auto()
    RED = auto()


#: Whose part of which bill, counted from the newest. Of the first and the second provider somebody signs in.
_PARTS = (
    ("sample-software", 0, _Answer.WAITS),
    ("sample-software", 1, _Answer.ISSUED),
    ("sample-software", 2, _Answer.ISSUED),
    ("telecom-guangdong", 0, _Answer.TAKEN_UP),
    ("qunying", 0, _Answer.REFUSED),
    ("sample-pay", 1, _Answer.RED),
)
_SOON = timedelta(minutes=10)
_FILE = """<?xml version="1.0" encoding="utf-8"?>
<!-- 示例文件，不是发票。A sample, no fapiao. -->
<EInvoice><Header><EIid>{number}</EIid></Header></EInvoice>
"""


def fill(people: dict[str, User], *, at: datetime) -> None:
    """Ask for parts of the sample firm's bills, and answer most of them."""
    accountant = people["sme_finance"]
    firm = cast.firm_of(accountant)
    by = cast.actor(accountant, firm.id)
    words = Title(
        name=firm.name, tax_code=firm.uscc or "", address="佛山市示例区示例路 1 号", phone="0757-00000000",
        bank="示例银行佛山分行", account="6222000000000000",
    )  # fmt: skip
    fapiao.add_title(firm, words, by=by, at=at)
    bills = db.session.scalars(billing.bills_of(firm).limit(6)).all()
    parts = {
        (part.provider.slug, age): (bill, part) for age, bill in enumerate(bills) for part in fapiao.parts_of(bill) if part.askable
    }
    for slug, age, answer in _PARTS:
        if (slug, age) in parts:
            _answer(_ask(*parts[slug, age], words, by, at), answer)


def _ask(bill: Bill, part: Part, title: Title, by: audit.Actor, at: datetime) -> FapiaoRequest:
    kind = FapiaoKind.SPECIAL if FapiaoKind.SPECIAL in part.kinds else FapiaoKind.ORDINARY
    asked = max(at - timedelta(days=2), (bill.issued_at or at) + _SOON)
    (request,) = fapiao.ask(bill, [part.provider.id], kind=kind, title=title, by=by, at=asked)
    db.session.flush()
    db.session.expire(request)
    return fapiao.request_at(part.provider, request.id)


def _answer(request: FapiaoRequest, answer: _Answer) -> None:
    """What the provider's accountant did; most sample providers have nobody who signs in."""
    by, at = audit.system(str(request.provider), organization_id=request.provider.organization_id), request.requested_at + _SOON
    if answer is _Answer.TAKEN_UP:
        fapiao.take_up(request, by=by, at=at)
    elif answer is _Answer.REFUSED:
        words = "抬头里的开户行和账号对不上，请核对后重新申请。"
        fapiao.refuse(request, reason=RefusalReason.TITLE, words=words, by=by, at=at)
    elif answer in (_Answer.ISSUED, _Answer.RED):
        fapiao.issue(request, _paper(request, "44", at), by=by, at=at)
    if answer is _Answer.RED:
        words = "项目名称开错了，已全部红冲，请重新申请。"
        fapiao.take_back(fapiao.request_at(request.provider, request.id), _paper(request, "45", at), words=words, by=by, at=at + _SOON)


def _paper(request: FapiaoRequest, province: str, at: datetime) -> Paper:
    number = f"{local_day(at):%y}{province}{request.id:016}"
    return Paper(number, local_day(at), request.gross_fen, f"{number}.xml", _FILE.format(number=number).encode())
