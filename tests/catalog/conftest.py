"""The hand-written catalogue in the database: two and a half seconds to load, so a worker loads it once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from market import audit
from market.catalog import seed
from market.config import ROOT

JUNE = datetime(2026, 6, 1, tzinfo=UTC)


def the_catalogue() -> seed.Report:
    """All of it, loaded in June."""
    return seed.load(ROOT / "catalog_seed", by=audit.system("seed"), at=JUNE)


@pytest.fixture
def loaded(kept: Callable[[Callable[[], Any]], Any]) -> Any:
    """The catalogue is there; gives what loading it said. Stands before `session`."""
    return kept(the_catalogue)
