"""Mending what was typed: a paper is right at the tax office, and only its number or day was recorded wrongly here.

The amount is checked when a paper is recorded, so nothing else can be wrong. Once a later red letter is recorded it
names the paper's number, and what was recorded stays. Old and new stand in the request's course and in the trail.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime

from market import audit, db, documents
from market.billing.fapiao import papers
from market.billing.fapiao.issuing import LONGEST_WORDS
from market.billing.fapiao.models import Fapiao, FapiaoRequest
from market.billing.fapiao.papers import Paper
from market.billing.fapiao.signals import fapiao_mended
from market.documents import Document
from market.errors import Invalid, NotFound, Refused
from market.kit.refusal import Refusal

ACTION = "fapiao.mended"


class NotMendable(Refused):
    """Nothing is recorded yet, or a later red letter is."""

    code = "fapiao_not_mendable"
    message = "这张发票还没有登记，或之后登记过红字发票，号码和日期不能再改。"


@dataclass(frozen=True)
class Mended:
    """What a paper was recorded with before, and what it was mended to."""

    at: datetime
    number_before: str
    number: str
    day_before: date
    day: date
    words: str


@dataclass(frozen=True)
class AmountChanged:
    """What was to stand on a fapiao, and what is after a credit note, or after one became void."""

    at: datetime
    before_fen: int
    fen: int


def paper_of(request: FapiaoRequest, paper_id: int) -> Fapiao:
    """A paper of this request, as `request_at` loads it. Raises NotFound."""
    found = next((paper for paper in request.papers if paper.id == paper_id), None)
    if found is None:
        raise NotFound
    return found


def mendable(request: FapiaoRequest, paper: Fapiao) -> bool:
    """Whether it is recorded, and no later red letter is."""
    later = (red for red in request.reds if red.id != paper.id and red.recorded_at is not None)
    mine = paper.recorded_at
    return mine is not None and not any(not paper.red or red.recorded_at >= mine for red in later if red.recorded_at)


def mend(request: FapiaoRequest, paper_id: int, typed: Paper, *, words: str, by: audit.Actor, at: datetime) -> Fapiao:
    """Put number and day right, with the file where that was another one's; the buyer is told.

    The amount of `typed` is not asked for. Raises NotFound, NotMendable, and Invalid with everything that does not fit.
    """
    db.lock(request)
    db.session.refresh(request, attribute_names=["papers"])
    paper = paper_of(request, paper_id)
    if not mendable(request, paper) or paper.issued_on is None:
        raise NotMendable
    _check(request, paper, typed, words, at)
    before = {"fapiao_number": paper.number, "issued_on": str(paper.issued_on)}
    document = papers.keep(typed, request.provider.organization_id, by=by, at=at)
    db.session.flush()
    paper.number, paper.issued_on = typed.plain_number, typed.issued_on
    paper.document_id = document.id if document else paper.document_id
    audit.record(
        ACTION, request, by=by, at=at, reason=" ".join(words.split()), organization_id=request.organization_id,
        before=before, after={"fapiao_number": paper.number, "issued_on": str(paper.issued_on)},
    )  # fmt: skip
    db.session.flush()
    db.session.expire(request, ["papers"])
    fapiao_mended.send(request, paper=paper, before=str(before["fapiao_number"]), at=at)
    return paper


def changes_of(request: FapiaoRequest) -> Iterator[Mended | AmountChanged]:
    """What of a request is not what it was: mended papers, and amounts that credit notes changed before it was issued."""
    for event in audit.history(request):
        before, after = event.before, event.after
        if event.action == ACTION:
            was, now = (date.fromisoformat(each["issued_on"]) for each in (before, after))
            yield Mended(event.at, before["fapiao_number"], after["fapiao_number"], was, now, event.reason)
        elif event.action == "fapiao.amount_changed":
            yield AmountChanged(event.at, before["gross_fen"], after["gross_fen"])


def _check(request: FapiaoRequest, paper: Fapiao, typed: Paper, words: str, at: datetime) -> None:
    """Everything that is to be changed in what was typed."""
    problems: dict[str, str | Refusal] = {}
    blue = request.blue
    since = blue.issued_on if paper.red and blue and blue.issued_on else request.bill.period.first_day
    typed = replace(typed, amount_fen=paper.gross_fen)
    try:
        papers.check(typed, amount_fen=paper.gross_fen, since=since, at=at, needs_file=False, own_id=paper.id)
    except Invalid as wrong:
        problems |= wrong.fields
    if (typed.plain_number, typed.issued_on) == (paper.number, paper.issued_on) and not typed.data:
        problems.setdefault("number", "号码和日期都和登记的一样，没有要改的。")
    if not typed.data and "number" not in problems and _names_another(paper, typed):
        problems.setdefault("document", "登记的文件里没有这个号码，请一起换上对的文件。")
    if not words.strip():
        problems["explanation"] = "写明为什么改，客户会原样看到。"
    elif len(words) > LONGEST_WORDS:
        problems["explanation"] = Refusal("说明最多 %(limit)d 个字，现在有 %(count)d 个。", limit=LONGEST_WORDS, count=len(words))
    if problems:
        raise Invalid(fields=problems)


def _names_another(paper: Fapiao, typed: Paper) -> bool:
    """Whether the file on record can be read and has another number in it."""
    kept = db.session.get(Document, paper.document_id) if paper.document_id else None
    if kept is None or kept.media_type != documents.XML:
        return False
    return typed.plain_number.encode() not in documents.read(kept)
