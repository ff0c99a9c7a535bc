"""What a fact comes to in the books: which amounts move between which accounts. Pure.

A bill is owed by its buyer and, until it is paid, nobody's money: `receivable` against `unpaid` of each provider on it.
When nothing of it is owed any more, `unpaid` is shared into the provider's part and the commission.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from typing import NamedTuple

from market.kit.rounding import half_up
from market.ledger.models import AccountKind, Event


class Account(NamedTuple):
    """An account by what it is: its kind and the number or name of its holder."""

    kind: AccountKind
    holder: int | str


class Move(NamedTuple):
    """So many fen, debited to one account and credited to another."""

    debit: Account
    credit: Account
    fen: int
    rate: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """All that one fact moves."""

    event: Event
    subject_id: int
    at: datetime
    bill_id: int | None = None
    moves: list[Move] = field(default_factory=list)


@dataclass
class Share:
    """How a provider's part of one paid bill is shared: what of it stands, at which rate."""

    rate: str
    payable: int = 0
    commission: int = 0

    def move_to(self, fen: int) -> tuple[int, int]:
        """What provider's part and commission change by when so much of the sale stands; it is noted here.

        The commission is always the rounded part of what stands, so whatever is credited and voided in which order,
        nothing is left over.
        """
        commission = commission_of(fen, self.rate)
        changes = fen - commission - self.payable, commission - self.commission
        self.payable, self.commission = fen - commission, commission
        return changes

    @property
    def fen(self) -> int:
        """What of the sale stands."""
        return self.payable + self.commission


def commission_of(fen: int, rate: str) -> int:
    """What the marketplace keeps of so much, half up."""
    return half_up(fen * Fraction(rate))


def of(kind: AccountKind, holder: int | str) -> Account:
    """An account by name."""
    return Account(kind, holder)


def moved(debit: Account, credit: Account, fen: int, rate: str | None = None) -> Iterator[Move]:
    """The move, the other way round where it is less than nothing; none for nothing."""
    if fen > 0:
        yield Move(debit, credit, fen, rate)
    elif fen < 0:
        yield Move(credit, debit, -fen, rate)


def issued(organization_id: int, sold: Mapping[int, int]) -> list[Move]:
    """A bill: the buyer owes what the providers sold."""
    owed = of(AccountKind.RECEIVABLE, organization_id)
    return [move for id, fen in sorted(sold.items()) for move in moved(owed, of(AccountKind.UNPAID, id), fen)]


def paid(sold: Mapping[int, int], rates: Mapping[int, str]) -> list[Move]:
    """A bill of which nothing is owed any more: what stands of it is shared."""
    return [move for id, fen in sorted(sold.items()) for move in shared(id, fen, Share(rates[id]))]


def shared(provider_id: int, fen: int, share: Share) -> Iterator[Move]:
    """From `unpaid` to the provider and the marketplace."""
    payable, commission = share.move_to(fen)
    source = of(AccountKind.UNPAID, provider_id)
    yield from moved(source, of(AccountKind.PAYABLE, provider_id), payable, share.rate)
    yield from moved(source, of(AccountKind.COMMISSION, provider_id), commission, share.rate)


class Given(NamedTuple):
    """Where the money of a credit note goes."""

    organization_id: int
    offset_fen: int
    balance_fen: int
    refund_fen: int
    #: What goes back into a balance that was not the buyer's own money.
    granted_fen: int = 0

    @property
    def parts(self) -> list[tuple[Account, int]]:
        """Less is owed; there is more balance, bought or given; it is to be paid back."""
        names = (AccountKind.RECEIVABLE, AccountKind.BALANCE, AccountKind.GRANTED, AccountKind.REFUNDS)
        fens = (self.offset_fen, self.balance_fen, self.granted_fen, self.refund_fen)
        return [(of(kind, self.organization_id), fen) for kind, fen in zip(names, fens, strict=True) if fen]


def credited_unpaid(given: Given, lines: Mapping[int, int]) -> list[Move]:
    """A credit note on a bill that is not paid: the providers have sold less."""
    sources = [(of(AccountKind.UNPAID, id), fen) for id, fen in sorted(lines.items())]
    return list(paired(sources, given.parts))


def credited_paid(given: Given, lines: Mapping[int, int], shares: Mapping[int, Share]) -> list[Move]:
    """A credit note on a paid bill: provider and marketplace give back what they got of it. `shares` follow."""
    sources: list[tuple[Account, int]] = []
    for id, fen in sorted(lines.items()):
        payable, commission = shares[id].move_to(shares[id].fen - fen)
        sources += [(of(AccountKind.PAYABLE, id), -payable), (of(AccountKind.COMMISSION, id), -commission)]
    return list(paired(sources, given.parts))


def voided_paid(given: Given, lines: Mapping[int, int], shares: Mapping[int, Share]) -> list[Move]:
    """The same taken back."""
    targets: list[tuple[Account, int]] = []
    for id, fen in sorted(lines.items()):
        payable, commission = shares[id].move_to(shares[id].fen + fen)
        targets += [(of(AccountKind.PAYABLE, id), payable), (of(AccountKind.COMMISSION, id), commission)]
    return list(paired(given.parts, targets))


def turned(moves: Iterable[Move]) -> list[Move]:
    """The same the other way round."""
    return [Move(move.credit, move.debit, move.fen, move.rate) for move in moves]


def paired(debits: Iterable[tuple[Account, int]], credits: Iterable[tuple[Account, int]]) -> Iterator[Move]:
    """Moves from both lists of amounts, which come to the same (ValueError), in their order."""
    left, right = deque(pair for pair in debits if pair[1]), deque(pair for pair in credits if pair[1])
    if sum(fen for _, fen in left) != sum(fen for _, fen in right):
        raise ValueError("debits and credits differ")
    while left:
        (debit, owed), (credit, given) = left.popleft(), right.popleft()
        part = min(owed, given)
        yield Move(debit, credit, part)
        if owed > part:
            left.appendleft((debit, owed - part))
        if given > part:
            right.appendleft((credit, given - part))
