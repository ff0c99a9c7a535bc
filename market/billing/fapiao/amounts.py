"""What a fapiao is about: each provider's part of a bill, rate by rate, less what credit notes took."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import func, select

from market import db
from market.billing.credit_notes.models import CreditNote, CreditNoteLine, CreditNoteStatus
from market.billing.fapiao.models import FapiaoKind
from market.billing.models import BillLine, BillTax
from market.catalog.models import OfferingRevision
from market.subscriptions.models import Subscription


@dataclass(frozen=True, slots=True)
class Share:
    """What one provider's fapiao says at one rate; of a credit note, what it takes away there."""

    provider_id: int
    tax_rate: str
    gross_fen: int
    net_fen: int
    tax_fen: int


#: (bill, provider) → its shares, by rate.
Shares = Mapping[tuple[int, int], Sequence[Share]]


@dataclass(frozen=True, slots=True)
class Sum:
    """Gross, net and tax of some shares."""

    gross_fen: int
    net_fen: int
    tax_fen: int

    @classmethod
    def of(cls, shares: Iterable[Share | CreditNoteLine]) -> Sum:
        """All of them together."""
        found = list(shares)
        return cls(*(sum(getattr(each, name) for each in found) for name in ("gross_fen", "net_fen", "tax_fen")))


def shares_of(bill_ids: Collection[int]) -> Shares:
    """Every provider's part of these bills as it is now; rates of which nothing is left are not named."""
    taken = _taken(bill_ids)
    found: dict[tuple[int, int], list[Share]] = {}
    query = select(BillTax).where(BillTax.bill_id.in_(bill_ids)).order_by(BillTax.provider_id, BillTax.tax_rate)
    for tax in db.session.scalars(query):
        less = taken.get((tax.bill_id, tax.provider_id, Decimal(tax.tax_rate)), (0, 0, 0))
        gross, net, vat = (
            whole - part for whole, part in zip((tax.gross_fen, tax.net_fen, tax.tax_fen), less, strict=True)
        )
        shares = found.setdefault((tax.bill_id, tax.provider_id), [])
        if gross or net or vat:
            shares.append(Share(tax.provider_id, tax.tax_rate, gross, net, vat))
    return found


def kinds_of(bill_ids: Collection[int]) -> Mapping[tuple[int, int], frozenset[FapiaoKind]]:
    """Which kinds each provider promises for everything of its part; what any service promises, where none is common."""
    pairs = (
        select(BillLine.bill_id, BillLine.provider_id, Subscription.revision_id)
        .join(Subscription, Subscription.id == BillLine.subscription_id)
        .where(BillLine.bill_id.in_(bill_ids)).distinct().subquery()
    )  # fmt: skip
    query = select(pairs.c.bill_id, pairs.c.provider_id, OfferingRevision.facts).join(
        OfferingRevision, OfferingRevision.id == pairs.c.revision_id
    )
    found: dict[tuple[int, int], list[frozenset[FapiaoKind]]] = {}
    for bill_id, provider_id, facts in db.session.execute(query):
        said = frozenset(kind for kind in FapiaoKind if kind.value in facts.get("fapiao", ()))
        found.setdefault((bill_id, provider_id), []).append(said)
    return {
        key: frozenset.intersection(*kinds) or frozenset.union(*kinds) for key, kinds in found.items()
    }


def taxed(kinds: frozenset[FapiaoKind], shares: Iterable[Share]) -> frozenset[FapiaoKind]:
    """Without 专票 where something is free of tax: the rules for special fapiao do not allow it."""
    if any(not Decimal(share.tax_rate) for share in shares):
        return kinds - {FapiaoKind.SPECIAL}
    return kinds


def _taken(bill_ids: Collection[int]) -> Mapping[tuple[int, int, Decimal], tuple[int, int, int]]:
    """What credit notes that stand took of each (bill, provider, rate): gross, net, tax."""
    sums = [func.sum(column) for column in (CreditNoteLine.gross_fen, CreditNoteLine.net_fen, CreditNoteLine.tax_fen)]
    query = (
        select(CreditNote.bill_id, CreditNoteLine.provider_id, CreditNoteLine.tax_rate, *sums)
        .join(CreditNote, CreditNote.id == CreditNoteLine.credit_note_id)
        .where(CreditNote.bill_id.in_(bill_ids), CreditNote.status != CreditNoteStatus.VOID)
        .group_by(CreditNote.bill_id, CreditNoteLine.provider_id, CreditNoteLine.tax_rate)
    )
    found: dict[tuple[int, int, Decimal], tuple[int, int, int]] = {}
    for bill_id, provider_id, rate, *amounts in db.session.execute(query):
        key = (bill_id, provider_id, Decimal(rate))
        before = found.get(key, (0, 0, 0))
        gross, net, tax = (first + int(more) for first, more in zip(before, amounts, strict=True))
        found[key] = (gross, net, tax)
    return found
