"""Editions and entries of the recommended catalogue for tests."""

from __future__ import annotations

from datetime import date
from itertools import count
from typing import Any

from market.accounts.models import User
from market.catalog.models import Offering
from market.recommended.models import Edition, Entry, EntryStatus
from tests.builders.accounts import EARLY, _added, an_administrator
from tests.builders.catalog import an_offering

_numbers = count(1)


def an_edition(*, starts_on: date = date(2026, 9, 1), ends_on: date = date(2026, 12, 31), **columns: Any) -> Edition:
    """An edition that is current in autumn 2026."""
    number = next(_numbers)
    defaults = {"slug": f"edition-{number}", "name_zh": f"示例第{number}期", "name_en": f"Sample edition {number}"}
    return _added(Edition(starts_on=starts_on, ends_on=ends_on, **(defaults | columns)))


def an_entry(
    offering: Offering | None = None,
    edition: Edition | None = None,
    *,
    status: EntryStatus = EntryStatus.LISTED,
    nominated_by: User | None = None,
    decided_by: User | None = None,
    **columns: Any,
) -> Entry:
    """An entry, by default listed: nominated by one administrator, approved by another."""
    decided = status not in (EntryStatus.NOMINATED, EntryStatus.SCORED)
    defaults = {"reason_zh": "小企业用得上，价格写得清楚。", "reason_en": "", "nominated_at": EARLY}
    return _added(
        Entry(
            offering=offering or an_offering(),
            edition=edition or an_edition(),
            status=status,
            nominated_by=nominated_by or an_administrator(),
            decided_by=(decided_by or an_administrator()) if decided else None,
            decided_at=EARLY if decided else None,
            **(defaults | columns),
        )
    )
