"""Giving a buyer something to spend here: who wants to give how much, why, until when, and who else agreed.

It pays bills like the buyer's own money and before it, but nobody can have it paid out.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import Select, func, select
from sqlalchemy.orm import joinedload

from market import accounts, audit, db, resources
from market.accounts.models import Organization, OrganizationKind, User
from market.audit import Actor
from market.billing.credit_notes import balances, signals
from market.billing.credit_notes.lot_models import BalanceGrant, BalanceLot, GrantReason, LotKind
from market.billing.credit_notes.models import PROPOSAL_LIFECYCLE, EntryKind, ProposalStatus
from market.billing.credit_notes.refusals import AlreadyDecided, FourEyes, GrantInvalid
from market.errors import NotFound
from market.kit.period import local_day
from market.kit.refusal import Refusal

#: So long is a reason in words.
NOTE_LIMIT = 500
#: The longest that something is given for.
LONGEST = timedelta(days=3 * 365)
#: What one person gives one firm within so long counts together.
_WITHIN = timedelta(days=30)
_MOST_FEN = 10_000_000_00


def grant(
    organization: Organization,
    amount_fen: int,
    *,
    reason: GrantReason | None,
    note: str,
    expires_on: date | None,
    request_key: str,
    user: User,
    by: Actor,
    at: datetime,
) -> BalanceGrant:
    """Give a buyer so much until a day; a large one waits for a second person. The same key is the same grant.

    Raises GrantInvalid.
    """
    note = " ".join(note.split()).replace("\0", "")
    check(amount_fen, reason, note, expires_on, at)
    accounts.lock(organization.id)
    known = db.session.scalar(grants().where(BalanceGrant.request_key == request_key))
    if known is not None:
        if known.organization_id != organization.id:
            raise GrantInvalid(fields={"request_key": "这张表单已经用过，请重新打开页面"})
        return known
    given = BalanceGrant(
        organization_id=organization.id, amount_fen=amount_fen, reason=reason, note=note, expires_on=expires_on,
        status=PROPOSAL_LIFECYCLE.initial, request_key=request_key, asked_by_id=user.id, asked_at=at, answer="",
    )  # fmt: skip
    large = is_large(organization, amount_fen, at)
    db.session.add(given)
    db.session.flush()
    if large:
        _tell(given, "balance_grant.proposed", by, at)
        signals.grant_proposed.send(given, at=at)
    else:
        _give(given, by=by, at=at)
    return grant_by_id(given.id)


def approve(given: BalanceGrant, *, user: User, by: Actor, at: datetime) -> None:
    """The second person agrees: it is balance. Raises AlreadyDecided, FourEyes, GrantInvalid when its day is past."""
    accounts.lock(given.organization_id)
    _take(given)
    if given.asked_by_id == user.id:
        raise FourEyes("这笔赠送是您自己提出的，要请另一位同事复核。")
    if given.expires_on < local_day(at):
        raise GrantInvalid("有效期已经过了。请驳回，再重新提出。")
    given.decided_by_id = user.id
    _give(given, by=by, at=at)


def reject(given: BalanceGrant, *, answer: str, user: User, by: Actor, at: datetime) -> None:
    """It is not to be; its author withdraws it so. Raises AlreadyDecided, GrantInvalid without a reason."""
    answer = " ".join(answer.split()).replace("\0", "")[:NOTE_LIMIT]
    if not answer:
        raise GrantInvalid(fields={"answer": "写明原因，提出的同事会看到"})
    _take(given)
    PROPOSAL_LIFECYCLE.move(given, ProposalStatus.REJECTED)
    given.decided_by_id, given.decided_at, given.answer = user.id, at, answer
    _tell(given, "balance_grant.rejected", by, at)


def check(amount_fen: int, reason: GrantReason | None, note: str, expires_on: date | None, at: datetime) -> None:
    """Raises GrantInvalid with all that cannot be right."""
    wrong: dict[str, str | Refusal] = {}
    first, last = local_day(at), local_day(at + LONGEST)
    if not 0 < amount_fen <= _MOST_FEN:
        wrong["amount_fen"] = "金额须大于 0，最多 1,000 万元"
    if reason is None:
        wrong["reason"] = "选择为什么赠送"
    if not note or len(note) > NOTE_LIMIT:
        wrong["note"] = "写明为什么赠送，客户会看到，最多 500 个字"
    if expires_on is None or not first <= expires_on <= last:
        wrong["expires_on"] = Refusal("有效期要在 %(first)s 到 %(last)s 之间", first=first, last=last)
    if wrong:
        raise GrantInvalid(fields=wrong)


def is_large(organization: Organization, amount_fen: int, at: datetime) -> bool:
    """Whether two people have to agree; what nobody else has looked at of the last days weighs with it."""
    unseen = select(func.coalesce(func.sum(BalanceGrant.amount_fen), 0)).where(
        BalanceGrant.organization_id == organization.id, BalanceGrant.status == ProposalStatus.APPROVED,
        BalanceGrant.decided_by_id.is_(None), BalanceGrant.asked_at > at - _WITHIN,
    )  # fmt: skip
    return int(db.session.scalar(unseen) or 0) + amount_fen > resources.settings.credit_yuan * 100


def grants(*states: ProposalStatus) -> Select[BalanceGrant]:
    """Grants, newest first, with firm, people and what is left."""
    load = joinedload(BalanceGrant.organization), joinedload(BalanceGrant.asked_by), joinedload(BalanceGrant.decided_by), joinedload(BalanceGrant.lot)
    query = select(BalanceGrant).options(*load).order_by(BalanceGrant.id.desc())
    return query.where(BalanceGrant.status.in_(states)) if states else query


def grant_by_id(id: int) -> BalanceGrant:
    """One of them. Raises NotFound."""
    found = db.session.scalar(grants().where(BalanceGrant.id == id).execution_options(populate_existing=True))
    if found is None:
        raise NotFound
    return found


def ending(now: datetime, *, within: timedelta) -> Select[BalanceLot]:
    """What was given and ends soon, the first first, with its grant and firm."""
    query = select(BalanceLot).where(
        BalanceLot.kind == LotKind.GRANTED, BalanceLot.rest_fen > 0, BalanceLot.expires_on <= local_day(now + within)
    )
    load = joinedload(BalanceLot.grant).joinedload(BalanceGrant.organization)
    return query.options(load).order_by(BalanceLot.expires_on, BalanceLot.id)


def totals() -> tuple[int, int]:
    """Fen that all buyers have to their credit: their own, and given."""
    query = select(BalanceLot.kind, func.sum(BalanceLot.rest_fen)).where(BalanceLot.rest_fen > 0).group_by(BalanceLot.kind)
    found = {kind: int(fen) for kind, fen in db.session.execute(query)}
    return found.get(LotKind.PURCHASED, 0), found.get(LotKind.GRANTED, 0)


def buyers_like(text: str, *, most: int = 10) -> Sequence[Organization]:
    """Firms that could be given something, by name or 统一社会信用代码."""
    plain = text.strip()
    query = select(Organization).where(Organization.kind == OrganizationKind.BUYER)
    query = query.where(Organization.name.contains(plain, autoescape=True) | (Organization.uscc == plain.upper()))
    return db.session.scalars(query.order_by(Organization.name).limit(most)).all() if plain else []


def _give(given: BalanceGrant, *, by: Actor, at: datetime) -> None:
    PROPOSAL_LIFECYCLE.move(given, ProposalStatus.APPROVED)
    given.decided_at = at
    balances.add(given.organization_id, given.amount_fen, EntryKind.GRANTED, at=at, grant=given)
    _tell(given, "balance_grant.approved" if given.decided_by_id else "balance_grant.made", by, at)
    signals.balance_granted.send(given, at=at)


def _take(given: BalanceGrant) -> None:
    db.lock(given)
    if given.status is not ProposalStatus.PROPOSED:
        raise AlreadyDecided("这笔赠送已经有人处理过了。")


def _tell(given: BalanceGrant, action: str, by: Actor, at: datetime) -> None:
    audit.record(
        action, given, by=by, at=at, reason=given.answer or given.note, organization_id=given.organization_id,
        after={"amount_fen": given.amount_fen, "reason": given.reason.value, "expires_on": given.expires_on.isoformat(),
               "status": given.status.value},
    )  # fmt: skip
