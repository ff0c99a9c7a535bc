"""Mending a refused event by hand: read, judged and stored by the same rules as if its sender had sent it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from market import audit, db
from market.errors import Refused
from market.metering import envelope, refused
from market.metering.actions import ingest
from market.metering.lanes import ClosedUntil
from market.metering.models import RefusedEvent
from market.metering.verdicts import EventRefused, Outcome, Verdict
from market.providers.models import Provider


class AlreadySettled(Refused):
    """Its id was accepted in the meantime, or somebody has set it aside."""

    code = "event_settled"
    message = "这条事件已经处理过了，不用再发。"


def judge_text(
    provider: Provider, text: str, *, sources: Collection[str], now: datetime, closed_until: ClosedUntil, event_id: str = ""
) -> Verdict:
    """What would become of an event written as JSON; stores nothing.

    `sources` are those the provider may use; with `event_id` it has to keep that id.
    """
    return _sent(provider, text, sources, event_id, now, closed_until, dry_run=True)


def resend(
    event: RefusedEvent,
    provider: Provider,
    text: str,
    *,
    sources: Collection[str],
    by: audit.Actor,
    now: datetime,
    closed_until: ClosedUntil,
) -> Verdict:
    """Send a mended event under the id it had; it is settled when that is counted, and else stays as it is.

    Raises AlreadySettled.
    """
    db.lock(event)
    if not refused.is_open(event):
        raise AlreadySettled
    verdict = _sent(provider, text, sources, event.event_id, now, closed_until, dry_run=True)
    if not verdict.counted:
        return verdict
    verdict = _sent(provider, text, sources, event.event_id, now, closed_until, dry_run=False)
    event.settled_at = now
    after = {"id": verdict.id, "source": verdict.source, "outcome": verdict.outcome.value}
    audit.record("refused_event.resent", event, by=by, at=now, before={"code": event.code}, after=after)
    return verdict


def set_aside(event: RefusedEvent, *, by: audit.Actor, at: datetime) -> None:
    """Nobody will mend it; it is not counted and no longer shown as open. Doing it twice changes nothing."""
    db.lock(event)
    if event.settled_at is None:
        event.settled_at = at
        audit.record("refused_event.set_aside", event, by=by, at=at, before={"code": event.code})


def _sent(
    provider: Provider,
    text: str,
    sources: Collection[str],
    event_id: str,
    now: datetime,
    closed_until: ClosedUntil,
    *,
    dry_run: bool,
) -> Verdict:
    try:
        raw = _object(text)
        if event_id and raw.get("id") != event_id:
            raise EventRefused("malformed", "编号（id）要和原来的一样：%(id)s。", id=event_id)
    except EventRefused as refusal:
        return Verdict(event_id, "", Outcome.REFUSED, refusal.code, refusal.message, refusal.params)
    source = raw.get("source")
    key_source = source if isinstance(source, str) and source in sources else next(iter(sources), "")
    return ingest(provider, key_source, [raw], now=now, closed_until=closed_until, dry_run=dry_run)[0]


def _object(text: str) -> dict[str, Any]:
    try:
        raw = envelope.load(text.encode("utf-8", "surrogatepass"))
    except EventRefused as refusal:
        message = "内容不是完整的 JSON，请检查括号、引号和逗号。" if refusal.code == "not_json" else refusal.message
        raise EventRefused(refusal.code, message) from None
    if not isinstance(raw, dict):
        raise EventRefused("malformed", "每条事件须是一个 JSON 对象。")
    return raw
