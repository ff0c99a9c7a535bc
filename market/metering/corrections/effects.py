"""What a correction does to a month, and whether that is so much that a second person has to agree."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from market import resources
from market.kit.period import Period
from market.metering.corrections.models import Effect

ZERO = Decimal(0)


@dataclass(frozen=True)
class MonthStand:
    """A subscription's billing month as it stands: every meter's quantity, and what all of it costs in fen.

    `billed` when its bill was issued; `reachable` unless that is so long ago that no bill takes a difference up any more.
    """

    period: Period
    billed: bool
    reachable: bool
    fen: int
    quantities: Mapping[int, Decimal]


#: `billing.month_stands`: subscription, an instant of the month, now.
Stands = Callable[[int, datetime, datetime], MonthStand]


def between(before: MonthStand, after: MonthStand) -> list[Effect]:
    """The meters whose quantity differs."""
    ids = sorted(before.quantities.keys() | after.quantities.keys())
    effects = [Effect(id, before.quantities.get(id, ZERO), after.quantities.get(id, ZERO)) for id in ids]
    return [effect for effect in effects if effect.before != effect.after]


def is_large(before: MonthStand, after: MonthStand, unseen: Sequence[tuple[int, Sequence[Effect]]]) -> bool:
    """Whether two people have to agree: too much money, or too large a part of a meter's month.

    `unseen` are the corrections of the same month that nobody else has looked at: many small ones weigh as one.
    """
    settings = resources.settings
    change = after.fen - before.fen + sum(fen for fen, _effects in unseen)
    if abs(change) > settings.correction_yuan * 100:
        return True
    moved = {effect.meter_id: effect.after - effect.before for effect in between(before, after)}
    for _fen, effects in unseen:
        for effect in effects:
            if effect.meter_id in moved:
                moved[effect.meter_id] += effect.after - effect.before
    return any(
        abs(change) * 100 > _first(before, id, unseen) * settings.correction_percent for id, change in moved.items()
    )


def _first(before: MonthStand, meter_id: int, unseen: Sequence[tuple[int, Sequence[Effect]]]) -> Decimal:
    """The quantity before all that nobody else has looked at."""
    earlier = sum((e.after - e.before for _fen, effects in unseen for e in effects if e.meter_id == meter_id), ZERO)
    return before.quantities.get(meter_id, ZERO) - earlier
