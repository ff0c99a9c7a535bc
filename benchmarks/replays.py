"""What a firm waits for when its last three months are priced on every comparable plan; `calculator` shows it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal

from benchmarks.figures import Figure, middle
from benchmarks.place import place
from market import billing, db, demo, resources, subscriptions
from market.accounts import user_by_email
from market.billing import Lately
from market.demo import cast
from market.web import replays as words

#: Listings made up beside the written ones: each sub-category gets a twentieth of them, with two or three plans each.
_LISTINGS = 480
_PLANS, _TARGET = 50, 100.0
_ROUNDS = 15


def figures(*, quick: bool = False) -> Iterator[Figure]:
    """From the database to the sorted answer, everything read anew each time; in processor time of the server."""
    with place() as here:
        here.fill(40 if quick else _LISTINGS)
        # So much later that three whole months are over.
        now = resources.clock.now() + timedelta(days=95)
        times, plans = [], 0
        for _ in range(2 if quick else _ROUNDS):
            start = time.process_time()
            plans = _asked(now)
            times.append((time.process_time() - start) * 1000)
        yield Figure(f"replay of 3 months on {plans} plans", middle(times[1:]), "ms", _TARGET * max(plans / _PLANS, 1))


def _asked(now: datetime) -> int:
    """One look at what the firm archives; how many plans were priced."""
    with db.transaction(readonly=True):
        email = next(person.email for person in demo.PEOPLE if person.key == "sme")
        user = user_by_email(email)
        assert user is not None, "the sample world has no owner"
        firm = cast.firm_of(user)
        mine = [one for one in subscriptions.subscriptions_of(firm) if one.revision.facts["subcategory"] == "archive"]
        (known,) = billing.lately(firm, mine[:1], now=now)
        return _looked_at(known)


def _looked_at(known: Lately) -> int:
    # With a guess for all that was not measured, as many as can be are rated and sorted.
    told = known.guessing({gap.key: Decimal(1) for found in known.replays for gap in found.gaps})
    return len([each.replay.total_fen for each in words.rows(told)])
