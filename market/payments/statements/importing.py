"""A file from the bank, from being sent in to its lines being kept: looked at first, taken in whole, never twice."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING

from sqlalchemy import select

from market import accounts, audit, db, documents, resources
from market.accounts.models import Organization, User
from market.audit import Actor
from market.errors import MarketError
from market.kit.period import local_day
from market.late import Library
from market.payments.signals import transfers_taken
from market.payments.statements import going_out, matching, settling, table
from market.payments.statements.entries import (
    Entry,
    Sheet,
    StatementUnreadable,
    account_key,
    key_of,
    places,
    said,
)
from market.payments.statements.matching import Desk, Match
from market.payments.statements.models import (
    LINE_LIFECYCLE,
    STATEMENT_LIFECYCLE,
    BankLayout,
    BankLine,
    BankStatement,
    LineStatus,
    Reason,
    StatementStatus,
)
from market.payments.statements.refusals import LayoutIncomplete, StatementChanged, StatementFinished
from market.payments.statements.table import Layout, Table

if TYPE_CHECKING:
    from market.payments.statements import exchange
else:
    exchange = Library("market.payments.statements.exchange")

LARGEST = documents.LARGEST
_KINDS = {"csv": "text/csv", "camt.053": "application/xml", "MT940": "text/plain"}
_PROPOSED = frozenset({Reason.OTHER_AMOUNT, Reason.NOTHING_OWED, Reason.OTHER_NAME})


@dataclass(frozen=True)
class Looked:
    """A line of a file before it counts: what it says, whether it is known, and what would become of it."""

    entry: Entry
    key: str = ""
    known: bool = False
    match: Match | None = None


@dataclass(frozen=True)
class Preview:
    """What taking a file in would do."""

    account: str
    head: list[str]
    layout: Layout
    #: What the columns do not say yet.
    problem: str = ""
    lines: list[Looked] = field(default_factory=list)
    #: Money seems to come in where it goes out.
    turned: bool = False

    def count(self, *reasons: Reason) -> int:
        """How many lines would end so."""
        return sum(1 for line in self.lines if line.match and line.match.reason in reasons)

    @property
    def known(self) -> int:
        """How many lines are there already."""
        return sum(line.known for line in self.lines)

    @property
    def faulty(self) -> list[Entry]:
        """Lines that cannot be used."""
        return [line.entry for line in self.lines if line.entry.problem is not None]


def receive(
    office: Organization, *, filename: str, data: bytes, request_key: str, user: User, by: Actor, at: datetime
) -> BankStatement:
    """Keep a file to be looked at; the same `request_key` does so once. Raises StatementUnreadable."""
    db.serialize("bank statements")
    known = db.session.scalar(select(BankStatement).where(BankStatement.request_key == request_key))
    if known is not None:
        return known
    if len(data) > LARGEST:
        raise StatementUnreadable("文件最大 %(megabytes)s MB。请按日期分成几个文件上传；同一行传两次也只算一次。", megabytes=LARGEST // 1024**2)
    kind, found = _opened(data, local_day(at))
    statement = BankStatement(
        request_key=request_key, filename=documents.shown(filename), kind=kind, encoding=found.encoding,
        account=found.account or resources.settings.payee.account, columns={}, uploaded_by_id=user.id, uploaded_at=at,
    )  # fmt: skip
    if isinstance(found, Table):
        _lay_out(statement, found)
    document = documents.store(office.id, filename=filename, data=data, by=by, at=at, kind=lambda _data: _KINDS[kind])
    db.session.flush()
    statement.document_id = document.id
    db.session.add(statement)
    db.session.flush()
    audit.record(
        "bank_statement.received", statement, by=by, at=at,
        after={"kind": kind, "account": statement.account, "sha256": hashlib.sha256(data).hexdigest()},
    )  # fmt: skip
    return statement


def read_as(
    statement: BankStatement, columns: Mapping[str, int], *, reversed: bool, account: str, by: Actor, at: datetime
) -> None:
    """Say which column holds what, and whose account it is. Raises StatementFinished, LayoutIncomplete."""
    _still_open(statement)
    if not account_key(account):
        raise LayoutIncomplete(fields={"account": "填写这份流水是哪个账户的"})
    if problem := Layout(columns, reversed).problem() if statement.signature else None:
        raise LayoutIncomplete(fields={"day" if "日期" in problem.message else "amount": problem})
    statement.account, statement.reversed = account.strip(), reversed
    statement.columns = dict(columns)
    audit.record(
        "bank_statement.laid_out", statement, by=by, at=at, after={"account": statement.account, "columns": dict(columns), "reversed": reversed}
    )


def preview(statement: BankStatement, *, at: datetime) -> Preview:
    """What taking it in would do now; nothing is written."""
    found = _reopened(statement, local_day(at))
    layout, head = Layout(statement.columns, statement.reversed), found.head if isinstance(found, Table) else []
    if isinstance(found, Table):
        if problem := layout.problem():
            return Preview(statement.account, head, layout, str(problem.message))
        found = table.read(found, layout, today=local_day(at))
    desk = matching.desk_for(found.entries)
    lines = list(_looked(statement.account, found.entries, desk))
    return Preview(statement.account, head, layout, lines=lines, turned=_turned(found.entries, desk))


def take_in(statement: BankStatement, *, user: User, by: Actor, at: datetime, looked_at: int | None = None) -> BankStatement:
    """Keep the lines that are new, book what is certain, and put the rest before a person.

    `looked_at` is the version that the preview was of. Raises StatementFinished, StatementChanged, LayoutIncomplete,
    StatementUnreadable.
    """
    db.serialize("bank statements")
    _still_open(statement)
    if looked_at is not None and statement.version != looked_at:
        raise StatementChanged
    seen = preview(statement, at=at)
    if seen.problem:
        raise LayoutIncomplete(seen.problem)
    desk = matching.desk_for(one.entry for one in seen.lines)
    new = [one for one in seen.lines if one.match is not None]
    for payer in sorted({one.match.organization_id for one in new if one.match and one.match.organization_id}):
        accounts.lock(payer)  # all of them in the order of a close, which holds several too
    for one in new:
        _keep(statement, one.entry, one.key, desk, user=user, by=by, at=at)
    statement.taken, statement.faulty = len(new), len(seen.faulty)
    statement.known = len(seen.lines) - statement.taken - statement.faulty
    if statement.signature:
        _remember_layout(statement, user, at)
    STATEMENT_LIFECYCLE.move(statement, StatementStatus.IMPORTED)
    statement.finished_at = at
    db.session.flush()
    going_out.match_refunds(statement)
    audit.record(
        "bank_statement.imported", statement, by=by, at=at,
        after={"account": statement.account, "taken": statement.taken, "known": statement.known, "faulty": statement.faulty},
    )  # fmt: skip
    transfers_taken.send(statement, at=at)
    return statement


def discard(statement: BankStatement, *, by: Actor, at: datetime) -> None:
    """Nothing of it counts. Raises StatementFinished."""
    _still_open(statement)
    STATEMENT_LIFECYCLE.move(statement, StatementStatus.DISCARDED)
    statement.finished_at = at
    audit.record("bank_statement.discarded", statement, by=by, at=at)


def _opened(data: bytes, today: date) -> tuple[str, Table | Sheet]:
    """Which of the three formats it is. Raises StatementUnreadable."""
    text, encoding = ("", "") if data.lstrip()[:5] == b"<?xml" else table.text_of(data)
    if not text or exchange.is_camt(text):
        return "camt.053", exchange.camt(data, today=today)
    if exchange.is_mt940(text):
        return "MT940", exchange.mt(text, encoding, today=today)
    return "csv", table.opened(text, encoding)


def _reopened(statement: BankStatement, today: date) -> Table | Sheet:
    document = documents.document_by_id(statement.document_id)
    return _opened(documents.read(document), today)[1]


def _lay_out(statement: BankStatement, found: Table) -> None:
    """As this bank's file was read before; else by what its columns are called."""
    statement.signature = hashlib.sha256(found.signature.encode()).hexdigest()
    before = db.session.scalar(select(BankLayout).where(BankLayout.signature == statement.signature))
    if before is None:
        statement.columns = table.guess(found.head)
        return
    statement.columns, statement.reversed = dict(before.columns), before.reversed
    statement.account = found.account or before.account


def _remember_layout(statement: BankStatement, user: User, at: datetime) -> None:
    layout = db.session.scalar(select(BankLayout).where(BankLayout.signature == statement.signature))
    if layout is None:
        layout = BankLayout(signature=statement.signature)
        db.session.add(layout)
    layout.columns, layout.reversed, layout.account = dict(statement.columns), statement.reversed, statement.account
    layout.saved_by_id, layout.saved_at = user.id, at


def _still_open(statement: BankStatement) -> None:
    db.lock(statement)
    if statement.status is not StatementStatus.PREVIEW:
        raise StatementFinished


def _kept(told: Iterable[str]) -> dict[str, list[str]]:
    """Who paid the lines that are kept already, by what they say, in the order of their places."""
    found: dict[str, list[str]] = {each: [] for each in told}
    asked = set(found)
    while asked:
        keys = {key_of(each, len(found[each]) + 1): each for each in asked}
        wanted, payers = sorted(keys), dict[str, str]()
        for start in range(0, len(wanted), 500):
            query = select(BankLine.key, BankLine.payer_name).where(BankLine.key.in_(wanted[start : start + 500]))
            payers.update({key: payer for key, payer in db.session.execute(query)})
        for key, payer in payers.items():
            found[keys[key]].append(payer)
        asked = {keys[key] for key in payers}
    return found


def _keys(account: str, entries: Iterable[Entry]) -> dict[int, tuple[str, bool]]:
    """By each usable line of a file: its key, and whether it is known."""
    alike: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        if told := said(account, entry):
            alike[told].append(entry)
    kept, found = _kept(alike), dict[int, tuple[str, bool]]()
    for told, some in alike.items():
        for entry, place in zip(some, places([entry.payer_name for entry in some], kept[told]), strict=True):
            found[id(entry)] = key_of(told, place), place <= len(kept[told])
    return found


def _looked(account: str, entries: list[Entry], desk: Desk) -> Iterator[Looked]:
    """Each line as it would end, in the order of the file: what the first of two equal ones pays the second cannot."""
    keys = _keys(account, entries)
    for entry in entries:
        key, known = keys.get(id(entry), ("", False))
        if not key or known:
            yield Looked(entry, key, known)
        else:
            match = desk.match(entry) if entry.amount_fen > 0 else Match(Reason.OUTGOING)
            if match.bill_id and match.organization_id:
                desk.settled(match.bill_id, match.organization_id)
            if match.arrival_id is not None:
                desk.taken(entry.reference)
            yield Looked(entry, key, match=match)


def _turned(entries: list[Entry], desk: Desk) -> bool:
    """Codes of ours stand only where money goes out, or nothing comes in at all."""
    usable = [entry for entry in entries if entry.problem is None]
    coming = [entry for entry in usable if entry.amount_fen > 0]
    coded = matching.desk_for([Entry(1, amount_fen=1, remark=entry.remark) for entry in usable if entry.amount_fen < 0]).coded
    return bool(usable) and (not coming or bool(coded) and not desk.coded)


def _keep(statement: BankStatement, entry: Entry, key: str, desk: Desk, *, user: User, by: Actor, at: datetime) -> None:
    match = desk.match(entry) if entry.amount_fen > 0 else Match(Reason.OUTGOING)
    assert entry.booked_on is not None, "only usable lines have a key"
    line = BankLine(
        statement_id=statement.id, line=entry.line, key=key, account=account_key(statement.account), booked_on=entry.booked_on,
        amount_fen=entry.amount_fen, payer_name=entry.payer_name, payer_account=entry.payer_account,
        reference=entry.reference, remark=entry.remark, reason=match.reason, organization_id=match.organization_id,
        status=_begins_as(match),
    )  # fmt: skip
    db.session.add(line)
    db.session.flush()
    if match.arrival_id is not None:
        settling.recognize(line, match.arrival_id, user=user, by=by, at=at)
        desk.taken(entry.reference)
    elif match.bill_id is not None and match.organization_id is not None:
        _book(line, match, user=user, by=by, at=at)
        desk.settled(match.bill_id, match.organization_id)


def _begins_as(match: Match) -> LineStatus:
    if match.reason is Reason.OUTGOING:
        return LineStatus.BOOKED
    return LineStatus.PROPOSED if match.reason in _PROPOSED else LineStatus.UNMATCHED


def _book(line: BankLine, match: Match, *, user: User, by: Actor, at: datetime) -> None:
    """By itself, unless somebody paid the same bill in the meantime: then a person looks at it."""
    assert match.bill_id is not None
    try:
        with db.session.begin_nested():
            settling.allocate(line, {match.bill_id: line.amount_fen}, user=user, by=by, at=at, reason=Reason.EXACT)
    except MarketError:
        db.session.refresh(line)
        LINE_LIFECYCLE.move(line, LineStatus.PROPOSED)
        line.reason = Reason.OTHER_AMOUNT
