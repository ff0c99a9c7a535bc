"""Facts about offerings, announced upward inside the transaction of the change.

Receivers may add rows; whatever leaves the house waits for the commit.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from blinker import signal
from sqlalchemy import select

from market import db
from market.catalog.models import Offering
from market.providers import Provider, provider_changed

#: `offering_changed.send(offering, at=at)`: what buyers see of it is different now, or it is gone.
offering_changed = signal("offering_changed")
#: `solution_changed.send(solution, at=at)`: what buyers see of a bundle is different now.
solution_changed = signal("solution_changed")
#: `revision_submitted.send(revision, at=at)`: it waits for an administrator.
revision_submitted = signal("revision_submitted")
#: `revision_decided.send(revision, at=at)`: published, returned or refused; its status says which.
revision_decided = signal("revision_decided")


@provider_changed.connect
def _announce_offerings(provider: Provider, *, at: datetime, **_: Any) -> None:
    """A provider's name or standing is part of what buyers see of each of its offerings."""
    offerings = select(Offering).where(Offering.provider_id == provider.id, Offering.listed_at.is_not(None))
    for offering in db.session.scalars(offerings):
        offering_changed.send(offering, at=at)
