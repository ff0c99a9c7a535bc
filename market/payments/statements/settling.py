"""Where a line's money goes: to bills and the balance of the firm that paid, or back to who sent it. All of it, once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import select

from market import accounts, audit, billing, db
from market.accounts.models import Organization, User
from market.audit import Actor
from market.billing import Bill
from market.kit import money
from market.kit.refusal import Refusal
from market.payments.actions import Slip, book, book_surplus
from market.payments.models import BankArrival
from market.payments.signals import transfer_settled
from market.payments.statements import going_out
from market.payments.statements.entries import payer_key
from market.payments.statements.models import (
    LINE_LIFECYCLE,
    AllocationKind,
    BankAllocation,
    BankLine,
    LineStatus,
    PayerName,
    Reason,
)
from market.payments.statements.refusals import (
    AllocationInvalid,
    LineChanged,
    LineFinished,
    NobodysLine,
    PayerNameTaken,
)

_LONGEST_REFERENCE = 64


def proposal(line: BankLine, owed: list[Bill]) -> dict[int, int]:
    """The line's money on bills, the oldest first, by the bill's number; what is over becomes balance."""
    rest, parts = line.amount_fen, dict[int, int]()
    for bill in owed:
        part = min(rest, bill.owed_fen)
        if part:
            parts[bill.id] = part
        rest -= part
    return parts


def allocate(
    line: BankLine, parts: Mapping[int, int], *, user: User, by: Actor, at: datetime, reason: Reason = Reason.BY_PERSON, note: str = "",
    seen: int | None = None,
) -> None:
    """Book a line: so many fen on each bill, by its number; the rest is the firm's balance.

    `seen` is the version of the line that a person has decided about. Raises LineFinished, LineChanged, NobodysLine,
    AllocationInvalid.
    """
    organization = _locked(line)
    if seen is not None and line.version != seen:
        raise LineChanged
    bills = {bill.id: bill for bill in billing.due_bills_of(organization)}
    wanted = {id: fen for id, fen in parts.items() if fen}
    _check(line, wanted, bills)
    for id, fen in wanted.items():
        slip = Slip(fen, line.payer_name, _reference(line), line.booked_on, note)
        _noted(line, AllocationKind.BILL, fen, at, arrival_id=book(bills[id], slip, user=user, by=by, at=at).id)
    rest = line.amount_fen - sum(wanted.values())
    if rest:
        slip = Slip(rest, line.payer_name, _reference(line), line.booked_on, note)
        payment = book_surplus(organization, slip, user=user, by=by, at=at)
        assert payment.balance_entry_id is not None
        _noted(line, AllocationKind.BALANCE, rest, at, balance_entry_id=payment.balance_entry_id)
    _finish(line, LineStatus.BOOKED, user, at, note)
    line.reason = reason
    audit.record(
        "bank_line.booked", line, by=by, at=at, reason=note, organization_id=organization.id,
        after={"amount_fen": line.amount_fen, "bills": {str(bills[id]): fen for id, fen in wanted.items()}, "balance_fen": rest},
    )  # fmt: skip


def recognize(line: BankLine, arrival_id: int, *, user: User, by: Actor, at: datetime) -> None:
    """The same transfer was entered by hand before the bank's file came: it is not booked again."""
    _noted(line, AllocationKind.BILL, line.amount_fen, at, arrival_id=arrival_id)
    _finish(line, LineStatus.BOOKED, user, at, "")
    audit.record("bank_line.recognized", line, by=by, at=at, organization_id=line.organization_id, after={"amount_fen": line.amount_fen})


def attach(line: BankLine, organization: Organization, *, remember: bool, user: User, by: Actor, at: datetime) -> None:
    """Say whose transfer it is; with `remember` everything that comes under this name is hers from now on.

    Raises LineFinished, PayerNameTaken.
    """
    _open(line)
    if remember and line.payer_name:
        _remember(line.payer_name, organization, user=user, by=by, at=at)
    if line.status is LineStatus.UNMATCHED:
        LINE_LIFECYCLE.move(line, LineStatus.PROPOSED)
    line.organization_id = organization.id
    line.reason = Reason.OTHER_AMOUNT if billing.due_bills_of(organization) else Reason.NOTHING_OWED
    audit.record(
        "bank_line.attached", line, by=by, at=at, organization_id=organization.id,
        after={"organization": organization.name, "payer": line.payer_name, "remembered": remember},
    )  # fmt: skip


def detach(line: BankLine, *, by: Actor, at: datetime) -> None:
    """It is not hers after all. Raises LineFinished."""
    _open(line)
    if line.status is LineStatus.UNMATCHED:
        return
    before = {"organization_id": line.organization_id}
    LINE_LIFECYCLE.move(line, LineStatus.UNMATCHED)
    line.organization_id, line.reason = None, Reason.UNKNOWN_PAYER
    audit.record("bank_line.detached", line, by=by, at=at, before=before)


def give_back(line: BankLine, *, reference: str, note: str, user: User, by: Actor, at: datetime) -> None:
    """The money was sent back to the account it came from. Raises LineFinished, AllocationInvalid."""
    db.serialize(going_out.OUTGOING)
    _open(line)
    reference = reference.strip()
    if not 0 < len(reference) <= _LONGEST_REFERENCE:
        raise AllocationInvalid(fields={"reference": "填写退回这笔钱的银行流水号，最多 64 个字"})
    if going_out.sent_back(reference) or going_out.refunded(reference):
        raise AllocationInvalid(fields={"reference": "这个流水号已经登记过，同一笔退款不能登记两次"})
    _noted(line, AllocationKind.RETURNED, line.amount_fen, at)
    line.return_reference = reference
    _finish(line, LineStatus.RETURNED, user, at, note)
    audit.record(
        "bank_line.returned", line, by=by, at=at, reason=note, organization_id=line.organization_id,
        after={"amount_fen": line.amount_fen, "bank_reference": reference},
    )  # fmt: skip


def forget_name(name: PayerName, *, by: Actor, at: datetime) -> None:
    """Transfers under this name are asked about again."""
    audit.record("payer_name.forgotten", name, by=by, at=at, organization_id=name.organization_id, before={"name": name.name})
    db.session.delete(name)


def _remember(name: str, organization: Organization, *, user: User, by: Actor, at: datetime) -> None:
    db.serialize("payer names")
    key = payer_key(name)
    known = db.session.scalar(select(PayerName).where(PayerName.key == key))
    if known is not None:
        if known.organization_id != organization.id:
            firm = db.session.get_one(Organization, known.organization_id)
            raise PayerNameTaken(field="remember", name=name, firm=firm.name)
        return
    remembered = PayerName(organization_id=organization.id, key=key, name=name, added_by_id=user.id, added_at=at)
    db.session.add(remembered)
    audit.record("payer_name.remembered", remembered, by=by, at=at, organization_id=organization.id, after={"name": name})


def _open(line: BankLine) -> None:
    """Two people who act on one line take turns."""
    db.lock(line)
    if line.status in LINE_LIFECYCLE.final:
        raise LineFinished


def _locked(line: BankLine) -> Organization:
    _open(line)
    if line.organization_id is None:
        raise NobodysLine
    accounts.lock(line.organization_id)
    return db.session.get_one(Organization, line.organization_id)


def _check(line: BankLine, parts: Mapping[int, int], bills: Mapping[int, Bill]) -> None:
    wrong: dict[str, str | Refusal] = {}
    for id, fen in parts.items():
        if id not in bills:
            wrong[f"bill-{id}"] = "这张账单现在没有要付的款"
        elif fen < 0:
            wrong[f"bill-{id}"] = "金额不能是负数"
        elif fen > bills[id].owed_fen:
            wrong[f"bill-{id}"] = Refusal("这张账单只要付 ¥%(owed)s", owed=money.text(bills[id].owed_fen))
    if not wrong and sum(parts.values()) > line.amount_fen:
        wrong[f"bill-{next(reversed(parts))}"] = Refusal("分到账单的钱比到账的 ¥%(amount)s 多", amount=money.text(line.amount_fen))
    if wrong:
        raise AllocationInvalid(fields=wrong)


def _reference(line: BankLine) -> str:
    """The bank's own number for the first part; the others, and lines without one, are told apart by ours."""
    own = line.reference or f"line-{line.id}"
    taken = select(BankArrival.bank_reference).where(BankArrival.bank_reference.startswith(own, autoescape=True))
    known, wanted, number = set(db.session.scalars(taken)), own, 1
    while wanted in known:
        number += 1
        wanted = f"{own}#{number}"
    return wanted


def _noted(line: BankLine, kind: AllocationKind, fen: int, at: datetime, **became: int) -> None:
    db.session.add(BankAllocation(line_id=line.id, kind=kind, amount_fen=fen, at=at, **became))
    db.session.flush()


def _finish(line: BankLine, to: LineStatus, user: User, at: datetime, note: str) -> None:
    LINE_LIFECYCLE.move(line, to)
    line.handled_by_id, line.handled_at, line.note = user.id, at, note
    db.session.flush()
    transfer_settled.send(line, at=at)
