"""Drawing up: the lines of a bill as they are now. Reads only; writes nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from market import rating, subscriptions
from market.accounts import Organization
from market.billing import adjustments, charging, credits, usage
from market.billing.dues import Due
from market.billing.lines import LineDraft as LineDraft
from market.billing.lines import exact_of, fen_after, fen_of
from market.billing.models import BillLine, LineKind
from market.billing.periods import period_of
from market.billing.wording import picked
from market.kit.period import Period
from market.subscriptions import Subscription

_ZERO = Decimal(0)


def draw_up(
    organization: Organization, period: Period, *, cutoff: datetime, subscribed: Iterable[Subscription] | None = None
) -> list[LineDraft]:
    """The lines of the organization's bill for `period` with the usage that is stored now.

    For a period that has not ended this is the running bill: fees of the whole month, usage until `cutoff`.
    Lines stand by provider and subscription, charges in the plan's order, then what came too late for
    earlier bills. Who has all its subscriptions already, with their plans, hands them in.
    """
    if subscribed is None:
        live = subscriptions.live_during(organization, period)
    else:
        live = sorted((one for one in subscribed if subscriptions.was_live(one, period)), key=lambda one: one.id)
    charges = _charges(live, period, cutoff)
    lines = credits.fitted(charges, _waiting(organization, period))
    lines += _fitting(lines, list(_late(organization, period)))
    return sorted(lines, key=lambda line: (line.provider_id, line.subscription_id, line.kind is LineKind.ADJUSTMENT))


def draw_up_one(subscription: Subscription, period: Period, *, cutoff: datetime) -> list[LineDraft]:
    """The lines of one subscription alone; it may be a copy with dates and changes that are only being considered.

    Plan and changes with charges and meters, and the revision, are loaded. Money back stands there in full, whether
    or not there is room for it on the bill.
    """
    return _charges([subscription], period, cutoff)


def draw_up_some(subscribed: Iterable[Subscription], period: Period, *, cutoff: datetime) -> list[LineDraft]:
    """The lines of several subscriptions whose firms share this month; loaded as for `draw_up_one`."""
    return _charges(subscribed, period, cutoff)


def _charges(subscribed: Iterable[Subscription], period: Period, cutoff: datetime) -> list[LineDraft]:
    due = [one for subscription in subscribed for one in charging.due_in(subscription, period)]
    used = usage.quantities(due, period, cutoff=cutoff)
    totals: dict[tuple[object, ...], Fraction] = {}
    drawn = [_line(one, used.get(usage.key(one), _ZERO) if one.metered else None, totals) for one in due]
    # What is used on paused days is told, what is not used is not.
    return [line for line, one in zip(drawn, due, strict=True) if line.gross_fen or line.quantity or not one.paused]


def recompute(
    line: BillLine | LineDraft, organization: Organization, *, quantity: rating.Used | None = None
) -> rating.Rated:
    """The amount of a line's service again, from nothing but what is stored with it or from other use.

    What it comes to on the line says `fen_of`; an adjustment's own amount, and money back, is that less its `booked_fen`.
    """
    terms = rating.parse(line.terms)
    share: rating.Share = rating.WHOLE
    if line.full_days is not None:
        days = Period(line.service_start, line.service_end).days
        share = rating.Share(Fraction(days, line.full_days), days, line.full_days)
    elif not isinstance(terms, rating.Flat) or terms.interval == "month":
        full = period_of(organization, line.service_start)
        share = rating.share(full, Period(line.service_start, line.service_end))
    return rating.rate(terms, usage.used_of(line) if quantity is None else quantity, share=share)


def _line(due: Due, used: rating.Used | None, totals: dict[tuple[object, ...], Fraction]) -> LineDraft:
    """One line; `totals` is what the tracks came to so far."""
    rated = rating.rate(due.terms, _ZERO if used is None else used, share=due.share)
    exact, track = exact_of(due.kind, rated), (due.subscription.id, *due.track)
    carried = totals.get(track, due.carried) if due.track else Fraction(0)
    totals[track] = carried + exact
    return LineDraft(
        kind=due.kind,
        provider_id=due.subscription.provider_id,
        subscription_id=due.subscription.id,
        charge_id=due.charge.id,
        service_start=due.service.start,
        service_end=due.service.end,
        label=_label(due),
        quantity=None if used is None else usage.total_of(used),
        transactions=rated.transactions.dump() if rated.transactions is not None else None,
        units=due.units,
        full_days=due.full_days,
        terms=rating.dump(due.terms),
        steps=rating.dump_steps(rated.steps),
        exact=rating.exact_text(exact),
        carried=str(carried),
        booked_fen=0,
        tax_rate=due.charge.tax_rate,
        gross_fen=fen_after(carried, exact),
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
    if due.plan.quantity_unit_zh:
        words |= {"units_zh": due.plan.quantity_unit_zh, "units_en": due.plan.quantity_unit_en}
    words |= {"trial": "1"} if due.trial else {}
    return words | ({"paused": "1"} if due.paused else {})


def _late(organization: Organization, period: Period) -> Iterable[LineDraft]:
    """What earlier, issued bills would charge more or less today, each with its own service period, oldest first."""
    for line, used, booked_fen in adjustments.changed(organization, period):
        rated = recompute(line, organization, quantity=used)
        if fen_of(line, rated) != booked_fen:
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
                units=line.units,
                terms=line.terms,
                steps=rating.dump_steps(rated.steps),
                exact=rating.exact_text(rated.exact),
                carried=line.carried,
                booked_fen=booked_fen,
                tax_rate=line.tax_rate,
                gross_fen=fen_of(line, rated) - booked_fen,
            )


def _waiting(organization: Organization, period: Period) -> Iterator[LineDraft]:
    """Money back that earlier bills had no room for, with its whole amount and what of it is left."""
    for line, rest in credits.owed(organization, before=period.start):
        whole = line.gross_fen + line.booked_fen
        stored = {field.name: getattr(line, field.name) for field in fields(LineDraft)}
        yield LineDraft(**stored | {"gross_fen": -rest, "booked_fen": whole + rest})


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
