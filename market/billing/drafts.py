"""Drawing up: the lines of a bill as they are now. Reads only; writes nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import fields
from datetime import datetime
from fractions import Fraction
from operator import attrgetter
from typing import Any, NamedTuple

from market import rating, subscriptions
from market.accounts import Organization
from market.billing import adjustments, charging, credits, tidings, usage
from market.billing.drawing import Drawer
from market.billing.lines import LineDraft as LineDraft
from market.billing.lines import fen_of
from market.billing.models import BillLine, LineKind
from market.billing.periods import period_of
from market.kit.period import Period
from market.subscriptions import Subscription

#: The columns of a line that are known before it is on a bill.
FIELDS = tuple(field.name for field in fields(LineDraft))
_values = attrgetter(*FIELDS)


class Drawn(NamedTuple):
    """The lines of a bill, and what of the money back on them, or left out, no line has room for (less than nothing)."""

    lines: list[LineDraft]
    rests: list[LineDraft]


def draw_up(
    organization: Organization, period: Period, *, cutoff: datetime, subscribed: Iterable[Subscription] | None = None
) -> list[LineDraft]:
    """The lines of the organization's bill for `period` with the usage that is stored now.

    For a period that has not ended this is the running bill: fees of the whole month, usage until `cutoff`.
    Lines stand by provider and subscription, charges in the plan's order, then what came too late for
    earlier bills. Who has all its subscriptions already, with their plans, hands them in.
    """
    return draw_up_all([organization], period, cutoff=cutoff, subscribed=subscribed)[organization.id].lines


def draw_up_all(
    organizations: Collection[Organization],
    period: Period,
    *,
    cutoff: datetime,
    subscribed: Iterable[Subscription] | None = None,
) -> dict[int, Drawn]:
    """The same of several organizations that share the period, by organization id.

    However many they are, the database is asked equally often.
    """
    ids = [organization.id for organization in organizations]
    if subscribed is None:
        live = subscriptions.live_in_any(ids, period)
    else:
        live = sorted((one for one in subscribed if subscriptions.was_live(one, period)), key=lambda one: one.id)
    owners = {subscription.id: subscription.organization_id for subscription in live}
    charges, waiting, late = (dict[int, list[LineDraft]]((id, []) for id in ids) for _ in range(3))
    for line in _charges(live, period, cutoff):
        charges[owners[line.subscription_id]].append(line)
    charges = credits.within(charges)
    for id, line in _waiting(ids, period):
        waiting[id].append(line)
    for id, line in _late(organizations, period, cutoff):
        late[id].append(line)
    return {id: _put_together(charges[id], waiting[id], late[id]) for id in ids}


def _put_together(charges: list[LineDraft], waiting: list[LineDraft], late: list[LineDraft]) -> Drawn:
    lines, rests = credits.fitted(charges, waiting)
    fitting, left_out = _fitting(lines, late)
    lines = [*lines, *fitting]
    lines.sort(key=lambda line: (line.provider_id, line.subscription_id, line.kind is LineKind.ADJUSTMENT))
    return Drawn(lines, [*rests, *left_out])


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
    due = charging.all_due(subscribed, period)
    drawer = Drawer()
    used = usage.used(due, period, cutoff=cutoff)
    drawn = [drawer.line(one, quantity) for one, quantity in zip(due, used, strict=True)]
    return [line for line, one in zip(drawn, due, strict=True) if one.stands(line.quantity, line.gross_fen)]


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


def _late(
    organizations: Collection[Organization], period: Period, cutoff: datetime
) -> Iterator[tuple[int, LineDraft]]:
    """What earlier, issued bills would charge more or less today, each with its own service period, oldest first."""
    found = list(_adjusted(organizations, period))
    owners = [id for id, _ in found]
    yield from zip(owners, tidings.labelled([line for _, line in found], cutoff=cutoff), strict=True)


def _adjusted(organizations: Collection[Organization], period: Period) -> Iterator[tuple[int, LineDraft]]:
    for each in adjustments.changed(organizations, period):
        line, rated = each.line, recompute(each.line, each.organization, quantity=each.used)
        fen = fen_of(line, rated)
        given_fen = each.given_fen(fen)
        booked_fen = each.booked_fen - given_fen
        if fen != booked_fen:
            yield each.organization.id, LineDraft(
                kind=LineKind.ADJUSTMENT,
                provider_id=line.provider_id,
                subscription_id=line.subscription_id,
                charge_id=line.charge_id,
                service_start=line.service_start,
                service_end=line.service_end,
                label=line.label | ({"credited_fen": str(given_fen)} if given_fen else {}),
                quantity=usage.total_of(each.used),
                transactions=rated.transactions.dump() if rated.transactions is not None else None,
                units=line.units,
                terms=line.terms,
                steps=rating.dump_steps(rated.steps),
                exact=rating.exact_text(rated.exact),
                carried=line.carried,
                booked_fen=booked_fen,
                tax_rate=line.tax_rate,
                gross_fen=fen - booked_fen,
            )


def _waiting(organization_ids: Collection[int], period: Period) -> Iterator[tuple[int, LineDraft]]:
    """Money back that earlier bills had no room for, with its whole amount and what of it is left."""
    for id, line, rest in credits.owed(organization_ids, before=period.start):
        whole = line.gross_fen + line.booked_fen
        stored = {field.name: getattr(line, field.name) for field in fields(LineDraft)}
        yield id, LineDraft(**stored | {"gross_fen": -rest, "booked_fen": whole + rest})


def _fitting(
    charges: Sequence[LineDraft], late: Sequence[LineDraft]
) -> tuple[list[LineDraft], list[LineDraft]]:
    """What can stand on this bill, and what cannot: a provider's lines at one tax rate never come to less than nothing.

    A line that gives back more than is left of the others is left out whole: it gets a credit note.
    """
    room: dict[tuple[int, str], int] = defaultdict(int)
    for line in [*charges, *(line for line in late if line.gross_fen > 0)]:
        room[line.provider_id, line.tax_rate] += line.gross_fen
    fitting: list[LineDraft] = []
    left_out: list[LineDraft] = []
    for line in late:
        key = line.provider_id, line.tax_rate
        fits = line.gross_fen > 0 or room[key] + line.gross_fen >= 0
        if fits and line.gross_fen <= 0:
            room[key] += line.gross_fen
        (fitting if fits else left_out).append(line)
    return fitting, left_out


def total_fen(lines: Sequence[LineDraft]) -> int:
    """What the lines come to, tax included."""
    return sum(line.gross_fen for line in lines)


def values(line: LineDraft) -> Iterable[Any]:
    """The draft's values in the order of `FIELDS`."""
    return _values(line)
