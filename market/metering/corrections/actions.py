"""Correcting: events are only added, so what was wrong stays readable, and every earlier figure can be had again.

* A correction has the time of the event that it takes back; a reversal leaves nothing in its place.
* An event is corrected once. A replacement may be corrected in its turn, a reversal only by a replacement.
* The running month and a month whose bill is a draft are worked out anew at once. Of a month that is billed the
  difference stands on a later bill, as long as one looks back so far; after that nothing can be corrected here.
* What moves a month by much waits for a second person; until then it counts nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from market import audit, db
from market.accounts.models import ApiKey, User
from market.errors import Invalid, Refused
from market.metering import counters, queries, signals
from market.metering import store as identities
from market.metering.corrections import effects, judging, storing
from market.metering.corrections.effects import MonthStand, Stands
from market.metering.corrections.judging import Change, CorrectionRefused, Judged, Ready
from market.metering.corrections.models import (
    LIFECYCLE,
    CorrectingEvent,
    CorrectionStatus,
    Reason,
    UsageCorrection,
)
from market.metering.corrections.queries import unseen
from market.metering.lanes import Billed, ClosedUntil
from market.metering.verdicts import EventRefused
from market.providers.models import Provider

#: So many events can be corrected at once, and so long is a note.
MOST, NOTE_LIMIT = 500, 500


class FourEyes(Refused):
    """Whoever proposed a correction cannot be the second person."""

    code = "four_eyes"
    message = "这条更正是您自己提出的，要请另一位同事复核。"


class AlreadyDecided(Refused):
    """Somebody has approved or rejected it."""

    code = "correction_decided"
    message = "这条更正已经有人处理过了。"


class CannotApply(Refused):
    """It was possible when it was proposed and is not any more."""

    code = "correction_impossible"


@dataclass(frozen=True)
class Author:
    """Who asks: a person or a key of the provider."""

    actor: audit.Actor
    user: User | None = None
    key: ApiKey | None = None


def correct(
    provider: Provider,
    changes: Sequence[Change],
    *,
    reason: Reason,
    note: str,
    author: Author,
    now: datetime,
    stands: Stands,
    closed_until: ClosedUntil,
    dry_run: bool = False,
) -> list[Judged]:
    """Correct some of a provider's own events; what became of each, in the order given.

    The same change under the same id is done once. Changes of one subscription and billing month are one correction,
    which counts at once or, when it is large, is kept until somebody else approves it. With `dry_run` nothing stays,
    and what would is told. Raises Invalid for a note that is missing or too long.
    """
    work = _Work(provider, _checked(note), reason, author, now, stands, closed_until)
    judged = [Judged(change) for change in changes]
    # The corrections of one provider take turns, so that no event is corrected twice at once.
    db.serialize(f"corrections {provider.id}")
    for month in work.months(judging.read(provider, judged, now=now)):
        work.do(month, dry_run=dry_run)
    return judged


def approve(
    correction: UsageCorrection, *, user: User, by: audit.Actor, now: datetime, stands: Stands, closed_until: ClosedUntil
) -> None:
    """The second person agrees: it counts from now on. Raises AlreadyDecided, FourEyes, CannotApply."""
    db.lock(correction)
    if correction.status is not CorrectionStatus.PROPOSED:
        raise AlreadyDecided
    if correction.author_id == user.id:
        raise FourEyes
    provider, id = db.session.get_one(Provider, correction.provider_id), correction.subscription_id
    subject = storing.held(provider, [id])[id]
    before = stands(id, correction.period_start, now)
    added = _added(correction)
    if not before.reachable:
        raise CannotApply(judging.REASONS["too_old"])
    if len(storing.still_here(provider, added)) < len(added):
        raise CannotApply(judging.REASONS["archived"])
    if identities.identities([each.key for each in added]):
        raise CannotApply(judging.REASONS["id_taken"])
    billed = closed_until([subject.organization_id]).get(subject.organization_id)
    stored_at = storing.store(provider, added, id, billed=billed, now=now)
    _measure(correction, before, stands(id, correction.period_start, now))
    LIFECYCLE.move(correction, CorrectionStatus.APPROVED)
    correction.decided_by_id, correction.decided_at = user.id, stored_at
    _tell(correction, "usage_correction.approved", by, now)
    signals.usage_corrected.send(correction, at=now)


def reject(correction: UsageCorrection, *, answer: str, user: User, by: audit.Actor, now: datetime) -> None:
    """It is not to be, and its events may be corrected otherwise; its author withdraws it so. Raises AlreadyDecided."""
    db.lock(correction)
    if correction.status is not CorrectionStatus.PROPOSED:
        raise AlreadyDecided
    LIFECYCLE.move(correction, CorrectionStatus.REJECTED)
    correction.decided_by_id, correction.decided_at, correction.answer = user.id, now, answer.strip()[:NOTE_LIMIT]
    for each in _added(correction):
        each.open = False
    _tell(correction, "usage_correction.rejected", by, now)


@dataclass(frozen=True)
class _Month:
    """What is to be corrected in one billing month of one subscription."""

    subject: queries.Subject
    stand: MonthStand
    billed: Billed | None
    ready: list[Ready]


@dataclass(frozen=True)
class _Work:
    """One request on its way."""

    provider: Provider
    note: str
    reason: Reason
    author: Author
    now: datetime
    stands: Stands
    closed_until: ClosedUntil

    def months(self, ready: Sequence[Ready]) -> Iterable[_Month]:
        """The changes by subscription and billing month, in one order; what cannot be taken is judged so."""
        subjects = storing.held(self.provider, {one.event.subscription_id for one in ready})
        billed = self.closed_until({subject.organization_id for subject in subjects.values()})
        months: list[_Month] = []
        for one in sorted(ready, key=lambda each: (each.event.subscription_id, each.event.at)):
            subject, at = subjects[one.event.subscription_id], one.event.at
            if not months or months[-1].subject.id != subject.id or not months[-1].stand.period.contains(at):
                stand = self.stands(subject.id, at, self.now)
                months.append(_Month(subject, stand, billed.get(subject.organization_id), []))
            self._take(one, months[-1])
        return [month for month in months if month.ready]

    def do(self, month: _Month, *, dry_run: bool) -> None:
        """Try it, look at what it does, and keep it at once if that is little."""
        id, start = month.subject.id, month.stand.period.start
        correction, added = self._begun(month), [_event_of(one) for one in month.ready]
        before_it = unseen(id, start)
        with db.session.begin_nested() as trial:
            stored_at = storing.store(self.provider, added, id, billed=month.billed, now=self.now)
            after = self.stands(id, start, self.now)
            large = effects.is_large(month.stand, after, before_it)
            if large or dry_run:
                trial.rollback()
        if large or dry_run:
            for each in added:
                each.number = None
        _measure(correction, month.stand, after)
        if not dry_run:
            self._keep(correction, added, stored_at, large=large)
        for one in month.ready:
            one.judged.become(CorrectionStatus.PROPOSED if large else CorrectionStatus.APPROVED, correction)

    def _take(self, one: Ready, month: _Month) -> None:
        counted = judging.counted(one, self.provider, self.now)
        if not month.stand.reachable:
            one.judged.refuse(CorrectionRefused("too_old"))
        elif counters.overfull(counted):
            one.judged.refuse(EventRefused("too_large", "这一天的用量合计超出了上限，请检查单位。"))
        elif counters.crowded(counted):
            one.judged.refuse(EventRefused("too_many_slices"))
        else:
            month.ready.append(one)

    def _begun(self, month: _Month) -> UsageCorrection:
        return UsageCorrection(
            provider_id=self.provider.id, subscription_id=month.subject.id, reason=self.reason, note=self.note,
            period_start=month.stand.period.start, period_end=month.stand.period.end,
            author_id=self.author.user.id if self.author.user else None,
            key_id=self.author.key.id if self.author.key else None,
            status=LIFECYCLE.initial, proposed_at=self.now, answer="", size=len(month.ready),
        )  # fmt: skip

    def _keep(
        self, correction: UsageCorrection, added: Sequence[CorrectingEvent], stored_at: datetime, *, large: bool
    ) -> None:
        db.session.add(correction)
        db.session.flush()
        for each in added:
            each.correction_id = correction.id
        db.session.add_all(added)
        if large:
            _tell(correction, "usage_correction.proposed", self.author.actor, self.now)
            signals.correction_proposed.send(correction, at=self.now)
            return
        LIFECYCLE.move(correction, CorrectionStatus.APPROVED)
        correction.decided_at = stored_at
        _tell(correction, "usage_correction.made", self.author.actor, self.now)
        signals.usage_corrected.send(correction, at=self.now)


def _event_of(one: Ready) -> CorrectingEvent:
    change, event = one.judged.change, one.event
    return CorrectingEvent(
        key=one.key, payload=one.payload, source=change.source, event_id=change.id, kind=change.kind, corrects=event.id,
        type=event.type, at=event.at, old=event.data, data=one.data, open=True,
    )  # fmt: skip


def _added(correction: UsageCorrection) -> Sequence[CorrectingEvent]:
    query = select(CorrectingEvent).where(CorrectingEvent.correction_id == correction.id)
    return db.session.scalars(query.order_by(CorrectingEvent.key)).all()


def _measure(correction: UsageCorrection, before: MonthStand, after: MonthStand) -> None:
    effects_ = effects.between(before, after)
    correction.effects = [[each.meter_id, f"{each.before:f}", f"{each.after:f}"] for each in effects_]
    correction.before_fen, correction.after_fen, correction.billed = before.fen, after.fen, before.billed


def _tell(correction: UsageCorrection, action: str, by: audit.Actor, at: datetime) -> None:
    audit.record(
        action, correction, by=by, at=at, reason=correction.answer or correction.note,
        after={"reason": correction.reason.value, "events": correction.size, "change_fen": correction.change_fen},
    )  # fmt: skip


def _checked(note: str) -> str:
    note = " ".join(note.split()).replace("\0", "")
    if not note:
        raise Invalid(fields={"note": "写明哪里错了，客户会看到"})
    if len(note) > NOTE_LIMIT:
        raise Invalid(fields={"note": "最多 500 个字"})
    return note
