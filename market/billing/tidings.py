"""Why an earlier month is billed once more, in words: what came late on which day, what was corrected and for what reason.

Copied into the label of an adjustment when it is drawn up, so that a bill says the same for ever.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime

from sqlalchemy import func, select

from market import db, metering
from market.billing import usage
from market.billing.lines import LineDraft
from market.billing.models import Bill, BillLine, BillStatus
from market.billing.wording import Words
from market.catalog import Charge
from market.kit.period import Period, local_day
from market.metering import Kind, Remark, corrections
from market.metering.corrections import UsageCorrection

#: SQLite puts 500 questions into one statement at most.
AT_ONCE = 100
#: Dated entries that a line tells; its own page tells all.
MOST = 4
#: Corrections of so many firms at once that are looked at.
_MOST_CORRECTIONS = 10_000

_Service = tuple[int, int, datetime]


def labelled(lines: Sequence[LineDraft], *, cutoff: datetime) -> list[LineDraft]:
    """These adjustments with what brought them about; one that nothing is known of any more stays as it is."""
    if not lines:
        return []
    charges, before = usage.charges_of(line.charge_id for line in lines), _known_before(lines)
    late, corrected = _late(lines), _corrected(lines)
    return [
        _told(
            line, charges[line.charge_id], before.get(_service(line), line.service_end), cutoff,
            late[line.subscription_id], corrected[line.subscription_id],
        )
        for line in lines
    ]  # fmt: skip


def _told(
    line: LineDraft, charge: Charge, since: datetime, until: datetime, late: Iterable[Remark], corrected: Iterable[UsageCorrection]
) -> LineDraft:
    """What came in after the last bill that knew of this service, up to now."""
    service = Period(line.service_start, line.service_end)
    days: dict[date, int] = defaultdict(int)
    for each in late:
        inside = service.first_day <= each.day <= service.last_day and since < each.noted_at <= until
        if inside and charge.meter and each.event_type == charge.meter.event_type:
            days[local_day(each.noted_at)] += each.number
    made = [each for each in corrected if since < (each.decided_at or each.proposed_at) <= until and touches(each, charge, service)]
    label = dict(line.label)
    for locale in ("zh", "en"):
        words = Words(locale)
        if told := [*_dated(words, days), *_reasons(words, made)]:
            more = [words.say("news.more", number=len(told) - MOST)] if len(told) > MOST else []
            label[f"news_{locale}"] = words.say("news.and").join([*told[:MOST], *more])
    return replace(line, label=label)


def _dated(words: Words, days: Mapping[date, int]) -> Iterator[str]:
    for day, number in sorted(days.items()):
        yield words.say("news.late", date=words.date(day), number=f"{number:,}")


def _reasons(words: Words, made: Iterable[UsageCorrection]) -> Iterator[str]:
    for each in sorted(made, key=lambda each: each.decided_at or each.proposed_at):
        day = words.date(local_day(each.decided_at or each.proposed_at))
        yield words.say("news.corrected", date=day, reason=words.say(f"reason.{each.reason.value}"))


def touches(correction: UsageCorrection, charge: Charge, service: Period) -> bool:
    """Whether a correction moved what the charge prices, in these days."""
    moved = {effect.meter_id for effect in correction.moved}
    counted = charge.meter is not None and charge.meter.counter_id in moved
    return (counted or charge.meter_id in moved) and any(service.contains(event.at) for event in correction.events)


def _late(lines: Sequence[LineDraft]) -> Mapping[int, list[Remark]]:
    found: dict[int, list[Remark]] = defaultdict(list)
    span = Period(min(line.service_start for line in lines), max(line.service_end for line in lines))
    for some in _some({line.subscription_id for line in lines}):
        for remark in metering.remarks(some, span):
            if remark.kind is Kind.USAGE:
                found[remark.subscription_id].append(remark)
    return found


def _corrected(lines: Sequence[LineDraft]) -> Mapping[int, list[UsageCorrection]]:
    found: dict[int, list[UsageCorrection]] = defaultdict(list)
    span = Period(min(line.service_start for line in lines), max(line.service_end for line in lines))
    for each in corrections.made({line.subscription_id for line in lines}, span, most=_MOST_CORRECTIONS):
        found[each.subscription_id].append(each)
    return found


def _known_before(lines: Sequence[LineDraft]) -> Mapping[_Service, datetime]:
    """Up to when the last issued bill knew of each service."""
    key = BillLine.subscription_id, BillLine.charge_id, BillLine.service_start
    query = select(*key, func.max(Bill.cutoff)).select_from(BillLine).join(BillLine.bill).group_by(*key)
    query = query.where(BillLine.subscription_id.in_({line.subscription_id for line in lines}), BillLine.quantity.is_not(None))
    query = query.where(Bill.status.not_in([BillStatus.DRAFT, BillStatus.VOID]))
    return {(one, two, start): cutoff for one, two, start, cutoff in db.session.execute(query)}


def _service(line: LineDraft) -> _Service:
    return line.subscription_id, line.charge_id, line.service_start


def _some(ids: Iterable[int]) -> Iterator[list[int]]:
    ordered = sorted(ids)
    yield from (ordered[start : start + AT_ONCE] for start in range(0, len(ordered), AT_ONCE))
