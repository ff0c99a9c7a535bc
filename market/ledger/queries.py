"""Questions about the books. What an account stands at is added up from its postings, nowhere kept."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, case, func, or_, select
from sqlalchemy.orm import joinedload

from market import db
from market.accounts import Organization
from market.billing import Bill
from market.errors import NotFound
from market.ledger.models import DEBIT, AccountKind, Event, LedgerAccount, Posting

Sums = dict[tuple[AccountKind, int | str], int]


def sums(*conditions: ColumnElement[bool]) -> Sums:
    """What accounts stand at by kind and holder, as the sign of their side; of all postings or some."""
    found: Sums = {}
    key = LedgerAccount.kind, LedgerAccount.organization_id, LedgerAccount.provider_id, LedgerAccount.gateway
    for debit, side in ((True, Posting.debit_id), (False, Posting.credit_id)):
        query = select(*key, func.sum(Posting.amount_fen)).join(LedgerAccount, LedgerAccount.id == side).where(*conditions)
        for kind, organization_id, provider_id, gateway, fen in db.session.execute(query.group_by(*key)):
            name = kind, organization_id or provider_id or gateway or ""
            found[name] = found.get(name, 0) + (int(fen) if debit == (kind in DEBIT) else -int(fen))
    return found


@dataclass(frozen=True, slots=True)
class KindTotal:
    """All accounts of one kind together."""

    kind: AccountKind
    accounts: int
    debit_fen: int
    credit_fen: int

    @property
    def fen(self) -> int:
        """What they stand at."""
        return self.debit_fen - self.credit_fen if self.kind in DEBIT else self.credit_fen - self.debit_fen


def totals() -> list[KindTotal]:
    """Every kind of account; debits and credits come to the same over all of them."""
    counted = {kind: count for kind, count in db.session.execute(select(LedgerAccount.kind, func.count()).group_by(LedgerAccount.kind))}
    sides = []
    for side in (Posting.debit_id, Posting.credit_id):
        query = select(LedgerAccount.kind, func.sum(Posting.amount_fen)).join(LedgerAccount, LedgerAccount.id == side)
        sides.append({kind: int(fen) for kind, fen in db.session.execute(query.group_by(LedgerAccount.kind))})
    debits, credits = sides
    return [KindTotal(kind, counted.get(kind, 0), debits.get(kind, 0), credits.get(kind, 0)) for kind in AccountKind]


def account_by_id(id: int) -> LedgerAccount:
    """One account with its holder. Raises NotFound."""
    account = db.session.scalar(_accounts().where(LedgerAccount.id == id))
    if account is None:
        raise NotFound
    return account


def accounts(kind: AccountKind | None = None, *, organization: Organization | None = None) -> Select[LedgerAccount]:
    """All accounts, those of one kind, or those of a firm as a buyer and as a provider; in the order they were opened."""
    query = _accounts()
    if kind is not None:
        query = query.where(LedgerAccount.kind == kind)
    if organization is not None:
        sold = LedgerAccount.provider.has(organization_id=organization.id)
        query = query.where(or_(LedgerAccount.organization_id == organization.id, sold))
    rank = case({kind.value: number for number, kind in enumerate(AccountKind)}, value=LedgerAccount.kind)
    return query.order_by(rank, LedgerAccount.id)


def stands_at(account_ids: Collection[int]) -> dict[int, int]:
    """What accounts stand at, by their numbers."""
    found = dict.fromkeys(account_ids, 0)
    kinds = {id: kind for id, kind in db.session.execute(select(LedgerAccount.id, LedgerAccount.kind).where(LedgerAccount.id.in_(account_ids)))}
    for debit, side in ((True, Posting.debit_id), (False, Posting.credit_id)):
        query = select(side, func.sum(Posting.amount_fen)).where(side.in_(account_ids)).group_by(side)
        for id, fen in db.session.execute(query):
            found[id] += int(fen) if debit == (kinds[id] in DEBIT) else -int(fen)
    return found


def postings(
    *,
    account: LedgerAccount | None = None,
    bill: Bill | None = None,
    event: Event | None = None,
    since: datetime | None = None,
    before: datetime | None = None,
) -> Select[Posting]:
    """Postings, newest first, with their accounts and bill."""
    sides = (joinedload(side).options(joinedload(LedgerAccount.organization), joinedload(LedgerAccount.provider)) for side in (Posting.debit, Posting.credit))
    query = select(Posting).options(*sides, joinedload(Posting.bill))
    if account is not None:
        query = query.where(or_(Posting.debit_id == account.id, Posting.credit_id == account.id))
    if bill is not None:
        query = query.where(Posting.bill_id == bill.id)
    if event is not None:
        query = query.where(Posting.event == event)
    if since is not None:
        query = query.where(Posting.at >= since)
    if before is not None:
        query = query.where(Posting.at < before)
    return query.order_by(Posting.id.desc())


def after_each(account: LedgerAccount, shown: Collection[Posting]) -> dict[int, int]:
    """What the account stood at after each of these postings."""
    if not shown:
        return {}
    sign = case((Posting.debit_id == account.id, 1), else_=-1) * (1 if account.kind in DEBIT else -1)
    own = or_(Posting.debit_id == account.id, Posting.credit_id == account.id)
    before = select(func.coalesce(func.sum(sign * Posting.amount_fen), 0)).where(own, Posting.id < min(one.id for one in shown))
    rest = select(Posting.id, sign * Posting.amount_fen).where(own, Posting.id >= min(one.id for one in shown)).order_by(Posting.id)
    stand, found = int(db.session.scalar(before) or 0), {}
    wanted = {one.id for one in shown}
    for id, fen in db.session.execute(rest.where(Posting.id <= max(wanted))):
        stand += int(fen)
        if id in wanted:
            found[id] = stand
    return found


def _accounts() -> Select[LedgerAccount]:
    return select(LedgerAccount).options(joinedload(LedgerAccount.organization), joinedload(LedgerAccount.provider))
