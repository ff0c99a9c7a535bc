"""Checking an issued bill: every amount again from its terms, every quantity again from the raw events."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import select

from market import db, metering, rating
from market.billing import drafts, usage
from market.billing.lines import exact_of, fen_of
from market.billing.models import Bill, BillLine
from market.billing.periods import period_of
from market.catalog import Charge, Meter
from market.kit.period import Period
from market.subscriptions import Subscription


class BillDifference(NamedTuple):
    """Something on a bill that does not follow from what is stored."""

    line: BillLine | None
    field: str
    billed: object
    expected: object


def verify(bill: Bill) -> list[BillDifference]:
    """Work a bill out again as it was at its cutoff; empty when everything agrees.

    Needs the bill as `bill_of` loads it. An event that was let in while the bill was being issued is stored
    with a time just before the cutoff; it is billed as an adjustment and shows here as a difference.
    """
    charges = usage.charges_of([line.charge_id for line in bill.lines])
    subscriptions = _subscriptions(bill)
    found = [
        difference
        for line in bill.lines
        for difference in _check_line(bill, line, subscriptions[line.subscription_id], charges.get(line.charge_id))
    ]
    return [*found, *_check_sums(bill)]


def _subscriptions(bill: Bill) -> dict[int, Subscription]:
    ids = {line.subscription_id for line in bill.lines}
    return {one.id: one for one in db.session.scalars(select(Subscription).where(Subscription.id.in_(ids)))}


def _check_line(bill: Bill, line: BillLine, subscription: Subscription, charge: Charge | None) -> list[BillDifference]:
    found = []
    used = None if line.quantity is None else usage.used_of(line)
    if used is not None and charge is not None and charge.meter is not None:
        used = _used_again(bill, line, subscription, charge, charge.meter)
        if usage.total_of(used) != line.quantity:
            found.append(BillDifference(line, "quantity", line.quantity, usage.total_of(used)))
        elif used != usage.used_of(line):
            found.append(BillDifference(line, "transactions", usage.used_of(line), used))
    rated = drafts.recompute(line, bill.organization, quantity=used)
    for field, billed, expected in (
        ("gross_fen", line.gross_fen, fen_of(line, rated) - line.booked_fen),
        ("exact", line.exact, rating.exact_text(exact_of(line.kind, rated))),
        ("steps", line.steps, rating.dump_steps(rated.steps)),
    ):
        if billed != expected:
            found.append(BillDifference(line, field, billed, expected))
    return found


def _used_again(bill: Bill, line: BillLine, subscription: Subscription, charge: Charge, meter: Meter) -> rating.Used:
    service, only = Period(line.service_start, line.service_end), charge.filter
    whole, terms = period_of(bill.organization, line.service_start), rating.parse(line.terms)
    quantity = metering.replay(subscription, meter, service, stored_by=bill.cutoff, whole=whole, only=only)
    if not isinstance(terms, rating.Percentage):
        return quantity
    found = metering.replay_transactions(subscription, meter, service, stored_by=bill.cutoff, only=only)
    return usage.condensed(terms, found if terms.each else rating.Transactions.alike(found.count, quantity))


def _check_sums(bill: Bill) -> list[BillDifference]:
    """The tax split and the totals from the lines."""
    lines = bill.lines
    split = rating.split_tax([(line.provider_id, line.gross_fen, Decimal(line.tax_rate)) for line in lines])
    pairs = [
        ("gross_fen", bill.gross_fen, split.gross),
        ("net_fen", bill.net_fen, split.net),
        ("tax_fen", bill.tax_fen, split.tax),
        ("lines", [(line.net_fen, line.tax_fen) for line in lines], [(line.net, line.tax) for line in split.lines]),
        (
            "taxes",
            sorted((tax.provider_id, Decimal(tax.tax_rate), tax.net_fen, tax.tax_fen) for tax in bill.taxes),
            sorted((group.key, group.rate, group.net, group.tax) for group in split.groups),
        ),
    ]
    return [BillDifference(None, field, billed, expected) for field, billed, expected in pairs if billed != expected]
