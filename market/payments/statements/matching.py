"""Whose transfer a line is: by the payer's name and the amount together, or by the code in the remark. Never by the
amount alone."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple, TypeVar

from sqlalchemy import select

from market import db
from market.accounts.models import Organization, OrganizationKind
from market.billing.models import DUE, Bill
from market.payments import remittance
from market.payments.models import BankArrival, Payment
from market.payments.statements.entries import Entry, payer_key
from market.payments.statements.models import BankAllocation, PayerName, Reason

T = TypeVar("T", str, int)


class Entered(NamedTuple):
    """What was entered by hand under a number of the bank's."""

    id: int
    amount_fen: int
    arrived_on: date
    organization_id: int


class Match(NamedTuple):
    """Whose a line seems to be, and the bill that it pays exactly where it does."""

    reason: Reason
    organization_id: int | None = None
    bill_id: int | None = None
    #: What was entered by hand for the same transfer.
    arrival_id: int | None = None


@dataclass
class Owed:
    """What a bill still asks for."""

    bill_id: int
    fen: int


@dataclass
class Desk:
    """Everything that is needed to say whose lines are, looked up once for a file; `settled` keeps it true."""

    firms: dict[str, set[int]] = field(default_factory=dict)
    coded: dict[str, tuple[int, int]] = field(default_factory=dict)
    owed: dict[int, list[Owed]] = field(default_factory=dict)
    arrivals: dict[str, Entered] = field(default_factory=dict)

    def match(self, entry: Entry) -> Match:
        """What the rules say of money that came in."""
        if entry.reference in self.arrivals:
            entered = self.arrivals[entry.reference]
            # Many banks begin their numbers anew each day.
            if (entered.amount_fen, entered.arrived_on) == (entry.amount_fen, entry.booked_on):
                return Match(Reason.BY_HAND, entered.organization_id, arrival_id=entered.id)
            return Match(Reason.REFERENCE_TAKEN)
        bill_id, coded_id = self._coded(entry)
        named = self.firms.get(payer_key(entry.payer_name), set()) if entry.payer_name else set()
        if coded_id is not None and entry.payer_name and coded_id not in named:
            return Match(Reason.OTHER_NAME, coded_id)
        if coded_id is None and len(named) != 1:
            return Match(Reason.UNKNOWN_PAYER)
        return self._by_amount(next(iter(named)) if coded_id is None else coded_id, bill_id, entry.amount_fen)

    def settled(self, bill_id: int, organization_id: int) -> None:
        """A line has paid this bill."""
        self.owed[organization_id] = [owed for owed in self.owed.get(organization_id, []) if owed.bill_id != bill_id]

    def taken(self, reference: str) -> None:
        """A line is what was entered by hand under this number: no amount agrees with it any more."""
        self.arrivals[reference] = self.arrivals[reference]._replace(amount_fen=0)

    def _coded(self, entry: Entry) -> tuple[int | None, int | None]:
        """The bill and the firm of the codes in the remark; neither where they name two firms."""
        found = {self.coded[code] for code in codes_in(entry.remark) if code in self.coded}
        firms = {organization_id for _bill, organization_id in found}
        if len(firms) != 1:
            return None, None
        return (next(iter(found))[0] if len(found) == 1 else None), firms.pop()

    def _by_amount(self, organization_id: int, bill_id: int | None, amount_fen: int) -> Match:
        """The bill that was meant, or else the oldest, that asks for exactly so much."""
        owed = self.owed.get(organization_id, [])
        exact = [one.bill_id for one in owed if one.fen == amount_fen]
        if exact:
            return Match(Reason.EXACT, organization_id, bill_id if bill_id in exact else exact[0])
        return Match(Reason.OTHER_AMOUNT if owed else Reason.NOTHING_OWED, organization_id)


def desk_for(entries: Iterable[Entry]) -> Desk:
    """Look up whom these lines may concern."""
    incoming = [entry for entry in entries if entry.problem is None and entry.amount_fen > 0]
    desk = Desk(firms=_firms({payer_key(entry.payer_name) for entry in incoming if entry.payer_name}))
    desk.coded = _coded({code for entry in incoming for code in codes_in(entry.remark)})
    concerned = {id for ids in desk.firms.values() for id in ids} | {id for _bill, id in desk.coded.values()}
    desk.owed = _owed(concerned)
    desk.arrivals = _arrivals({entry.reference for entry in incoming if entry.reference})
    return desk


def codes_in(remark: str) -> list[str]:
    """Everything in a remark that could be a remittance code, wherever it stands and however it is spaced."""
    runs = re.findall(r"[0-9A-Z]{10,}", remittance.tidy(unicodedata.normalize("NFKC", remark)))
    windows = (run[start : start + remittance.LENGTH] for run in runs for start in range(len(run) - remittance.LENGTH + 1))
    return [code for code in windows if remittance.is_code(code)]


def _firms(keys: set[str]) -> dict[str, set[int]]:
    """The buyers with these names, and those whose transfers are known to come under them."""
    found: dict[str, set[int]] = defaultdict(set)
    if not keys:
        return found
    for id, name in db.session.execute(select(Organization.id, Organization.name).where(Organization.kind == OrganizationKind.BUYER)):
        if (key := payer_key(name)) in keys:
            found[key].add(id)
    for some in _parts(keys):
        for key, id in db.session.execute(select(PayerName.key, PayerName.organization_id).where(PayerName.key.in_(some))):
            found[key].add(id)
    return found


def _coded(codes: set[str]) -> dict[str, tuple[int, int]]:
    found: dict[str, tuple[int, int]] = {}
    for some in _parts(codes):
        query = select(Payment.remittance_code, Bill.id, Bill.organization_id).join(Payment.bill).where(Payment.remittance_code.in_(some))
        found |= {str(code): (bill_id, organization_id) for code, bill_id, organization_id in db.session.execute(query)}
    return found


def _owed(organization_ids: set[int]) -> dict[int, list[Owed]]:
    found: dict[int, list[Owed]] = defaultdict(list)
    for some in _parts(organization_ids):
        query = select(Bill).where(Bill.organization_id.in_(some), Bill.status.in_(DUE)).order_by(Bill.period_start, Bill.id)
        for bill in db.session.scalars(query):
            found[bill.organization_id].append(Owed(bill.id, bill.owed_fen))
    return found


def _arrivals(references: set[str]) -> dict[str, Entered]:
    found: dict[str, Entered] = {}
    for some in _parts(references):
        query = select(
            BankArrival.bank_reference, BankArrival.id, BankArrival.amount_fen, BankArrival.arrived_on, Bill.organization_id, BankAllocation.id
        )
        query = query.join(BankArrival.payment).join(Payment.bill).outerjoin(BankAllocation, BankAllocation.arrival_id == BankArrival.id)
        for reference, id, amount_fen, day, organization_id, allocated in db.session.execute(query.where(BankArrival.bank_reference.in_(some))):
            # What another line has become is nobody else's: no amount agrees with it.
            found[reference] = Entered(id, 0 if allocated else amount_fen, day, organization_id)
    return found


def _parts(whole: set[T], size: int = 500) -> Iterable[list[T]]:
    ordered = sorted(whole)
    return (ordered[start : start + size] for start in range(0, len(ordered), size))
