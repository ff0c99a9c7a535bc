"""The geometry of charts: from figures to the coordinates that the templates draw as SVG.

No colors, no text beyond numbers: words and styles are the templates' business.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

STEPS = (1, 2, 5, 10)


@dataclass(frozen=True)
class Day:
    """One day of a period: what it cost, what the period had cost by its end, in fen; a note puts a mark on it."""

    on: date
    cost_fen: int
    total_fen: int
    note: str = ""


@dataclass(frozen=True)
class Frame:
    """The drawing area of one size of a chart, in SVG units."""

    width: int
    height: int
    left: int
    right: int
    top: int = 26
    bottom: int = 30

    @property
    def inner_width(self) -> int:
        return self.width - self.left - self.right

    @property
    def inner_height(self) -> int:
        return self.height - self.top - self.bottom


WIDE = Frame(880, 320, left=68, right=16)
NARROW = Frame(340, 260, left=52, right=10)


@dataclass(frozen=True)
class Cumulative:
    """A period's cost adding up day by day, with what is still expected.

    `days` are the days so far, oldest first; `forecast` are (day, expected total in fen) after them.
    `before` are the totals of the period before, its first day first, to compare with. `cap_fen` and `alerts_fen`
    draw lines only where such a limit really exists.
    """

    first: date
    last: date
    days: Sequence[Day]
    forecast: Sequence[tuple[date, int]] = ()
    cap_fen: int | None = None
    alerts_fen: Sequence[int] = field(default_factory=tuple)
    before: Sequence[int] = ()

    @property
    def length(self) -> int:
        """Days in the period, both ends counted."""
        return (self.last - self.first).days + 1

    @property
    def top_fen(self) -> int:
        """The value at the top of the scale, in fen."""
        return self.ticks[-1]

    @property
    def ticks(self) -> list[int]:
        """Round values for the horizontal lines, in fen, from 0 up past the highest value."""
        totals = [day.total_fen for day in self.days] + [total for _, total in self.forecast] + list(self._before)
        return ticks(max([*totals, self.cap_fen or 0, *self.alerts_fen, 0]))

    def x(self, frame: Frame, day: date, *, edge: bool = False) -> str:
        """The middle of a day on the horizontal axis, or its left edge."""
        place = (day - self.first).days + (0 if edge else 0.5)
        return _number(frame.left + place / self.length * frame.inner_width)

    def y(self, frame: Frame, fen: int) -> str:
        """The height of an amount."""
        return _number(frame.top + frame.inner_height * (1 - fen / self.top_fen))

    def day_width(self, frame: Frame) -> str:
        """The width of one day."""
        return _number(frame.inner_width / self.length)

    def line(self, frame: Frame) -> str:
        """The points of the line so far."""
        return " ".join(f"{self.x(frame, day.on)},{self.y(frame, day.total_fen)}" for day in self.days)

    def earlier(self, frame: Frame) -> str:
        """The points of the period before, day under day; days that this period lacks are left out."""
        dates = [date.fromordinal(self.first.toordinal() + n) for n in range(len(self._before))]
        return " ".join(f"{self.x(frame, on)},{self.y(frame, fen)}" for on, fen in zip(dates, self._before, strict=True))

    def before_on(self, day: date) -> int | None:
        """What the period before had come to by the same day of its own; None where it had no such day."""
        place = (day - self.first).days
        return self.before[place] if place < len(self.before) else None

    @property
    def _before(self) -> Sequence[int]:
        return self.before[: self.length]

    def area(self, frame: Frame) -> str:
        """The path of the area under the line so far."""
        if not self.days:
            return ""
        floor, first, last = self.y(frame, 0), self.x(frame, self.days[0].on), self.x(frame, self.days[-1].on)
        return f"M{first},{floor} L{self.line(frame).replace(' ', ' L')} L{last},{floor}Z"

    def expected(self, frame: Frame) -> str:
        """The points of the forecast, from the last known day on."""
        known = [(self.days[-1].on, self.days[-1].total_fen)] if self.days else []
        return " ".join(f"{self.x(frame, on)},{self.y(frame, fen)}" for on, fen in [*known, *self.forecast])

    def labeled_days(self, frame: Frame) -> list[date]:
        """The days that get a label: the first, every fifth or tenth, the last."""
        step = 5 if frame.width > 500 else 10
        numbers = [
            n for n in range(1, self.length + 1) if n == 1 or (n % step == 0 and self.length - n >= step / 2)
        ]
        if self.length > 1:
            numbers.append(self.length)
        return [date.fromordinal(self.first.toordinal() + n - 1) for n in numbers]


@dataclass(frozen=True)
class Column:
    """One upright bar: its place in time, the value, what is read out about it; a marked one has a note in the text."""

    label: str
    value: Decimal
    text: str
    marked: bool = False


@dataclass(frozen=True)
class Columns:
    """Upright bars side by side, drawn without text so that one drawing fits every width; 100 units high."""

    bars: Sequence[Column]

    @property
    def width(self) -> int:
        """Ten units a bar."""
        return 10 * len(self.bars)

    @property
    def highest(self) -> Column | None:
        """The first of the highest bars; None when all are empty."""
        best = max(self.bars, key=lambda bar: bar.value, default=None)
        return best if best and best.value > 0 else None

    def height(self, bar: Column) -> str:
        """How high a bar is; what is not nothing is to be seen."""
        if bar.value <= 0 or self.highest is None:
            return "0"
        return _number(max(float(bar.value / self.highest.value) * 100, 1.5))

    def top(self, bar: Column) -> str:
        """Where it begins, from above."""
        return _number(100 - float(self.height(bar)))


@dataclass(frozen=True)
class Bar:
    """One bar of a bar chart: `text` is the value as it is written."""

    label: str
    value: Decimal | int | float
    text: str


def bar_width(value: Decimal | int | float, bars: Sequence[Bar]) -> str:
    """The length of a bar in percent of the longest one."""
    longest = max((bar.value for bar in bars), default=0)
    return _number(float(value) / float(longest) * 100) if longest else "0"


@dataclass(frozen=True)
class Split:
    """A used quantity against what the plan includes, as shares of 100."""

    within: str
    over_start: str
    over: str


def split(used: Decimal, included: Decimal) -> Split:
    """How a usage bar is divided; the whole bar is the larger of the two."""
    whole = max(used, included)
    if not whole:
        return Split("0", "0", "0")
    within = float(min(used, included) / whole) * 100
    over = float(max(used - included, Decimal(0)) / whole) * 100
    gap = 1 if over and within else 0
    return Split(_number(within), _number(within + gap), _number(max(over - gap, 0)))


def ticks(highest: int, *, wanted: int = 4) -> list[int]:
    """Round steps from 0 to at least `highest`, in fen and never finer than one yuan."""
    rough = max(highest / wanted, 100)
    power = 10 ** (len(str(int(rough))) - 1)
    step = next(power * factor for factor in STEPS if power * factor >= rough)
    return list(range(0, step * (max(-(-highest // step), 1) + 1), step))


def _number(value: float) -> str:
    text = f"{value:.1f}"
    return text[:-2] if text.endswith(".0") else text
