"""Reading corrections one by one: which event each means, and whether that one can still be corrected."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select, tuple_
from sqlalchemy.orm import joinedload

from market import db
from market.kit.period import local_day
from market.metering import counts, envelope, queries, store
from market.metering.corrections.models import CorrectingEvent, CorrectionStatus, UsageCorrection
from market.metering.counts import Count
from market.metering.identity import Keys, digest_of
from market.metering.models import Kind, UsageEvent
from market.metering.verdicts import EventRefused
from market.providers.models import Provider

#: Why something cannot be corrected: stable code → the Chinese sentence.
REASONS: dict[str, str] = {
    "unknown_event": "找不到要更正的事件。请检查它的编号和 source。",
    "archived": "要更正的事件已经归档，不能再更正。",
    "corrected_already": "这条事件已经更正过了。要再改，请更正那条更正（%(id)s）。",
    "reversal_final": "撤销不能再撤销。要恢复用量，请用一条替换来更正这条撤销。",
    "nothing_changed": "替换的内容和原来的一样，不用更正。",
    "too_old": "太旧了：那个月的账单早已定稿，差额已经没有账单可以记。请线下协商。",
    "id_taken": "这个编号已经用过，更正要用一个新的编号。",
}


class CorrectionRefused(EventRefused):
    """An event that cannot be corrected like this; `code` is a key of `REASONS` here or of the verdicts'."""

    def __init__(self, code: str, **params: object) -> None:
        super().__init__(code, REASONS[code], **params)


@dataclass(frozen=True)
class Named:
    """An event by what its sender called it."""

    id: str
    source: str


@dataclass(frozen=True)
class Change:
    """An event to be taken back (`data` is None) or replaced, under an id of its own."""

    id: str
    source: str
    corrects: Named
    data: dict[str, Any] | None = None

    @property
    def kind(self) -> Kind:
        """Which of the two."""
        return Kind.REVERSAL if self.data is None else Kind.REPLACEMENT


@dataclass
class Judged:
    """What became of one change. `status` is None for what was refused, `code` says why."""

    change: Change
    status: CorrectionStatus | None = None
    #: It was known already.
    known: bool = False
    code: str = ""
    message: str = ""
    params: Mapping[str, object] = field(default_factory=dict)
    correction: UsageCorrection | None = None

    def become(self, status: CorrectionStatus, correction: UsageCorrection) -> None:
        """Say what it is part of, and how that stands."""
        self.status, self.correction = status, correction

    def refuse(self, refusal: EventRefused) -> None:
        """Say why not."""
        self.status, self.code, self.message, self.params = None, refusal.code, refusal.message, refusal.params


@dataclass
class Ready:
    """A change that can be made: the event it means, and what is to be stored."""

    judged: Judged
    event: UsageEvent
    key: bytes
    payload: bytes
    data: dict[str, Any]


def read(provider: Provider, asked: Sequence[Judged], *, now: datetime) -> list[Ready]:
    """Those that are new and mean an event that stands; the others are judged at once."""
    named = [(judged, payload) for judged in asked if (payload := _payload(judged)) is not None]
    keys = [_key(provider, judged.change.id, judged.change.source) for judged, _ in named]
    meant = [_key(provider, judged.change.corrects.id, judged.change.corrects.source) for judged, _ in named]
    identities = store.identities([*dict.fromkeys([*keys, *meant])]) if named else {}
    known, ready = _known(keys), list[Ready]()
    events = _events(provider, [identities[key] for key in dict.fromkeys(meant) if key in identities])
    taken = _taken([event.id for event in events.values()])
    for (judged, payload), key, target in zip(named, keys, meant, strict=True):
        if key in known:
            _again(judged, known[key], payload)
            continue
        try:
            if key in identities or any(each.key == key for each in ready):
                raise CorrectionRefused("id_taken")
            identity = identities.get(target)
            event = events.get(identity.event) if identity else None
            if event is None:
                raise CorrectionRefused("archived" if identity else "unknown_event")
            if event.id in taken:
                raise CorrectionRefused("corrected_already", id=taken[event.id])
            ready.append(_ready(judged, event, key, payload, provider, now))
            taken[event.id] = judged.change.id
        except EventRefused as refusal:
            judged.refuse(refusal)
    return ready


def events_named(provider: Provider, named: Sequence[Named]) -> dict[Named, UsageEvent]:
    """The provider's events of these names, of those that are here."""
    keys = {each: _key(provider, each.id, each.source) for each in named if _readable(each)}
    identities = store.identities([*dict.fromkeys(keys.values())]) if keys else {}
    events = _events(provider, list(identities.values()))
    return {
        each: events[identities[key].event]
        for each, key in keys.items()
        if key in identities and identities[key].event in events
    }


def counted(one: Ready, provider: Provider, now: datetime) -> list[Count]:
    """What the meters read in the new data. Raises EventRefused for what one of them cannot read."""
    event = one.event
    if one.judged.change.kind is Kind.REVERSAL:
        return []
    meters = queries.meters_by_type(provider, [event.type], at=now).get(event.type, [])
    day = local_day(event.at)
    return [counts.of_event(meter, event.subscription_id, day, event.at, one.data) for meter in meters]


def _ready(judged: Judged, event: UsageEvent, key: bytes, payload: bytes, provider: Provider, now: datetime) -> Ready:
    change = judged.change
    data, written = envelope.canonical(change.data)
    if change.kind is Kind.REVERSAL and event.kind is Kind.REVERSAL:
        raise CorrectionRefused("reversal_final")
    if change.kind is Kind.REPLACEMENT and event.kind is not Kind.REVERSAL and data == event.data:
        raise CorrectionRefused("nothing_changed")
    if len(written) > envelope.DATA_LIMIT:
        raise EventRefused("too_long", "一条事件最多 64 KB。")
    one = Ready(judged, event, key, payload, data)
    counted(one, provider, now)
    return one


def _key(provider: Provider, id: str, source: str) -> bytes:
    return Keys(provider.id, source).of(id)


def _readable(named: Named) -> bool:
    try:
        envelope.label("id", named.id)
        envelope.label("source", named.source)
    except EventRefused:
        return False
    return True


def _payload(judged: Judged) -> bytes | None:
    """A digest that differs from that of plain usage, since it names what it corrects; None for what cannot be read."""
    change = judged.change
    try:
        for id, source in ((change.id, change.source), (change.corrects.id, change.corrects.source)):
            envelope.label("id", id)
            envelope.label("source", source)
        written = envelope.canonical(change.data)[1]
    except EventRefused as refusal:
        judged.refuse(refusal)
        return None
    return digest_of(f"{change.kind}\0{change.corrects.source}\0{change.corrects.id}\0".encode() + written)


def _again(judged: Judged, known: CorrectingEvent, payload: bytes) -> None:
    if known.payload != payload:
        judged.refuse(CorrectionRefused("id_taken"))
        return
    judged.known, judged.correction, judged.status = True, known.correction, known.correction.status


def _known(keys: Iterable[bytes]) -> dict[bytes, CorrectingEvent]:
    query = select(CorrectingEvent).where(CorrectingEvent.key.in_(list(keys))).options(joinedload(CorrectingEvent.correction))
    return {each.key: each for each in db.session.scalars(query)}


def _events(provider: Provider, identities: Sequence[store.Identity]) -> dict[int, UsageEvent]:
    """The events that are still here; asked for with their times, so that only their months are looked into."""
    named = tuple_(UsageEvent.id, UsageEvent.at).in_([(each.event, each.at) for each in identities])
    query = select(UsageEvent).where(UsageEvent.provider_id == provider.id, named)
    return {event.id: event for event in db.session.scalars(query)} if identities else {}


def _taken(numbers: Sequence[int]) -> dict[int, str]:
    """The events that are corrected already or soon, and the id of what corrects each."""
    query = select(CorrectingEvent.corrects, CorrectingEvent.event_id)
    query = query.where(CorrectingEvent.corrects.in_(numbers), CorrectingEvent.open)
    return {number: id for number, id in db.session.execute(query)} if numbers else {}
