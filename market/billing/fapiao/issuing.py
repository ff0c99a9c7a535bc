"""What the provider does: take a request up, record the fapiao, say why there is none."""

from __future__ import annotations

from datetime import datetime

from market import audit, db
from market.billing.fapiao import papers
from market.billing.fapiao.models import (
    LIFECYCLE,
    OPEN,
    Fapiao,
    FapiaoRequest,
    FapiaoStatus,
    RefusalReason,
)
from market.billing.fapiao.papers import Paper
from market.billing.fapiao.signals import fapiao_issued, fapiao_refused
from market.errors import Invalid, Refused
from market.kit.refusal import Refusal

LONGEST_WORDS = 300
#: What a person may choose; that nothing is left is found out by the market itself.
REASONS = tuple(reason for reason in RefusalReason if reason is not RefusalReason.CREDITED)


class NotOpen(Refused):
    """Issued, refused or withdrawn already."""

    code = "fapiao_not_open"
    message = "这个申请已经办完或被撤回，不用再办。"


def take_up(request: FapiaoRequest, *, by: audit.Actor, at: datetime) -> None:
    """Begin: the buyer cannot take it back any more. Once begun it stays so. Raises NotOpen."""
    _opened(request)
    if request.status is FapiaoStatus.REQUESTED:
        _begin(request, by=by, at=at)


def issue(request: FapiaoRequest, paper: Paper, *, by: audit.Actor, at: datetime) -> Fapiao:
    """Record the fapiao. Raises NotOpen, and Invalid with everything that does not fit."""
    _opened(request)
    since = request.bill.period.first_day
    papers.check(paper, amount_fen=request.gross_fen, since=since, at=at, needs_file=True)
    if request.status is FapiaoStatus.REQUESTED:
        _begin(request, by=by, at=at)
    document = papers.keep(paper, request.provider.organization_id, by=by, at=at)
    db.session.flush()
    blue = Fapiao(
        request_id=request.id, red=False, words="", number=paper.plain_number, issued_on=paper.issued_on,
        gross_fen=request.gross_fen, net_fen=request.net_fen, tax_fen=request.tax_fen,
        document_id=document.id if document else None,
        asked_at=request.requested_at, due_on=request.due_on, recorded_at=at, recorded_by_id=by.user_id,
    )  # fmt: skip
    db.session.add(blue)
    LIFECYCLE.move(request, FapiaoStatus.ISSUED)
    request.closed_at = at
    audit.record(
        "fapiao.issued", request, by=by, at=at, organization_id=request.organization_id,
        after={"fapiao_number": blue.number, "issued_on": str(blue.issued_on), "gross_fen": blue.gross_fen},
    )  # fmt: skip
    db.session.expire(request, ["papers"])
    fapiao_issued.send(request, at=at)
    return blue


def refuse(request: FapiaoRequest, *, reason: RefusalReason, words: str, by: audit.Actor, at: datetime) -> None:
    """There will be none: the buyer reads the reason with what she can do, and these words. Raises NotOpen, Invalid."""
    _opened(request)
    words = " ".join(words.split())
    if not words:
        raise Invalid(fields={"explanation": "写明哪里不对、怎么改，客户会原样看到。"})
    if len(words) > LONGEST_WORDS:
        raise Invalid(
            fields={"explanation": Refusal("说明最多 %(limit)d 个字，现在有 %(count)d 个。", limit=LONGEST_WORDS, count=len(words))}
        )
    turn_down(request, reason=reason, words=words, by=by, at=at)


def turn_down(request: FapiaoRequest, *, reason: RefusalReason, words: str, by: audit.Actor, at: datetime) -> None:
    """Refuse a request that is held and open."""
    if request.status is FapiaoStatus.REQUESTED:
        _begin(request, by=by, at=at)
    LIFECYCLE.move(request, FapiaoStatus.REFUSED)
    request.refusal, request.refusal_words, request.closed_at = reason, words, at
    audit.record(
        "fapiao.refused", request, by=by, at=at, reason=words, organization_id=request.organization_id,
        after={"refusal": reason.value},
    )  # fmt: skip
    fapiao_refused.send(request, at=at)


def _opened(request: FapiaoRequest) -> None:
    """Hold it; two colleagues who act at once take turns."""
    db.lock(request)
    if request.status not in OPEN:
        raise NotOpen


def _begin(request: FapiaoRequest, *, by: audit.Actor, at: datetime) -> None:
    LIFECYCLE.move(request, FapiaoStatus.ISSUING)
    request.taken_at = at
    audit.record("fapiao.taken_up", request, by=by, at=at, organization_id=request.organization_id)
