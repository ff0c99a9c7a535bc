"""Why a month costs more or less than the one before: line against line, each difference with its cause."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from statistics import median

from flask_babel import gettext as _

from market import billing, metering
from market.accounts import Organization
from market.billing import Course, LineCourse, LineKind, Words
from market.catalog import Aggregation
from market.kit.period import Period, days, local_day
from market.web import formats

#: A day stands out that has so many times what the days usually have.
OUTSTANDING = 2
#: So many days with usage say what is usual.
USUAL = 3
_ADDED_UP = frozenset({Aggregation.SUM, Aggregation.COUNT})


@dataclass(frozen=True)
class Change:
    """One difference: what it is about, what happened, what it came to before and comes to now."""

    what: str
    why: str
    before_fen: int
    now_fen: int
    #: The line whose quantity changed.
    used: LineCourse | None = None

    @property
    def fen(self) -> int:
        """How much dearer it makes the month."""
        return self.now_fen - self.before_fen


@dataclass(frozen=True)
class Peak:
    """A day on which far more was used than on the others."""

    on: date
    text: str


@dataclass(frozen=True)
class Comparison:
    """A month against the one before: up to the end of the same day (`days`), or whole (None)."""

    before: Period
    days: int | None
    before_fen: int
    now_fen: int
    #: What makes the difference first, then what works against it; the largest first.
    changes: Sequence[Change]
    peak: Peak | None

    @property
    def fen(self) -> int:
        """How much dearer the month is."""
        return self.now_fen - self.before_fen

    @property
    def sentence(self) -> str:
        """Dearer or cheaper, by how much, mainly why."""
        text = self._difference()
        if not self.fen or not self.changes or self.changes[0].fen * self.fen <= 0:
            return text
        main = self.changes[0]
        return _("%(text)s主要原因：%(what)s%(why)s（%(much)s）。", text=text, what=main.what, why=main.why, much=signed(main.fen))

    def _difference(self) -> str:
        said = {"month": formats.month(self.before), "amount": formats.money(abs(self.fen)), "days": self.days}
        if not self.fen:
            return _("前 %(days)s 天和 %(month)s同期一样多。", **said) if self.days else _("和 %(month)s一样多。", **said)
        if self.days:
            more, less = _("前 %(days)s 天比 %(month)s同期多 %(amount)s。", **said), _("前 %(days)s 天比 %(month)s同期少 %(amount)s。", **said)
        else:
            more, less = _("比 %(month)s多 %(amount)s。", **said), _("比 %(month)s少 %(amount)s。", **said)
        return more if self.fen > 0 else less


@dataclass(frozen=True)
class _Side:
    """One charge of one subscription in one of the months."""

    fen: int
    quantity: Decimal | None
    each: LineCourse

    def plus(self, other: _Side) -> _Side:
        """Two lines of one charge together; the later one tells terms and words."""
        quantity = None if other.quantity is None else other.quantity + (self.quantity or 0)
        return _Side(self.fen + other.fen, quantity, other.each)


_Key = tuple[int, str]
_Sides = Mapping[_Key, _Side]


def compare(
    organization: Organization, now: Course, before: Course, *, of: Period, until: date | None
) -> Comparison:
    """The differences between two courses; `until` is the last day of the later one that counts (None: whole months).

    `of` is the period of the earlier one. Both are compared after equally many days, so that a month that has only
    begun is not called cheap.
    """
    length = None if until is None else sum(day <= until for day, _fen in now.days)
    sides_now, sides_before = _sides(now, length), _sides(before, length)
    total_now, total_before = (sum(side.fen for side in sides.values()) for sides in (sides_now, sides_before))
    found = [change for change in _changes(organization, sides_before, sides_now, _trials(before)) if change.fen]
    upward = total_now >= total_before
    found.sort(key=lambda change: ((change.fen > 0) is not upward, -abs(change.fen)))
    return Comparison(of, length, total_before, total_now, found, _peak(found, until))


def signed(fen: int) -> str:
    """+¥94.00 or −¥94.00."""
    return f"+{formats.money(fen)}" if fen > 0 else formats.money(fen)


def _sides(course: Course, length: int | None) -> dict[_Key, _Side]:
    found: dict[_Key, _Side] = {}
    for each in course.lines:
        line = each.line
        if "trial" in line.label or not each.stands:
            continue
        stand = each.stands[-1 if length is None else min(length, len(each.stands)) - 1]
        late = f"{line.service_start:%Y-%m}" if line.kind is LineKind.ADJUSTMENT else ""
        key = line.subscription_id, f"{line.label['charge_zh']} {line.terms.get('interval', '')} {late}"
        side = _Side(stand.fen, stand.quantity, each)
        found[key] = found[key].plus(side) if key in found else side
    return found


def _trials(course: Course) -> set[int]:
    """Subscriptions that were on trial."""
    return {each.line.subscription_id for each in course.lines if "trial" in each.line.label}


def _changes(organization: Organization, before: _Sides, now: _Sides, trials: set[int]) -> Iterator[Change]:
    named = _Names([*before.values(), *now.values()])
    known = {key[0] for key in before}
    kept = {key[0] for key in now}
    for key in now.keys() & before.keys():
        yield from _paired(organization, named, before[key], now[key])
    for id in kept - known:
        fen = sum(side.fen for key, side in now.items() if key[0] == id)
        why = _("试用结束，开始收费") if id in trials else _("是新开通的")
        yield Change(named.service(id), why, 0, fen)
    for id in known - kept:
        fen = sum(side.fen for key, side in before.items() if key[0] == id)
        yield Change(named.service(id), _("停用了"), fen, 0)
    for key in now.keys() - before.keys():
        if key[0] in known:
            yield Change(named.charge(now[key]), _appeared(now[key]), 0, now[key].fen)
    for key in before.keys() - now.keys():
        if key[0] in kept:
            yield Change(named.charge(before[key]), _disappeared(before[key]), before[key].fen, 0)


def _paired(organization: Organization, named: _Names, before: _Side, now: _Side) -> Iterator[Change]:
    """A charge that both months have: what its new price makes, then what the use makes."""
    what, between = named.charge(now), before.fen
    if now.each.line.terms != before.each.line.terms:
        between = billing.recompute(now.each.line, organization, quantity=before.quantity).fen
        yield Change(what, _("价格变了"), before.fen, between)
    if now.quantity is None:
        yield Change(what, _("收费的天数不同"), between, now.fen)
    else:
        why = _used(before, now)
        # With volume prices more use can cost less, since all of it moves to another tier.
        if (now.fen - between) * ((now.quantity or 0) - (before.quantity or 0)) < 0:
            why = _("%(why)s，整体换到了另一档单价", why=why)
        yield Change(what, why, between, now.fen, now.each)


def _used(before: _Side, now: _Side) -> str:
    """多用了 188 GB, and that this went past what the plan includes."""
    now_used, before_used = now.quantity or Decimal(0), before.quantity or Decimal(0)
    if now_used == before_used:
        return _("套餐包含的用量不同")
    unit = formats.local(now.each.line.label, "unit")
    much = formats.quantity(formats.about(abs(now_used - before_used)), unit)
    if now_used < before_used:
        return _("少用了 %(much)s", much=much)
    included = now.each.rated.included
    if included and before_used <= included < now_used:
        return _("多用了 %(much)s，超过了套餐包含的 %(included)s", much=much, included=formats.quantity(included, unit))
    return _("多用了 %(much)s", much=much)


def _appeared(side: _Side) -> str:
    line = side.each.line
    if line.kind is LineKind.ADJUSTMENT:
        return _("补记 %(month)s 的用量", month=formats.month(local_day(line.service_start)))
    if side.fen < 0:
        return _("退回了预付的费用")
    return {"once": _("是一次性费用"), "year": _("是整年预付的费用")}.get(str(line.terms.get("interval")), _("是新的收费项目"))


def _disappeared(side: _Side) -> str:
    line = side.each.line
    if line.kind is LineKind.ADJUSTMENT:
        return _("上个月补记过 %(month)s 的用量", month=formats.month(local_day(line.service_start)))
    known = {"once": _("是上个月的一次性费用"), "year": _("是上个月预付的整年费用")}
    return known.get(str(line.terms.get("interval")), _("这个月没有这一项"))


def _peak(changes: Sequence[Change], until: date | None) -> Peak | None:
    """The day that stands out of the use that made the month dearer."""
    main = changes[0] if changes else None
    if main is None or main.fen <= 0 or main.used is None or main.used.meter is None or main.used.meter.aggregation not in _ADDED_UP:
        return None
    used = [(quantity, day) for day, quantity in main.used.daily if quantity > 0 and (until is None or day <= until)]
    if len(used) < USUAL + 1:
        return None
    most, on = max(used)
    usual = median(quantity for quantity, day in used if day != on)
    if most < OUTSTANDING * usual:
        return None
    text = _(
        "其中 %(date)s 一天用了 %(quantity)s，是平常的 %(times)s 倍。",
        date=formats.date(on, short=True), times=formats.quantity(round(most / usual, 1)),
        quantity=formats.quantity(formats.about(most), formats.local(main.used.line.label, "unit")),
    )  # fmt: skip
    return Peak(on, text + _who(main.used, on, most))


def _who(used: LineCourse, on: date, most: Decimal) -> str:
    """Whose use the day mostly was, where the meter tells that."""
    if used.meter is None or not used.meter.dimensions:
        return ""
    parts = metering.grouped([used.line.subscription_id], used.meter, days(on, on), by=used.meter.dimensions[:1])
    quantity, value = max(((quantity, values[0] or "") for (_id, values), quantity in parts.items()), default=(Decimal(0), ""))
    if not value or quantity * 2 < most:
        return ""
    unit = formats.local(used.line.label, "unit")
    return _("大部分来自 %(who)s（%(quantity)s）。", who=value, quantity=formats.quantity(formats.about(quantity), unit))


class _Names:
    """What lines are called: the service is named where there are several."""

    def __init__(self, sides: Iterable[_Side]) -> None:
        words = Words(formats.language())
        self._services = {side.each.line.subscription_id: words.local(side.each.line.label, "offering") for side in sides}

    def service(self, id: int) -> str:
        return _("“%(name)s”", name=self._services[id])

    def charge(self, side: _Side) -> str:
        charge = formats.local(side.each.line.label, "charge")
        if len(self._services) == 1:
            return charge
        return _("“%(name)s”的%(charge)s", name=self._services[side.each.line.subscription_id], charge=charge)
