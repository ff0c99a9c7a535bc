"""What the sample firms use: which plans, from when, and how much on an ordinary day."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from market.kit.period import local_midnight
from market.metering.corrections import Reason


@dataclass(frozen=True)
class Use:
    """What happened at one instant, as a provider reports it."""

    type: str
    at: datetime
    data: dict[str, Any]


Day = Callable[[date, random.Random, float], Iterator[Use]]


@dataclass(frozen=True)
class Mistake:
    """A report that says what never happened, and what is right if anything; days count from the order."""

    after_days: int
    noticed_after_days: int
    right: dict[str, Any] | None
    reason: Reason
    note: str


@dataclass(frozen=True)
class Habit:
    """One subscription of the sample world; `after_days` counts from the first day of the history.

    `held_back` is a day of each month that is reported when that month's bill is out already.
    """

    buyer: str
    offering: str
    plan: str
    after_days: int
    days: Day
    ends_after_days: int | None = None
    held_back: int | None = None
    mistake: Mistake | None = None


def gauge(type: str, key: str, start: float, growth: float) -> Day:
    """One reading each morning of something stored, growing a little."""

    def day(on: date, dice: random.Random, age: float) -> Iterator[Use]:
        value = start + growth * age * dice.uniform(0.9, 1.1)
        yield Use(type, _at(on, 8, dice), {key: f"{value:.3f}"})

    return day


def amount(type: str, key: str, mean: float, decimals: int = 0) -> Day:
    """One report each evening of how much was used, less at the weekend."""

    def day(on: date, dice: random.Random, _age: float) -> Iterator[Use]:
        value = mean * dice.uniform(0.5, 1.5) * (0.3 if on.weekday() > 4 else 1)
        yield Use(type, _at(on, 20, dice), {key: f"{value:.{decimals}f}"})

    return day


def happening(type: str, per_day: float) -> Day:
    """Single events now and then, each counted as one."""

    def day(on: date, dice: random.Random, _age: float) -> Iterator[Use]:
        for _ in range(int(per_day) + (dice.random() < per_day % 1)):
            yield Use(type, _at(on, dice.randint(9, 18), dice), {})

    return day


def once(after_days: int, then: Day, otherwise: Day) -> Day:
    """Another kind of day, a single time."""

    def day(on: date, dice: random.Random, age: float) -> Iterator[Use]:
        yield from (then if age == after_days else otherwise)(on, dice, age)

    return day


def both(*parts: Day) -> Day:
    """Several kinds of use on the same day."""

    def day(on: date, dice: random.Random, age: float) -> Iterator[Use]:
        for part in parts:
            yield from part(on, dice, age)

    return day


def _at(on: date, hour: int, dice: random.Random) -> datetime:
    return local_midnight(on) + timedelta(
        hours=hour, minutes=dice.randint(0, 59), seconds=dice.randint(0, 59)
    )


#: More than the provider's other lines of the next month: what is given back has no room there and becomes a credit note.
_ROBOTS = Mistake(25, 47, {"visits": "534"}, Reason.NOT_REAL, "搜索机器人一晚的抓取被当成访问，按网站日志改正。")
#: So little that it stands on the next bill as a line.
_TWICE = Mistake(12, 40, None, Reason.SENT_TWICE, "同一张订单报了两次，撤销多报的一次。")

HABITS = (
    Habit(
        "hardware", "company-website", "basic", 3,
        once(_ROBOTS.after_days, amount("site.visits", "visits", 250_000), amount("site.visits", "visits", 520)),
        mistake=_ROBOTS,
    ),
    Habit("hardware", "camera-archive", "by-space", 5, gauge("camera.footage", "gb", 900, 6)),
    Habit("hardware", "company-sms", "payg", 20, amount("sms.delivered", "segments", 300), held_back=28),
    Habit("hardware", "export-papers", "by-order", 33, happening("export.order", 1.4), mistake=_TWICE),
    Habit(
        "hardware", "computer-backup", "standard", 45,
        both(gauge("backup.space", "gb", 400, 5), amount("backup.restored", "mb", 900, 3)),
    ),
    Habit("tea", "shop-till", "market-stall", 8, happening("till.receipt", 22.5)),
    Habit("tea", "map-listing", "monthly", 10, gauge("listing.shops", "shops", 2, 0), ends_after_days=70),
)  # fmt: skip
