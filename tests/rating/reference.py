"""Rating as one would do it on paper, with fractions and nothing clever: what the fast one is compared with."""

from fractions import Fraction

from market.rating import Flat, Graduated, Package, Percentage, PerUnit, Rounding, Transactions


def exact(terms, used, share=Fraction(1)):
    """Yuan, unrounded."""
    if isinstance(terms, Flat):
        return Fraction(terms.amount) * Fraction(terms.count) * (1 if terms.interval == "once" else share)
    cost = of_transactions(terms, used, share) if isinstance(terms, Percentage) else of_quantity(terms, used, share)
    cost -= cost * Fraction(terms.discount) / 100
    cost = max(cost, Fraction(terms.minimum) * share)
    return cost if terms.maximum is None else min(cost, Fraction(terms.maximum) * share)


def of_quantity(terms, quantity, share):
    billable = max(whole(Fraction(quantity), terms.rounding) - Fraction(terms.included) * share, Fraction(0))
    match terms:
        case PerUnit():
            return billable * Fraction(terms.unit_price)
        case Package():
            packages = 0
            while packages * Fraction(terms.package_size) < billable:
                packages = max(packages + 1, int(billable / Fraction(terms.package_size)))
            return packages * Fraction(terms.package_price)
        case Graduated():
            return graduated(terms.tiers, billable, share)
        case _:
            tier = next(tier for tier in terms.tiers if tier.up_to is None or billable <= Fraction(tier.up_to) * share)
            return billable * Fraction(tier.unit_price) + (Fraction(tier.flat) * share if billable else 0)


def graduated(tiers, billable, share):
    cost, start = Fraction(0), Fraction(0)
    for tier in tiers:
        end = billable if tier.up_to is None else min(billable, Fraction(tier.up_to) * share)
        if end > start:
            cost += (end - start) * Fraction(tier.unit_price)
        if billable > start:
            cost += Fraction(tier.flat) * share
        start = max(start, end) if tier.up_to is None else Fraction(tier.up_to) * share
    return cost


def of_transactions(terms, transactions, share):
    if not isinstance(transactions, Transactions):
        transactions = Transactions.alike(1 if transactions else 0, transactions)
    percent, fee = Fraction(terms.percent) / 100, Fraction(terms.fee)
    if not terms.each:
        total = sum((Fraction(total) for _, total in transactions.groups), Fraction(0))
        return transactions.count * fee + percent * max(total - Fraction(terms.included) * share, Fraction(0))
    cost = Fraction(0)
    for count, total in transactions.groups:
        one = max(fee + percent * Fraction(total) / count, Fraction(terms.fee_minimum))
        cost += count * (one if terms.fee_maximum is None else min(one, Fraction(terms.fee_maximum)))
    return cost


def whole(quantity, rounding):
    below = quantity.numerator // quantity.denominator
    match rounding:
        case Rounding.UP:
            return Fraction(below if below == quantity else below + 1)
        case Rounding.NEAREST:
            return Fraction(below + 1 if quantity - below >= Fraction(1, 2) else below)
        case Rounding.DOWN:
            return Fraction(below)
    return quantity
