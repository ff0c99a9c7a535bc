"""Questions about fapiao: what of a bill can be asked for, whose requests are where. A stranger's is not found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, func, select
from sqlalchemy.orm import joinedload, selectinload

from market import db
from market.accounts.models import Organization
from market.billing.fapiao import amounts, asking
from market.billing.fapiao.amounts import Share, Sum
from market.billing.fapiao.models import (
    CLOSED,
    OPEN,
    Fapiao,
    FapiaoKind,
    FapiaoRequest,
    FapiaoStatus,
)
from market.billing.models import Bill, BillLine
from market.documents.models import Document
from market.errors import NotFound
from market.kit.period import local_day
from market.providers.models import Provider


class View(StrEnum):
    """What a list of requests is narrowed to."""

    OPEN = "open"
    LATE = "late"
    RED = "red"
    CLOSED = "closed"


@dataclass(frozen=True)
class Part:
    """One provider's part of a bill, and how its fapiao stands."""

    provider: Provider
    shares: Sequence[Share]
    amount: Sum
    kinds: frozenset[FapiaoKind]
    request: FapiaoRequest | None

    @property
    def askable(self) -> bool:
        """Whether the buyer may ask now, for the first time or again."""
        closed = self.request is None or self.request.status in CLOSED
        return closed and bool(self.kinds) and asking.can_be_asked(self.shares)


def parts_of(bill: Bill) -> list[Part]:
    """Every provider's part of an issued bill; a draft and a void bill have none."""
    if bill.status in asking.NONE_OF:
        return []
    shares, kinds = amounts.shares_of([bill.id]), amounts.kinds_of([bill.id])
    requests = {each.provider_id: each for each in asking.standing([bill.id])}
    ids = [provider_id for _bill, provider_id in shares]
    sellers = db.session.scalars(select(Provider).where(Provider.id.in_(ids)).order_by(Provider.id))
    return [
        Part(
            provider=seller,
            shares=shares[bill.id, seller.id],
            amount=Sum.of(shares[bill.id, seller.id]),
            kinds=amounts.taxed(kinds.get((bill.id, seller.id), frozenset()), shares[bill.id, seller.id]),
            request=requests.get(seller.id),
        )
        for seller in sellers
    ]


def askable(bills: Sequence[Bill]) -> set[int]:
    """The bills, by their ids, of which a part can be asked for now; a constant number of questions for any number."""
    ids = [bill.id for bill in bills if bill.status not in asking.NONE_OF]
    if not ids:
        return set()
    shares, kinds = amounts.shares_of(ids), amounts.kinds_of(ids)
    known = select(FapiaoRequest.bill_id, FapiaoRequest.provider_id).where(
        FapiaoRequest.bill_id.in_(ids), FapiaoRequest.status.not_in([*CLOSED, FapiaoStatus.RED])
    )
    busy = {(bill_id, provider_id) for bill_id, provider_id in db.session.execute(known)}
    return {
        key[0]
        for key, part in shares.items()
        if key not in busy and amounts.taxed(kinds.get(key, frozenset()), part) and asking.can_be_asked(part)
    }


def last_kind(organization: Organization) -> FapiaoKind | None:
    """What the firm asked for last."""
    query = select(FapiaoRequest.kind).where(FapiaoRequest.organization_id == organization.id)
    return db.session.scalar(query.order_by(FapiaoRequest.requested_at.desc(), FapiaoRequest.id.desc()).limit(1))


def requests_of(organization: Organization) -> Select[Any]:
    """The buyer's requests, the newest first."""
    query = _requests(FapiaoRequest.organization_id == organization.id)
    return query.order_by(FapiaoRequest.requested_at.desc(), FapiaoRequest.id.desc())


def request_of(organization: Organization, id: int) -> FapiaoRequest:
    """One of the buyer's. Raises NotFound."""
    return _found(FapiaoRequest.id == id, FapiaoRequest.organization_id == organization.id)


def request_at(provider: Provider, id: int) -> FapiaoRequest:
    """One that this provider was asked. Raises NotFound."""
    return _found(FapiaoRequest.id == id, FapiaoRequest.provider_id == provider.id)


def document_of(request: FapiaoRequest, paper_id: int) -> Document:
    """The file of a paper of this request, as `request_of` and `request_at` load it. Raises NotFound."""
    found = next((paper.document for paper in request.papers if paper.id == paper_id), None)
    if found is None:
        raise NotFound
    return found


def red_at(provider: Provider, id: int, red_id: int) -> Fapiao:
    """A red letter that this provider is to record, or has recorded. Raises NotFound."""
    request = request_at(provider, id)
    found = next((red for red in request.reds if red.id == red_id), None)
    if found is None:
        raise NotFound
    found.request = request
    return found


def lines_of(request: FapiaoRequest) -> Sequence[tuple[str, Mapping[str, str], int]]:
    """What it is for: (rate, label of a service, gross), summed over the provider's lines of the bill."""
    query = (
        select(BillLine.tax_rate, BillLine.label, BillLine.gross_fen)
        .where(BillLine.bill_id == request.bill_id, BillLine.provider_id == request.provider_id)
        .order_by(BillLine.position)
    )
    sums: dict[tuple[str, str], tuple[Mapping[str, str], int]] = {}
    for rate, label, gross in db.session.execute(query):
        key = (rate, label["offering_zh"])
        sums[key] = (label, sums[key][1] + gross if key in sums else gross)
    return [(rate, label, gross) for (rate, _name), (label, gross) in sums.items()]


def worklist(provider: Provider | None, view: View, now: datetime) -> Select[Any]:
    """Requests as a provider works through them, or everybody's for the office; what is due first comes first."""
    whose = () if provider is None else (FapiaoRequest.provider_id == provider.id,)
    query = _requests(*whose, _in(view, now))
    if view is View.CLOSED:
        return query.order_by(FapiaoRequest.closed_at.desc(), FapiaoRequest.id.desc())
    return query.order_by(FapiaoRequest.due_on, FapiaoRequest.id)


def counts(provider: Provider | None, now: datetime) -> dict[View, int]:
    """How many there are to do, late, and waiting for a red letter."""
    whose = () if provider is None else (FapiaoRequest.provider_id == provider.id,)
    wanted = (View.OPEN, View.LATE, View.RED)
    columns = [func.count().filter(_in(view, now)).label(view.value) for view in wanted]
    row = db.session.execute(select(*columns).select_from(FapiaoRequest).where(*whose)).one()
    return {view: getattr(row, view.value) for view in wanted}


def waiting(provider: Provider) -> int:
    """How many requests and red letters the provider has to see to."""
    return db.session.scalar(_waiting(), {"provider": provider.id}) or 0


@cache
def _waiting() -> Select[int]:
    """Put together once: it is asked with every page of a provider."""
    mine = FapiaoRequest.provider_id == bindparam("provider")
    return select(func.count()).select_from(FapiaoRequest).where(mine, FapiaoRequest.status.in_(OPEN) | _awaits_red())


def _in(view: View, now: datetime) -> ColumnElement[bool]:
    opened = FapiaoRequest.status.in_(OPEN)
    if view is View.OPEN:
        return opened
    if view is View.LATE:
        today = local_day(now)
        return (opened & (FapiaoRequest.due_on < today)) | _awaits_red(Fapiao.due_on < today)
    if view is View.RED:
        return _awaits_red()
    return FapiaoRequest.status.not_in(OPEN)


def _awaits_red(*besides: ColumnElement[bool]) -> ColumnElement[bool]:
    papers = select(Fapiao.id).where(Fapiao.request_id == FapiaoRequest.id, Fapiao.number.is_(None), *besides)
    return papers.exists()


def _requests(*conditions: ColumnElement[bool]) -> Select[Any]:
    loads = (
        joinedload(FapiaoRequest.bill), joinedload(FapiaoRequest.organization), joinedload(FapiaoRequest.provider),
        selectinload(FapiaoRequest.papers),
    )  # fmt: skip
    return select(FapiaoRequest).where(*conditions).options(*loads)


def _found(*conditions: ColumnElement[bool]) -> FapiaoRequest:
    papers = selectinload(FapiaoRequest.papers).joinedload(Fapiao.document)
    query = _requests(*conditions).options(selectinload(FapiaoRequest.amounts), papers)
    found: FapiaoRequest | None = db.session.scalar(query)
    if found is None:
        raise NotFound
    return found
