"""Doing what is due: many organizations in one transaction, one by one where something goes wrong.

Whoever closes holds the organizations until the commit. Others who close meanwhile, in another process or on another
host, leave them out and come back to them at the end, when nothing is left to do for them. On SQLite writers take
turns. A transaction that is killed leaves nothing behind, so its bills are drawn up by the next run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import structlog
from sqlalchemy import select

from market import audit, db
from market.accounts import Organization
from market.billing import actions, cutoffs, issuing, writing
from market.billing.closing.due import FAILED, Ahead
from market.billing.closing.report import Failure, Report
from market.billing.cutoffs import Clock
from market.billing.periods import final_at, following
from market.errors import MarketError
from market.kit.period import Period
from market.kit.refusal import Refusal

log = structlog.get_logger(__name__)

#: So many organizations, and about so many subscriptions, are billed in one transaction: enough for statements to cost
#: little, and few enough that events for them, and numbers for others, wait a second at most.
MOST_TOGETHER, MOST_SUBSCRIPTIONS = 200, 1_000
_REASON_LENGTH = 500

#: An organization and the period that it is billed for.
Turn = tuple[int, Period]


class Hour(NamedTuple):
    """The time of a close: when it began, which says what is due, and the clock by which it goes on."""

    now: datetime
    clock: Clock | None = None


class Done(NamedTuple):
    """What became of a chunk: those that go on with their next period, and those that somebody else holds."""

    through: list[Organization]
    taken: list[int]


def chunks(waiting: Iterable[Ahead]) -> Iterator[list[Turn]]:
    """What is due in portions for one transaction each, in order."""
    chunk: list[Turn] = []
    subscribed = 0
    for ahead in waiting:
        if chunk and (len(chunk) == MOST_TOGETHER or subscribed + ahead.size > MOST_SUBSCRIPTIONS):
            yield chunk
            chunk, subscribed = [], 0
        chunk.append((ahead.organization.id, ahead.period))
        subscribed += ahead.size
    if chunk:
        yield chunk


def catch_up(turns: Sequence[Turn], hour: Hour) -> Report:
    """All periods of these organizations that are over, oldest first; a failure stops the organization it is about."""
    report = Report()
    taken = _catch_up(turns, hour, report, waiting=False)
    _catch_up(taken, hour, report, waiting=True)
    return report


def _catch_up(turns: Sequence[Turn], hour: Hour, report: Report, *, waiting: bool) -> list[Turn]:
    taken: list[Turn] = []
    while turns:
        after: list[Turn] = []
        for period, ids in _by_period(turns).items():
            done = close_together(ids, period, hour, report, waiting=waiting)
            taken += [(id, period) for id in done.taken]
            coming = [(organization.id, following(organization, period)) for organization in done.through]
            after += [turn for turn in coming if turn[1].end <= hour.now]
        turns = after
    return taken


def close_together(
    ids: Sequence[int], period: Period, hour: Hour, report: Report, *, waiting: bool = True
) -> Done:
    """One period of several organizations, all or, where that fails, each by itself."""
    done = Report()
    try:
        with db.transaction():
            db.by_index()
            outcome = _close(ids, period, hour, done, waiting=waiting)
    except Exception as error:
        if len(ids) > 1:
            log.warning("chunk_not_billed", organizations=len(ids), period=period.label, reason=_reason(error))
            return _one_by_one(ids, period, hour, report, waiting=waiting)
        report.failures.append(Failure(ids[0], period, _reason(error)))
        _tell(report.failures[-1], error, hour.now)
        return Done([], [])
    report.add(done)
    return outcome


def _one_by_one(ids: Sequence[int], period: Period, hour: Hour, report: Report, *, waiting: bool) -> Done:
    parts = [close_together([id], period, hour, report, waiting=waiting) for id in ids]
    return Done([one for part in parts for one in part.through], [id for part in parts for id in part.taken])


def _close(ids: Sequence[int], period: Period, hour: Hour, report: Report, *, waiting: bool) -> Done:
    held = actions.lock(ids, waiting=waiting)
    organizations, now = _organizations(held), hour.now
    cutoff = cutoffs.cutoff(held, now=now, clock=hour.clock)
    drafted = writing.draft(organizations, period, cutoff=cutoff, at=now)
    taken = [id for id in ids if id not in set(held)]
    if final_at(period) > now:
        report.drafted += len(drafted.bills)
        return Done([], taken)
    issuing.issue_all(drafted, period, at=now)
    report.issued += len(drafted.bills)
    return Done(organizations, taken)


def _organizations(ids: Sequence[int]) -> list[Organization]:
    found = {one.id: one for one in db.session.scalars(select(Organization).where(Organization.id.in_(ids)))}
    return [found[id] for id in ids]


def _by_period(turns: Iterable[Turn]) -> dict[Period, list[int]]:
    found: dict[Period, list[int]] = {}
    for id, period in turns:
        found.setdefault(period, []).append(id)
    return found


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:_REASON_LENGTH]


def _tell(failure: Failure, error: Exception, now: datetime) -> None:
    """Keep the reason where administrators see it, and log it; the same one only once.

    A refusal says what is wrong; the way to anything else is in its traceback.
    """
    refusal = isinstance(error, MarketError | Refusal)
    with db.transaction():
        organization = db.session.get_one(Organization, failure.organization_id)
        told = f"{failure.period.label} · {failure.reason}"
        if any(event.action == FAILED and event.reason == told for event in audit.history(organization)):
            return
        audit.record(FAILED, organization, by=audit.system("billing"), at=now, reason=told, after=_words(error))
    log.error(
        "period_not_billed", organization=failure.organization_id, period=failure.period.label, reason=failure.reason,
        exc_info=None if refusal else error,
    )  # fmt: skip


def _words(error: Exception) -> dict[str, Any]:
    """What a refusal says, so that it can be said in other languages."""
    if not isinstance(error, MarketError | Refusal):
        return {}
    return {"message": error.message, "params": {name: str(value) for name, value in error.params.items()}}

