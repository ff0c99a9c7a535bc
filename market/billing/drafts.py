"""Drawing up: the lines of a bill as they are now. Reads only; writes nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from typing import Any

from market import rating, subscriptions
from market.accounts import Organization
from market.billing import adjustments, charging, usage
from market.billing.charging import Due
from market.billing.models import BillLine, LineKind
from market.billing.periods import period_of
from market.billing.wording import picked
from market.kit.period import Period
from market.subscriptions import Subscription

_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class LineDraft:
    """A bill line that is not stored (yet); named like the columns of BillLine."""

    kind: LineKind
    provider_id: int
    subscription_id: int
    charge_id: int
    service_start: datetime
    service_end: datetime
    label: dict[str, str]
    quantity: Decimal | None
    transactions: list[list[str]] | None = None
    terms: dict[str, Any]
    steps: list[dict[str, Any]]
    exact: str
    booked_fen: int
    tax_rate: str
    gross_fen: int


def draw_up(organization: Organization, period: Period, *, cutoff: datetime) -> list[LineDraft]:
    """The lines of the organization's bill for `period` with the usage that is stored now.

    For a period that has not ended this is the running bill: fees of the whole month, usage until `cutoff`.
    Lines stand by provider and subscription, charges in the plan's order, then what came too late for
    earlier bills.
    """
    lines = _charges(subscriptions.live_during(organization, period), period, cutoff)
    lines += _fitting(lines, list(_late(organization, period)))
    return sorted(lines, key=lambda line: (line.provider_id, line.subscription_id, line.kind is LineKind.ADJUSTMENT))


def draw_up_one(subscription: Subscription, period: Period, *, cutoff: datetime) -> list[LineDraft]:
    """The lines of one subscription alone; it may be a copy with dates that are only being considered.

    `subscription.plan` with charges and meters, and `subscription.revision`, are loaded.
    """
    return _charges([subscription], period, cutoff)


def draw_up_some(subscribed: Iterable[Subscription], period: Period, *, cutoff: datetime) -> list[LineDraft]:
    """The lines of several subscriptions whose firms share this month; loaded as for `draw_up_one`."""
    return _charges(subscribed, period, cutoff)


def _charges(subscribed: Iterable[Subscription], period: Period, cutoff: datetime) -> list[LineDraft]:
    due = [one for subscription in subscribed for one in charging.due_in(subscription, period)]
    used = usage.quantities(due, period, cutoff=cutoff)
    return [_line(one, used.get(usage.key(one), _ZERO) if one.metered else None) for one in due]


def recompute(
    line: BillLine | LineDraft, organization: Organization, *, quantity: rating.Used | None = None
) -> rating.Rated:
    """The amount of a line's service again, from nothing but what is stored with it or from other use.

    An adjustment's own amount is this less its `booked_fen`.
    """
    terms = rating.parse(line.terms)
    share: rating.Share = rating.WHOLE
    if not isinstance(terms, rating.Flat) or terms.interval == "month":
        full = period_of(organization, line.service_start)
        share = rating.share(full, Period(line.service_start, line.service_end))
    return rating.rate(terms, usage.used_of(line) if quantity is None else quantity, share=share)


def _line(due: Due, used: rating.Used | None) -> LineDraft:
    rated = rating.rate(due.terms, _ZERO if used is None else used, share=due.share)
    return LineDraft(
        kind=LineKind.CHARGE,
        provider_id=due.subscription.provider_id,
        subscription_id=due.subscription.id,
        charge_id=due.charge.id,
        service_start=due.service.start,
        service_end=due.service.end,
        label=_label(due),
        quantity=None if used is None else usage.total_of(used),
        transactions=rated.transactions.dump() if rated.transactions is not None else None,
        terms=rating.dump(due.terms),
        steps=rating.dump_steps(rated.steps),
        exact=rating.exact_text(rated.exact),
        booked_fen=0,
        tax_rate=due.charge.tax_rate,
        gross_fen=rated.fen,
    )


def _label(due: Due) -> dict[str, str]:
    """The words of a line, copied: a later change of names does not reach a bill."""
    facts, plan, charge, meter = due.subscription.revision.facts, due.plan, due.charge, due.charge.meter
    words = {"subscription": due.subscription.public_id}
    for locale in ("zh", "en"):
        words |= {
            f"offering_{locale}": facts.get(f"name_{locale}") or "",
            f"plan_{locale}": getattr(plan, f"name_{locale}"),
            f"charge_{locale}": getattr(charge, f"name_{locale}"),
            f"unit_{locale}": getattr(meter, f"unit_{locale}") if meter and due.metered else "",
        }
        if charge.filter and due.metered:
            words[f"picked_{locale}"] = picked(charge.filter, locale)
    return words | ({"trial": "1"} if due.trial else {})


def _late(organization: Organization, period: Period) -> Iterable[LineDraft]:
    """What earlier, issued bills would charge more or less today, each with its own service period, oldest first."""
    for line, used, booked_fen in adjustments.changed(organization, period):
        rated = recompute(line, organization, quantity=used)
        if rated.fen != booked_fen:
            yield LineDraft(
                kind=LineKind.ADJUSTMENT,
                provider_id=line.provider_id,
                subscription_id=line.subscription_id,
                charge_id=line.charge_id,
                service_start=line.service_start,
                service_end=line.service_end,
                label=line.label,
                quantity=usage.total_of(used),
                transactions=rated.transactions.dump() if rated.transactions is not None else None,
                terms=line.terms,
                steps=rating.dump_steps(rated.steps),
                exact=rating.exact_text(rated.exact),
                booked_fen=booked_fen,
                tax_rate=line.tax_rate,
                gross_fen=rated.fen - booked_fen,
            )


def _fitting(charges: Sequence[LineDraft], late: Sequence[LineDraft]) -> Iterable[LineDraft]:
    """What can stand on this bill: a provider's lines at one tax rate never come to less than nothing.

    A line that gives back more than is left of the others waits whole for the next bill, and for ever if there is
    none: until there are credit notes, nothing is paid back.
    """
    room: dict[tuple[int, str], int] = defaultdict(int)
    for line in [*charges, *(line for line in late if line.gross_fen > 0)]:
        room[line.provider_id, line.tax_rate] += line.gross_fen
    for line in late:
        key = line.provider_id, line.tax_rate
        if line.gross_fen > 0:
            yield line
        elif room[key] + line.gross_fen >= 0:
            room[key] += line.gross_fen
            yield line


def total_fen(lines: Sequence[LineDraft]) -> int:
    """What the lines come to, tax included."""
    return sum(line.gross_fen for line in lines)


def columns(line: LineDraft) -> dict[str, Any]:
    """The draft's values by column name."""
    return {field.name: getattr(line, field.name) for field in fields(line)}
