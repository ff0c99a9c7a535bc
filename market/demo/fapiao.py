"""Fapiao of the sample firm: one that waits, one that was issued, one that could not be."""

from __future__ import annotations

from datetime import datetime, timedelta

from market import audit, billing, db
from market.accounts import User
from market.billing import Bill, fapiao
from market.billing.fapiao import FapiaoKind, FapiaoRequest, Paper, Part, RefusalReason, Title
from market.demo import cast
from market.kit.period import local_day

#: Whose accountant signs in and finds something to do.
_WAITING = "sample-software"
_SOON = timedelta(minutes=30)
_FILE = """<?xml version="1.0" encoding="utf-8"?>
<!-- 示例文件，不是发票。A sample, no fapiao. -->
<EInvoice><Header><EIid>{number}</EIid></Header></EInvoice>
"""


def fill(people: dict[str, User], *, at: datetime) -> None:
    """Ask for three parts of the sample firm's bills, the newest first, and answer two of them."""
    accountant = people["sme_finance"]
    firm = cast.firm_of(accountant)
    by = cast.actor(accountant, firm.id)
    words = Title(
        name=firm.name, tax_code=firm.uscc or "", address="佛山市示例区示例路 1 号", phone="0757-00000000",
        bank="示例银行佛山分行", account="6222000000000000",
    )  # fmt: skip
    fapiao.add_title(firm, words, by=by, at=at)
    bills = db.session.scalars(billing.bills_of(firm).limit(6)).all()
    parts = [(bill, part) for bill in bills for part in fapiao.parts_of(bill) if part.askable]
    parts.sort(key=lambda pair: pair[1].provider.slug != _WAITING)
    for number, (bill, part) in enumerate(parts[:3]):
        request = _ask(bill, part, words, by, at)
        if number:
            _answer(request, issued=number == 1)


def _ask(bill: Bill, part: Part, title: Title, by: audit.Actor, at: datetime) -> FapiaoRequest:
    kind = FapiaoKind.SPECIAL if FapiaoKind.SPECIAL in part.kinds else FapiaoKind.ORDINARY
    asked = max(at - timedelta(days=2), (bill.issued_at or at) + _SOON)
    (request,) = fapiao.ask(bill, [part.provider.id], kind=kind, title=title, by=by, at=asked)
    db.session.flush()
    db.session.expire(request)
    return fapiao.request_at(part.provider, request.id)


def _answer(request: FapiaoRequest, *, issued: bool) -> None:
    """What the provider's accountant did; sample providers have nobody who signs in."""
    by, at = audit.system(str(request.provider), organization_id=request.provider.organization_id), request.requested_at + _SOON
    if not issued:
        words = "抬头里的开户行和账号对不上，请核对后重新申请。"
        fapiao.refuse(request, reason=RefusalReason.TITLE, words=words, by=by, at=at)
        return
    number = f"{local_day(at):%y}44{request.id:016}"
    paper = Paper(number, local_day(at), request.gross_fen, f"{number}.xml", _FILE.format(number=number).encode())
    fapiao.issue(request, paper, by=by, at=at)
