"""The plan's own words in memory: kinds of service, cities and sectors.

They change when the catalogue's files are loaded and at no other time, and every page asks for them. A process keeps them
for ten seconds, and no longer than until it changes one itself.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import event, inspect

from market import accounts, catalog, db, resources
from market.accounts import City, Sector
from market.catalog import Category

_SECONDS = 10.0
Row = TypeVar("Row", bound=db.Base)


@dataclass(frozen=True, eq=False)
class PlanWords:
    """One reading of them; the rows are copies that belong to no session."""

    #: By slug, as the pages order them.
    kinds: Mapping[str, Category]
    cities: Mapping[str, City]
    sectors: Sequence[Sector]
    until: float


_kept: dict[str, PlanWords] = {}


def plan_words() -> PlanWords:
    """The words as they are now, or were a moment ago."""
    key = resources.settings.database_url
    known = _kept.get(key)
    if known is None or known.until < time.monotonic():
        _kept.clear()
        known = _kept[key] = _read()
    return known


def _read() -> PlanWords:
    kinds = sorted(catalog.category_names().values(), key=lambda one: (one.position, one.slug))
    return PlanWords(
        kinds={one.slug: _copy(one) for one in kinds},
        cities={one.code: _copy(one) for one in accounts.cities()},
        sectors=[_copy(one) for one in accounts.sectors()],
        until=time.monotonic() + _SECONDS,
    )


def _copy(row: Row) -> Row:
    return type(row)(**{column.key: getattr(row, column.key) for column in inspect(type(row)).column_attrs})


def _forget(*_: Any) -> None:
    _kept.clear()


for _changed in ("after_insert", "after_update", "after_delete"):
    for _model in (Category, City, Sector):
        event.listen(_model, _changed, _forget)
