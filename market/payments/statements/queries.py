"""Questions about statements and their lines."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Select, func, select
from sqlalchemy.orm import joinedload, selectinload

from market import db
from market.accounts.models import Organization, OrganizationKind
from market.errors import NotFound
from market.payments.models import BankArrival, Payment
from market.payments.statements.models import (
    BankAllocation,
    BankLine,
    BankStatement,
    LineStatus,
    PayerName,
    Reason,
)

#: Lines that wait for a person.
WAITING = (LineStatus.UNMATCHED, LineStatus.PROPOSED)


def statements() -> Select[BankStatement]:
    """Every file, newest first, with who sent it in."""
    return select(BankStatement).options(joinedload(BankStatement.uploaded_by)).order_by(BankStatement.id.desc())


def statement_by_id(id: int) -> BankStatement:
    """One file. Raises NotFound."""
    found = db.session.scalar(statements().where(BankStatement.id == id))
    if found is None:
        raise NotFound
    return found


def lines(*states: LineStatus) -> Select[BankLine]:
    """Money that came in, the oldest first, with the firm it seems to be of."""
    query = select(BankLine).options(joinedload(BankLine.organization)).where(BankLine.amount_fen > 0)
    return query.where(BankLine.status.in_(states or tuple(LineStatus))).order_by(BankLine.booked_on, BankLine.id)


def line_by_id(id: int) -> BankLine:
    """One line with all that was made of it. Raises NotFound."""
    gone = selectinload(BankLine.allocations)
    query = select(BankLine).where(BankLine.id == id).options(
        joinedload(BankLine.organization), joinedload(BankLine.statement), joinedload(BankLine.handled_by),
        gone.joinedload(BankAllocation.arrival).joinedload(BankArrival.payment).joinedload(Payment.bill),
        gone.joinedload(BankAllocation.balance_entry),
    )  # fmt: skip
    found = db.session.scalar(query)
    if found is None:
        raise NotFound
    return found


def lines_of(statement: BankStatement) -> Select[BankLine]:
    """What a file brought that was not known before, in its order."""
    query = select(BankLine).where(BankLine.statement_id == statement.id).options(joinedload(BankLine.organization))
    return query.order_by(BankLine.line, BankLine.id)


def result(statement: BankStatement) -> dict[tuple[LineStatus, Reason], int]:
    """How the lines of a file stand now."""
    query = select(BankLine.status, BankLine.reason, func.count()).where(BankLine.statement_id == statement.id)
    return {(row[0], row[1]): row[2] for row in db.session.execute(query.group_by(BankLine.status, BankLine.reason))}


def transfers_of(organization: Organization, *, most: int = 10) -> Sequence[BankLine]:
    """A firm's transfers that are not booked yet, newest first: its money has come, a person looks at it."""
    query = select(BankLine).where(BankLine.organization_id == organization.id, BankLine.status == LineStatus.PROPOSED)
    return db.session.scalars(query.order_by(BankLine.id.desc()).limit(most)).all()


def names_of(organization: Organization) -> Sequence[PayerName]:
    """Other names that a firm's transfers come under."""
    return db.session.scalars(select(PayerName).where(PayerName.organization_id == organization.id).order_by(PayerName.id)).all()


def name_of(organization: Organization, id: int) -> PayerName:
    """One of them. Raises NotFound for another firm's."""
    found = db.session.scalar(select(PayerName).where(PayerName.id == id, PayerName.organization_id == organization.id))
    if found is None:
        raise NotFound
    return found


def firms_like(text: str, *, most: int = 10) -> Sequence[Organization]:
    """Buyers whose name or 统一社会信用代码 holds this."""
    plain = text.strip()
    if not plain:
        return []
    like = Organization.name.contains(plain, autoescape=True) | (Organization.uscc == plain.upper())
    query = select(Organization).where(Organization.kind == OrganizationKind.BUYER, like)
    return db.session.scalars(query.order_by(Organization.name).limit(most)).all()


def buyer_by_id(id: int) -> Organization:
    """A firm that buys. Raises NotFound."""
    found = db.session.get(Organization, id)
    if found is None or found.kind is not OrganizationKind.BUYER:
        raise NotFound
    return found
