"""In which file an event lies that is not in the database any more."""

from __future__ import annotations

from pathlib import Path

from market.metering import archived
from market.metering.archives import files
from market.metering.models import ArchivedMonth
from market.providers.models import Provider

#: Files that are looked into, the latest first.
MOST = 24


def of_event(provider: Provider, id: int) -> ArchivedMonth | None:
    """The archived month with a provider's event of this number. Files that were carried elsewhere say nothing."""
    for month in list(archived.months())[::-1][:MOST]:
        path = Path(month.path)
        if path.is_file() and files.holds(path, id, provider.id):
            return month
    return None
