"""What the buyer does: ask for fapiao, take the question back, ask again after a refusal."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import joinedload, selectinload

from market import audit, db
from market.billing.fapiao import amounts, deadlines
from market.billing.fapiao.amounts import Share, Sum
from market.billing.fapiao.models import (
    CLOSED,
    LIFECYCLE,
    OPEN,
    FapiaoAmount,
    FapiaoKind,
    FapiaoRequest,
    FapiaoStatus,
)
from market.billing.fapiao.signals import fapiao_requested
from market.billing.fapiao.titles import Title
from market.billing.models import Bill, BillStatus
from market.errors import Invalid, Refused
from market.kit.refusal import Refusal
from market.providers.models import Provider

LONGEST_NOTE = 100
#: Bills of which nothing is to be had.
NONE_OF = frozenset({BillStatus.DRAFT, BillStatus.VOID})


class NotBilledYet(Refused):
    """A draft still changes, a void bill is none."""

    code = "fapiao_of_no_bill"
    message = "这张账单还没有出账或已作废，不能申请发票。"


class AlreadyAsked(Refused):
    """There is a request or a fapiao for this part of the bill."""

    code = "fapiao_already_asked"
    message = "这部分已经申请过发票。请在发票列表里看进度。"


class TakenUp(Refused):
    """The provider is at work on it, or done."""

    code = "fapiao_taken_up"
    message = "服务商已经开始开票，不能撤回了。抬头有误请直接联系服务商。"


def ask(
    bill: Bill, provider_ids: Collection[int], *, kind: FapiaoKind, title: Title, note: str = "", by: audit.Actor, at: datetime
) -> list[FapiaoRequest]:
    """Ask each of these providers for the fapiao of its part of a bill.

    The same question twice is one. Raises NotBilledYet, AlreadyAsked, and Invalid with `fields`.
    """
    db.lock(bill)
    if bill.status in NONE_OF:
        raise NotBilledYet
    words, note = title.tidy(), " ".join(note.split())
    shares = {provider: part for (_bill, provider), part in amounts.shares_of([bill.id]).items()}
    _check(bill, provider_ids, shares, kind, words, note)
    known = {each.provider_id: each for each in standing([bill.id])}
    return [
        _ask(bill, provider_id, known.get(provider_id), shares[provider_id], kind, words, note, by=by, at=at)
        for provider_id in sorted(set(provider_ids))
    ]


def withdraw(request: FapiaoRequest, *, by: audit.Actor, at: datetime) -> None:
    """Take the question back while the provider has not begun. Raises TakenUp."""
    db.lock(request)
    if not LIFECYCLE.allows(request.status, FapiaoStatus.WITHDRAWN):
        raise TakenUp
    LIFECYCLE.move(request, FapiaoStatus.WITHDRAWN)
    request.closed_at = at
    audit.record("fapiao.withdrawn", request, by=by, at=at, organization_id=request.organization_id)


def standing(bill_ids: Collection[int]) -> list[FapiaoRequest]:
    """The request of each part of these bills, but for those whose fapiao was taken back."""
    query = select(FapiaoRequest).where(
        FapiaoRequest.bill_id.in_(bill_ids), FapiaoRequest.status != FapiaoStatus.RED
    )
    loads = (joinedload(FapiaoRequest.bill), joinedload(FapiaoRequest.provider), selectinload(FapiaoRequest.papers))
    return list(db.session.scalars(query.options(*loads).order_by(FapiaoRequest.id)))


def can_be_asked(shares: Sequence[Share] | None) -> bool:
    """Whether a fapiao can say this: something is left, and nothing on it is money back."""
    return bool(shares) and all(share.gross_fen > 0 for share in shares or ())


def _check(
    bill: Bill, provider_ids: Collection[int], shares: Mapping[int, Sequence[Share]], kind: FapiaoKind, title: Title, note: str
) -> None:
    problems: dict[str, str | Refusal] = {}
    if title.problems():
        problems["title"] = "这个抬头还有要改的地方。请先修改抬头，或选别的抬头。"
    elif kind is FapiaoKind.SPECIAL and not title.tax_code:
        problems["title"] = "专票要有税号。请给这个抬头补上税号，或改选普票。"
    if not provider_ids or not all(can_be_asked(shares.get(id)) for id in provider_ids):
        problems["providers"] = "选择至少一家可以开票的服务商。"
    elif unwilling := _unwilling(bill, provider_ids, shares, kind):
        problems["kind"] = Refusal(_UNWILLING[kind], names="、".join(unwilling))
    if len(note) > LONGEST_NOTE:
        problems["note"] = Refusal("备注最多 %(limit)d 个字，现在有 %(count)d 个。", limit=LONGEST_NOTE, count=len(note))
    if problems:
        raise Invalid(fields=problems)


_UNWILLING = {
    FapiaoKind.SPECIAL: "%(names)s这部分不能开专票。请改选普票，或分开申请。",
    FapiaoKind.ORDINARY: "%(names)s这部分只开专票。请改选专票，或分开申请。",
}


def _unwilling(
    bill: Bill, provider_ids: Collection[int], shares: Mapping[int, Sequence[Share]], kind: FapiaoKind
) -> list[str]:
    offered = amounts.kinds_of([bill.id])
    ids = [id for id in provider_ids if kind not in amounts.taxed(offered.get((bill.id, id), frozenset()), shares[id])]
    return list(db.session.scalars(select(Provider.name_zh).where(Provider.id.in_(ids)).order_by(Provider.id)))


def _ask(
    bill: Bill, provider_id: int, known: FapiaoRequest | None, shares: Sequence[Share], kind: FapiaoKind, title: Title, note: str,
    *, by: audit.Actor, at: datetime,
) -> FapiaoRequest:  # fmt: skip
    if known is not None and known.status not in CLOSED:
        if known.status in OPEN and (known.kind, known.title, known.note) == (kind, title.values(), note):
            return known
        raise AlreadyAsked
    request = known or _begun(bill, provider_id)
    before = _told(request) if known else None
    request.kind, request.title, request.note = kind, title.values(), note
    request.requested_at, request.requested_by_id = at, by.user_id
    request.due_on, request.taken_at, request.closed_at = deadlines.due_on(at), None, None
    if known:
        request.refusal, request.refusal_words = None, ""
        LIFECYCLE.move(request, FapiaoStatus.REQUESTED)
    else:
        db.session.add(request)
    db.session.flush()
    state(request, shares)
    audit.record(
        "fapiao.requested_again" if known else "fapiao.requested", request, by=by, at=at, organization_id=bill.organization_id,
        before=before, after=_told(request),
    )  # fmt: skip
    fapiao_requested.send(request, at=at)
    return request


def _told(request: FapiaoRequest) -> dict[str, Any]:
    """What the trail says of a request."""
    title = {"title": request.title["name"], "tax_code": request.title["tax_code"]}
    return {"fapiao_kind": request.kind.value, **title, "gross_fen": request.gross_fen}


def _begun(bill: Bill, provider_id: int) -> FapiaoRequest:
    return FapiaoRequest(
        bill=bill, bill_id=bill.id, organization_id=bill.organization_id, status=FapiaoStatus.REQUESTED,
        provider=db.session.get_one(Provider, provider_id), provider_id=provider_id, refusal_words="",
        gross_fen=0, net_fen=0, tax_fen=0,
    )  # fmt: skip


def state(request: FapiaoRequest, shares: Sequence[Share]) -> None:
    """Write down what is to stand on it."""
    whole = Sum.of(shares)
    request.gross_fen, request.net_fen, request.tax_fen = whole.gross_fen, whole.net_fen, whole.tax_fen
    db.session.execute(delete(FapiaoAmount).where(FapiaoAmount.request_id == request.id))
    db.session.add_all(
        FapiaoAmount(
            request_id=request.id, tax_rate=share.tax_rate, gross_fen=share.gross_fen, net_fen=share.net_fen,
            tax_fen=share.tax_fen,
        )
        for share in shares
    )  # fmt: skip
    db.session.flush()
