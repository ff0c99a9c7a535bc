"""What a benchmark says: figures with a target and something to compare them with."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Reference:
    """A limit or peer. `elsewhere` marks a figure quoted from another run, not measured beside ours."""

    name: str
    value: float
    elsewhere: bool = False


@dataclass(frozen=True)
class Figure:
    """One measured figure. The target is an upper bound unless `at_least` turns it round."""

    name: str
    measured: float
    unit: str
    target: float | None = None
    at_least: bool = False
    reference: Reference | None = None

    @property
    def missed(self) -> bool:
        """Whether the target is not met."""
        if self.target is None:
            return False
        return self.measured < self.target if self.at_least else self.measured > self.target

    @property
    def ratio(self) -> float | None:
        """Measured divided by the limit or peer."""
        return self.measured / self.reference.value if self.reference and self.reference.value else None

    def as_json(self) -> dict[str, Any]:
        """The figure for programs."""
        reference = self.reference
        return {
            "figure": self.name,
            "measured": round(self.measured, 4),
            "unit": self.unit,
            "target": self.target,
            "target_is": "at least" if self.at_least else "at most",
            "missed": self.missed,
            "reference": reference and {
                "name": reference.name, "value": round(reference.value, 4), "measured_elsewhere": reference.elsewhere,
            },
            "ratio": self.ratio and round(self.ratio, 4),
        }  # fmt: skip


def percentile(values: Sequence[float], percent: int) -> float:
    """The smallest measured value that at least `percent` of the values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


def middle(values: Sequence[float]) -> float:
    """The median."""
    return statistics.median(values)


_HEADINGS = ("figure", "measured", "unit", "target", "limit or peer", "ratio", "")


def table(figures: Sequence[Figure]) -> str:
    """The figures as aligned columns; a missed target is marked."""
    rows = [_HEADINGS, *map(_cells, figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS))]
    numbers = {1, 3, 5}
    return "\n".join(
        "  ".join(
            cell.rjust(width) if column in numbers else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def _cells(figure: Figure) -> tuple[str, ...]:
    target = "" if figure.target is None else f"{'≥' if figure.at_least else '≤'} {_number(figure.target)}"
    reference, ratio = figure.reference, figure.ratio
    against = f"{reference.name}: {_number(reference.value)}" if reference else ""
    if reference and reference.elsewhere:
        against += " (measured elsewhere)"
    return (
        figure.name,
        _number(figure.measured),
        figure.unit,
        target,
        against,
        "" if ratio is None else f"{_number(ratio)}×",
        "MISSED" if figure.missed else "",
    )


def _number(value: float) -> str:
    if value >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:,.1f}" if value >= 10 else f"{value:.2f}"
