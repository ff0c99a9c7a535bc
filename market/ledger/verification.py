"""Are the books as the documents say? Every fact is worked out again, every balance added up and compared.

In two ways that know nothing of each other: what each fact had to post against what is posted, and what accounts stand
at against what bills, balances, refunds and payments say of themselves.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from market import db
from market.billing import DUE, Bill, BillStatus, reopened_bills
from market.billing.credit_notes import (
    OPEN_REFUNDS,
    BalanceEntry,
    EntryKind,
    LotKind,
    RefundRequest,
    RefundStatus,
)
from market.ledger import balances, facts, gateway_facts, queries, shares
from market.ledger.entries import Account, Entry, commission_of
from market.ledger.models import AccountKind, Event, LedgerAccount, Posting
from market.ledger.posting import ORDER
from market.payments import Payment, PaymentStatus, claims_by_firm
from market.payments.statements import WAITING, BankLine

_TOGETHER = 500
Told = Callable[[int], object]
#: What each pair of accounts moved, the commission counted with its provider's part.
Moved = Counter[tuple[Account, Account]]


@dataclass(frozen=True, slots=True)
class LedgerDifference:
    """Something the books say otherwise than the documents."""

    about: str
    field: str
    ledger: object
    expected: object


def checks() -> int:
    """How many facts and bills `verify` goes through."""
    counted = [db.session.scalar(select(func.count()).select_from(facts.ids(event).subquery())) or 0 for event in ORDER]
    return sum(counted) + counted[0]


def verify(told: Told | None = None) -> Iterator[LedgerDifference]:
    """Every difference; none when the books are complete and right. Reads one unchanging view of the data."""
    for event in ORDER:
        yield from _facts(event, told)
    yield from _strays()
    yield from _bills(told)
    yield from _holders()
    for about, field, found, expected in balances.wrong():
        yield LedgerDifference(about, field, found, expected)


def _facts(event: Event, told: Told | None) -> Iterator[LedgerDifference]:
    query, after = facts.ids(event), 0
    id = query.selected_columns[0]
    while ids := db.session.scalars(query.where(id > after).order_by(id).limit(_TOGETHER)).all():
        after = ids[-1]
        posted, wanted = _posted(event, ids), _wanted(event, ids)
        for one in ids:
            if posted.get(one, Counter()) != wanted.get(one, Counter()):
                yield LedgerDifference(f"{event.value} {one}", "postings", _words(posted.get(one)), _words(wanted.get(one)))
        if told:
            told(len(ids))


def _wanted(event: Event, ids: Collection[int]) -> Mapping[int, Moved]:
    return {entry.subject_id: _merged(entry) for entry in facts.READERS[event](ids) if entry.moves}


def _merged(entry: Entry) -> Moved:
    found: Moved = Counter()
    for move in entry.moves:
        found[_plain(move.debit), _plain(move.credit)] += move.fen
    return found


def _plain(account: Account) -> Account:
    return Account(AccountKind.PAYABLE, account.holder) if account.kind is AccountKind.COMMISSION else account


def _posted(event: Event, ids: Collection[int]) -> Mapping[int, Moved]:
    debit, credit = aliased(LedgerAccount), aliased(LedgerAccount)
    query = select(Posting.subject_id, Posting.amount_fen, debit, credit).where(Posting.event == event, Posting.subject_id.in_(ids))
    query = query.join(debit, debit.id == Posting.debit_id).join(credit, credit.id == Posting.credit_id)
    found: dict[int, Moved] = {}
    for id, fen, one, other in db.session.execute(query):
        pair = _plain(Account(one.kind, one.holder)), _plain(Account(other.kind, other.holder))
        found.setdefault(id, Counter())[pair] += fen
    return found


def _words(moved: Moved | None) -> str:
    told = [f"{fen} from {credit.kind.value} {credit.holder} to {debit.kind.value} {debit.holder}" for (debit, credit), fen in (moved or {}).items()]
    return ", ".join(sorted(told)) or "nothing"


def _strays() -> Iterator[LedgerDifference]:
    """Postings about what never happened."""
    for event in ORDER:
        query = select(Posting.subject_id, func.sum(Posting.amount_fen)).where(Posting.event == event)
        for id, fen in db.session.execute(query.where(Posting.subject_id.not_in(facts.ids(event))).group_by(Posting.subject_id)):
            yield LedgerDifference(f"{event.value} {id}", "postings", int(fen), "nothing")


def _bills(told: Told | None) -> Iterator[LedgerDifference]:
    """What each bill still asks for, what waits to be shared of it, and how it was shared."""
    after, query = 0, select(Bill).where(Bill.status != BillStatus.DRAFT)
    while bills := db.session.scalars(query.where(Bill.id > after).order_by(Bill.id).limit(_TOGETHER)).all():
        after = bills[-1].id
        by_kind, standing = _by_bill([bill.id for bill in bills]), shares.of_bills([bill.id for bill in bills])
        reopened = reopened_bills([bill.id for bill in bills])
        for bill in bills:
            due = bill.status in DUE
            pairs = {
                AccountKind.RECEIVABLE: bill.owed_fen if due else 0,
                AccountKind.UNPAID: bill.gross_fen - bill.credited_fen if due and bill.id not in reopened else 0,
            }
            for kind, expected in pairs.items():
                if (found := by_kind.get((bill.id, kind), 0)) != expected:
                    yield LedgerDifference(str(bill), kind.value, found, expected)
            earned = sum(share.fen for share in standing.get(bill.id, {}).values())
            expected = 0 if due and bill.id not in reopened else bill.gross_fen - bill.credited_fen - bill.returned_fen
            if earned != expected:
                yield LedgerDifference(str(bill), "shared", earned, expected)
            for id, share in standing.get(bill.id, {}).items():
                if share.commission != (right := commission_of(share.fen, share.rate)):
                    yield LedgerDifference(str(bill), f"commission of provider {id}", share.commission, right)
        if told:
            told(len(bills))


def _by_bill(ids: Collection[int]) -> Mapping[tuple[int, AccountKind], int]:
    found: Counter[tuple[int, AccountKind]] = Counter()
    for sign, side in ((1, Posting.debit_id), (-1, Posting.credit_id)):
        key = Posting.bill_id, LedgerAccount.kind
        query = select(*key, func.sum(Posting.amount_fen)).join(LedgerAccount, LedgerAccount.id == side)
        for bill_id, kind, fen in db.session.execute(query.where(Posting.bill_id.in_(ids)).group_by(*key)):
            found[bill_id or 0, kind] += int(fen) * (sign if kind is AccountKind.RECEIVABLE else -sign)
    return found


def _holders() -> Iterator[LedgerDifference]:
    """Balances, refunds and money by their holders, over all that was ever posted."""
    yield from _claims()
    found = queries.sums()
    wanted = {
        AccountKind.BALANCE: balances.left(LotKind.PURCHASED), AccountKind.GRANTED: balances.left(LotKind.GRANTED), AccountKind.REFUNDS: _refunds(), AccountKind.UNMATCHED: _unmatched(), AccountKind.CASH: _cash(),
        AccountKind.DISPUTED: gateway_facts.disputed(),
    }  # fmt: skip
    for kind, expected in wanted.items():
        mine = {holder: fen for (one, holder), fen in found.items() if one is kind}
        for holder in sorted({*mine, *expected}, key=str):
            if mine.get(holder, 0) != expected.get(holder, 0):
                yield LedgerDifference(f"{kind.value} {holder}", "balance", mine.get(holder, 0), expected.get(holder, 0))


def _claims() -> Iterator[LedgerDifference]:
    """What firms owe beside their bills."""
    found = {holder: fen for (kind, holder), fen in queries.sums(Posting.bill_id.is_(None)).items() if kind is AccountKind.RECEIVABLE}
    expected = claims_by_firm()
    for holder in sorted({*found, *expected}, key=str):
        if found.get(holder, 0) != expected.get(int(holder), 0):
            yield LedgerDifference(f"receivable {holder}", "beside bills", found.get(holder, 0), expected.get(int(holder), 0))


def _refunds() -> Mapping[Any, int]:
    query = select(RefundRequest.organization_id, func.sum(RefundRequest.amount_fen)).where(RefundRequest.status.in_({*OPEN_REFUNDS, RefundStatus.PROCESSING}))
    return {id: int(fen) for id, fen in db.session.execute(query.group_by(RefundRequest.organization_id))}


def _cash() -> Mapping[Any, int]:
    query = select(Payment.gateway, func.sum(Payment.amount_fen)).where(Payment.status == PaymentStatus.SUCCEEDED)
    found = Counter({gateway: int(fen) for gateway, fen in db.session.execute(query.group_by(Payment.gateway))})
    found[facts.BY_HAND] += _by_bank()
    found.update(gateway_facts.came_back())
    for taken in (gateway_facts.paid_back(), gateway_facts.gone()):
        found.subtract(taken)
    return found


def _by_bank() -> int:
    """What came and went by transfer beside payments of bills; what gateways paid back they tell themselves."""
    ours = select(Payment.balance_entry_id).where(Payment.balance_entry_id.is_not(None))
    more = select(func.sum(BalanceEntry.amount_fen)).where(BalanceEntry.kind == EntryKind.DEPOSIT, BalanceEntry.id.not_in(ours))
    more = more.where(BalanceEntry.refund_request_id.is_(None))
    out = select(func.sum(RefundRequest.amount_fen)).where(RefundRequest.status == RefundStatus.SUCCEEDED)
    by_gateway = sum(gateway_facts.paid_back().values())
    return int(db.session.scalar(more) or 0) - int(db.session.scalar(out) or 0) + by_gateway + _unmatched()[facts.BY_HAND]


def _unmatched() -> Mapping[Any, int]:
    query = select(func.sum(BankLine.amount_fen)).where(BankLine.amount_fen > 0, BankLine.status.in_(WAITING))
    return {facts.BY_HAND: int(db.session.scalar(query) or 0)}
