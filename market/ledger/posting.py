"""Writing entries: in few statements, however many, and once however often it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from market import db
from market.ledger import facts
from market.ledger.entries import Account, Entry
from market.ledger.models import OF_ORGANIZATIONS, OF_PROVIDERS, AccountKind, Event, LedgerAccount, Posting

#: So many facts are posted in one transaction of a sweep.
TOGETHER = 500
#: In this order a sweep goes through them: what is shared when a bill is paid has to stand there before it is credited.
ORDER = (
    Event.BILL_ISSUED, Event.PAYMENT_ARRIVED, Event.TRANSFER_TAKEN, Event.TRANSFER_SETTLED, Event.DEPOSITED, Event.GRANTED,
    Event.EXPIRED, Event.BALANCE_USED, Event.BILL_PAID, Event.CREDIT_ISSUED, Event.CREDIT_VOIDED, Event.REFUND_ASKED, Event.REFUND_RETURNED, Event.REFUND_PAID,
    Event.DISPUTE_OPENED, Event.DISPUTE_WON, Event.DISPUTE_LOST, Event.DISPUTE_SETTLED,
)  # fmt: skip


def post(event: Event, ids: Collection[int], *, at: datetime) -> int:
    """Post facts of one kind by their numbers; says how many had something to post. What is posted already stays."""
    if not ids:
        return 0
    db.session.flush()
    known = select(Posting.subject_id).where(Posting.event == event, Posting.subject_id.in_(ids))
    if posted := set(db.session.scalars(known)):
        ids = [id for id in ids if id not in posted]
    found = [entry for entry in facts.READERS[event](ids) if entry.moves]
    _write(found, at)
    return len(found)


def missing(event: Event, *, bill_ids: Collection[int] | None = None, after: int = 0) -> Sequence[int]:
    """The first numbers behind `after` of facts that are not in the books."""
    query = facts.ids(event, bill_ids=bill_ids)
    id = query.selected_columns[0]
    posted = select(Posting.id).where(Posting.event == event, Posting.subject_id == id)
    query = query.where(id > after, ~posted.exists()).order_by(id).limit(TOGETHER)
    return db.session.scalars(query).all()


def post_bills(bill_ids: Collection[int], *, at: datetime) -> None:
    """Post all about these bills that is not in the books."""
    db.serialize("ledger")
    for event in ORDER:
        after = 0
        while ids := missing(event, bill_ids=bill_ids, after=after):
            post(event, ids, at=at)
            after = ids[-1]


def post_due(at: datetime, told: Callable[[int], object] | None = None) -> int:
    """Post every fact that is not in the books, such as those from before there were any; says how many were."""
    posted = 0
    for event in ORDER:
        after = 0
        while True:
            with db.transaction():
                db.serialize("ledger")
                ids = missing(event, after=after)
                if not ids:
                    break
                after = ids[-1]
                posted += post(event, ids, at=at)
            if told:
                told(len(ids))
    return posted


def _write(found: Sequence[Entry], at: datetime) -> None:
    accounts = account_ids({account for entry in found for move in entry.moves for account in move[:2]})
    rows = [
        {
            "event": entry.event, "subject_id": entry.subject_id, "position": position, "debit_id": accounts[move.debit],
            "credit_id": accounts[move.credit], "amount_fen": move.fen, "bill_id": entry.bill_id, "rate": move.rate,
            "at": entry.at, "posted_at": at,
        }
        for entry in found
        for position, move in enumerate(entry.moves, start=1)
    ]  # fmt: skip
    if rows:
        db.session.execute(_insert(Posting), rows)


def account_ids(wanted: Collection[Account]) -> dict[Account, int]:
    """The numbers of accounts; those that nobody has needed before are opened."""
    found = _known(wanted)
    fresh = [account for account in wanted if account not in found]
    if fresh:
        # In one order, so that two who open the same ones do not wait for each other.
        db.session.execute(_insert(LedgerAccount), [_columns(account) for account in sorted(fresh, key=str)])
        found |= _known(fresh)
    return found


def _known(wanted: Collection[Account]) -> dict[Account, int]:
    if not wanted:
        return {}
    columns = LedgerAccount.id, LedgerAccount.kind, LedgerAccount.organization_id, LedgerAccount.provider_id, LedgerAccount.gateway
    rows = db.session.execute(select(*columns).where(or_(*_conditions(wanted))))
    return {Account(kind, organization_id or provider_id or gateway or ""): id for id, kind, organization_id, provider_id, gateway in rows}


def _conditions(wanted: Iterable[Account]) -> Iterator[ColumnElement[bool]]:
    holders: dict[AccountKind, list[Any]] = {}
    for account in wanted:
        holders.setdefault(account.kind, []).append(account.holder)
    for kind, names in holders.items():
        yield and_(LedgerAccount.kind == kind, getattr(LedgerAccount, _column(kind)).in_(names))


def _columns(account: Account) -> dict[str, Any]:
    nobody = {"organization_id": None, "provider_id": None, "gateway": None}
    return nobody | {"kind": account.kind, _column(account.kind): account.holder}


def _column(kind: AccountKind) -> str:
    if kind in OF_ORGANIZATIONS:
        return "organization_id"
    return "provider_id" if kind in OF_PROVIDERS else "gateway"


def _insert(model: type[db.Base]) -> Any:
    """An insert that leaves out what is there; into the table itself, since a month close writes thousands of rows."""
    dialect = postgresql if db.on_postgresql() else sqlite
    return dialect.insert(model.__table__).on_conflict_do_nothing()
