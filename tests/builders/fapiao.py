"""Fapiao for tests: an issued bill, a request, papers with real-looking files.

    bill = a_billed_firm(plan)
    request = a_request(bill)
    recorded(request, number(1))
"""

from __future__ import annotations

import io
from datetime import date, datetime
from zipfile import ZipFile

from market import accounts, audit, db
from market.accounts import Organization, Role, User
from market.billing import Bill, fapiao
from market.billing.fapiao import Fapiao, FapiaoKind, FapiaoRequest, Paper, RedReason, Title
from market.catalog.models import Plan
from market.providers.models import Provider
from tests.builders.accounts import a_member, an_actor, an_organization
from tests.builders.billing import OCTOBER, an_issued_bill, moment
from tests.builders.documents import PDF
from tests.builders.subscriptions import a_subscription

#: A Monday in November, after October's bills.
ASKED = moment("2026-11-09 10:00")
ISSUED_ON = date(2026, 11, 10)
XML = '<?xml version="1.0" encoding="utf-8"?><EInvoice><EIid>{number}</EIid></EInvoice>'
TITLE = Title(name="示例五金制品有限公司", tax_code="91350100M000100Y43")


def number(count: int, *, year: int = 26) -> str:
    """A right 20-digit number, a different one for each count."""
    return f"{year}442000{count:012}"


def an_ofd() -> bytes:
    """The least that is an OFD file."""
    file = io.BytesIO()
    with ZipFile(file, "w") as parts:
        parts.writestr("OFD.xml", "<OFD/>")
    return file.getvalue()


def a_billed_firm(plan: Plan, *, firm: Organization | None = None) -> Bill:
    """October's bill of a firm that has used the plan since then."""
    firm = firm or an_organization(name="示例五金制品有限公司")
    a_subscription(plan, organization=firm, user=a_member(firm, Role.FINANCE))
    return an_issued_bill(firm, OCTOBER)


def a_request(
    bill: Bill, *, kind: FapiaoKind = FapiaoKind.SPECIAL, title: Title = TITLE, at: datetime = ASKED
) -> FapiaoRequest:
    """What the firm asks the first provider of the bill for."""
    (request, *_others) = fapiao.ask(
        bill, [bill.taxes[0].provider_id], kind=kind, title=title, by=_buyer(bill), at=at
    )
    db.session.flush()
    return seen(request)


def seen(request: FapiaoRequest) -> FapiaoRequest:
    """The request as its provider's page loads it."""
    id, provider = request.id, db.session.get_one(Provider, request.provider_id)
    db.session.flush()
    db.session.expire(request)
    return fapiao.request_at(provider, id)


def a_paper(request: FapiaoRequest, digits: str = "", *, amount_fen: int | None = None, data: bytes = PDF) -> Paper:
    """A paper that says what it has to say."""
    amount = request.gross_fen if amount_fen is None else amount_fen
    return Paper(digits or number(request.id), ISSUED_ON, amount, "发票.pdf", data)


def recorded(request: FapiaoRequest, digits: str = "", *, data: bytes = PDF) -> FapiaoRequest:
    """The provider has recorded the fapiao."""
    user, organization = seller(request), accounts.organization_by_id(request.provider.organization_id)
    paper = a_paper(request, digits, data=data)
    fapiao.issue(request, paper, by=an_actor(user, organization), at=moment("2026-11-10 15:00"))
    return seen(request)


def a_wanted_red(request: FapiaoRequest, *, gross_fen: int, net_fen: int) -> Fapiao:
    """A red letter without a number yet, as a credit note leaves it."""
    red = Fapiao(
        request_id=request.id, red=True, red_reason=RedReason.ALLOWANCE, words="少算一天", asked_at=moment("2026-11-12 10:00"),
        due_on=date(2026, 11, 19), gross_fen=gross_fen, net_fen=net_fen, tax_fen=gross_fen - net_fen,
    )  # fmt: skip
    db.session.add(red)
    db.session.flush()
    return red


def seller(request: FapiaoRequest) -> User:
    """Somebody of the provider, made if there is nobody."""
    organization = accounts.organization_by_id(request.provider.organization_id)
    known = accounts.members_of(organization)
    return known[0].user if known else a_member(organization)


def _buyer(bill: Bill) -> audit.Actor:
    members = accounts.members_of(bill.organization)
    return an_actor(members[0].user if members else None, bill.organization)
