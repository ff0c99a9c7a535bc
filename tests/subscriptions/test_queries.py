"""Which subscriptions count for a month: asked of the database and of rows in memory, the answer is the same."""

from __future__ import annotations

from datetime import timedelta
from itertools import product

from market import subscriptions
from market.kit.period import month
from tests.builders.accounts import an_organization
from tests.builders.subscriptions import a_subscription

OCTOBER = month("2026-10")
MOMENTS = [None, *(at + timedelta(seconds=n) for at in (OCTOBER.start, OCTOBER.end) for n in (-1, 0, 1))]


def test_what_was_live_is_the_same_in_memory_as_in_the_database(session):
    firm = an_organization()
    one = a_subscription(organization=firm, started_at=None)
    for started, ended in product(MOMENTS, MOMENTS):
        if ended is not None and (started is None or ended < started):
            continue
        one.started_at, one.ended_at = started, ended
        session.flush()
        found = one in subscriptions.live_during(firm, OCTOBER)
        assert subscriptions.was_live(one, OCTOBER) is found, (started, ended)
