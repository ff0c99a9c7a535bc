"""What came late or was corrected, in dated lines and as marks on the days it belongs to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from flask_babel import gettext as _

from market import metering
from market.billing import Course, LineKind
from market.console.scope import Scope
from market.kit.period import Period, local_day
from market.metering import Band, Kind, Remark, corrections, reconciliation
from market.metering.reconciliation import ReconciledDay
from market.web import corrections as words
from market.web import formats

#: What is used in one month may be reported so long after it.
REACH = timedelta(days=35)
#: Lines that are shown.
SHOWN = 20


@dataclass(frozen=True)
class Remarks:
    """`entries` are for the timeline component, newest first; `notes` say the same in short for a day of the month."""

    entries: Sequence[dict[str, Any]]
    notes: dict[date, str]
    #: How many entries are left out.
    left_out: int = 0
    #: Before this day usage came late, too, but so much that it was not counted.
    uncounted: date | None = None

    @classmethod
    def of(cls, scope: Scope, period: Period, course: Course) -> Remarks:
        """What is to be said about the use in this month, and about what was put on its bill for an earlier one."""
        ids = {each.line.subscription_id for each in course.lines}
        if not ids:
            return cls([], {})
        names = _names(scope)
        found = _known(metering.remarks(ids, period, reach=REACH), names)
        inside = [remark for remark in found if remark.day >= period.first_day]
        moved = [remark for remark in found if remark.day < period.first_day and period.contains(remark.noted_at)]
        entries = [_entry(remark, names[remark.subscription_id, remark.event_type]) for remark in [*moved, *inside]]
        made = corrections.made(ids, period)
        entries += words.entries(made, by={one.id: formats.local(one.provider, "name") for one in scope.mine.values()})
        entries.sort(key=lambda entry: entry["at"], reverse=True)
        notes = _notes(inside, words.notes(made, period), reconciliation.disputed_days(ids, period))
        entries = [*_adjusted(course), *entries]
        uncounted = max((remark.day for remark in inside if remark.more), default=None)
        return cls(entries[:SHOWN], notes, len(entries[SHOWN:]), uncounted)

    def on(self, day: date) -> str:
        """What is to be said about a day; empty for most."""
        return self.notes.get(day, "")


def _known(remarks: Sequence[Remark], names: Mapping[tuple[int, str], str]) -> list[Remark]:
    """Late usage of what is shown; corrections are told by those who made them."""
    return [one for one in remarks if one.kind is Kind.USAGE and (one.subscription_id, one.event_type) in names]


def _names(scope: Scope) -> dict[tuple[int, str], str]:
    """What is measured by the events of a type, as the buyer knows it."""
    return {
        (one.id, meter.event_type): formats.local(meter, "name")
        for id, one in scope.mine.items()
        if id in scope.ids
        for meter in scope.meters_of(one)
        if scope.meter in ("", meter.slug)
    }


def _entry(remark: Remark, name: str) -> dict[str, Any]:
    said = {"name": name, "count": remark.number, "date": formats.date(remark.day, short=True)}
    title = _("补报 %(date)s 的%(name)s，%(count)s 条以上的记录", **said) if remark.more else _("补报 %(date)s 的%(name)s，%(count)s 条记录", **said)
    if remark.band is Band.VERY_LATE:
        text = _("那个月的账单已经定稿，差额记在下一份账单里。")
    else:
        text = _("那个月的账单还没有定稿，已经算进去。")
    return {"at": remark.noted_at, "title": title, "text": text, "tone": "warn"}


def _adjusted(course: Course) -> list[dict[str, Any]]:
    """Lines of this month for the late usage of an earlier one."""
    return [
        {
            "title": _("补记 %(month)s 的用量", month=formats.month(local_day(each.line.service_start))),
            "text": _("%(name)s：出账后收到补报或更正，按新用量重算，差额在这份账单里。", name=formats.local(each.line.label, "charge")),
            "tone": "warn",
        }
        for each in course.lines
        if each.line.kind is LineKind.ADJUSTMENT
    ]


def _notes(
    remarks: Sequence[Remark], corrected: Mapping[date, Sequence[str]], disputed: Sequence[ReconciledDay]
) -> dict[date, str]:
    notes: dict[date, list[str]] = {}
    for remark in remarks:
        noted = formats.date(local_day(remark.noted_at), short=True)
        told = {"date": noted, "count": remark.number}
        note = _("%(date)s 收到补报 %(count)s 条以上的记录", **told) if remark.more else _("%(date)s 收到补报 %(count)s 条记录", **told)
        notes.setdefault(remark.day, []).append(note)
    for day, said in corrected.items():
        notes.setdefault(day, []).extend(said)
    for row in disputed:
        notes.setdefault(row.day, []).append(_("%(name)s有异议，核对中", name=formats.local(row.meter, "name")))
    return {day: _("，").join(each) for day, each in notes.items()}
