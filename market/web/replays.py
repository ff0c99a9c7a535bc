"""The words of a replay: what the same use costs on other plans, why, and what cannot be compared as it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from flask_babel import gettext as _

from market import billing, catalog, subscriptions
from market.billing import Difference, Gap, Lately, Reason, Replay, ReplayLine, Source, Used
from market.catalog import Counting, Offered, Plan
from market.kit import quantity
from market.kit.refusal import Refusal
from market.web import errors, formats

#: Guesses asked for on one page; those that make most plans comparable.
MOST_GUESSES = 8
LONGEST_NUMBER = 40
_PREFIX = "g."


@dataclass(frozen=True)
class Row:
    """A plan in the table; differences are to what the firm has, None for its own row and where it has nothing."""

    offered: Offered | None
    replay: Replay
    name: str
    provider: str
    fen: int | None = None
    year_fen: int | None = None

    @property
    def notes(self) -> list[str]:
        """What the amounts alone do not say."""
        replay, plan = self.replay, self.replay.plan
        told = []
        if replay.yearly_fen:
            told.append(_("其中年费 %(amount)s，管 12 个月", amount=formats.money(replay.yearly_fen)))
        if replay.once_fen:
            told.append(_("其中一次性费用 %(amount)s", amount=formats.money(replay.once_fen)))
        if plan.quantity_unit_zh:
            told.append(_("按 %(many)s 订", many=_many(replay.held, plan)))
        if {Source.GUESSED} < {line.used.source for line in replay.lines if line.used}:
            told.append(_("有些用量是您估的"))
        if plan.trial_days and not replay.own:
            told.append(_("另有 %(days)s 天免费试用，没有算进来", days=plan.trial_days))
        if plan.private:
            told.append(_("和贵企业商定的套餐"))
        return told


def rows(known: Lately, *, by: str = "") -> list[Row]:
    """What could be had instead, cheapest first: by the year, or by the months looked at."""
    rivals = sorted(known.rivals, key=lambda each: each[1].total_fen) if by == "months" else known.rivals
    own = known.own
    return [row(offered, found, own.total_fen, own.year_fen) for offered, found in rivals]


def row(offered: Offered, found: Replay, fen: int | None = None, year_fen: int | None = None) -> Row:
    """One plan, held against these amounts."""
    return Row(
        offered, found, name_of(offered), formats.local(offered.plan.offering.provider, "name"),
        None if fen is None else found.total_fen - fen, None if year_fen is None else found.year_fen - year_fen,
    )  # fmt: skip


def own_row(known: Lately) -> Row:
    """What the firm has."""
    one = known.subscription
    name = _("%(service)s · %(plan)s", service=formats.local(one.revision.facts, "name"), plan=formats.local(one.plan, "name"))
    return Row(None, known.own, name, formats.local(one.provider, "name"))


def name_of(offered: Offered) -> str:
    """A plan with the service it belongs to."""
    return _("%(service)s · %(plan)s", service=formats.local(offered._asdict(), "name"), plan=formats.local(offered.plan, "name"))


def signed(fen: int) -> str:
    """A difference in words: 少 ¥312.00."""
    if not fen:
        return _("一样")
    return _("少 %(amount)s", amount=formats.money(-fen)) if fen < 0 else _("多 %(amount)s", amount=formats.money(fen))


def months_named(months: Sequence[billing.Month]) -> str:
    """2026年8月–10月, with the days where the first or the last month is not whole."""
    if not months:
        return ""
    first, last = months[0], months[-1]
    if first.paid == first.whole and last.paid == last.whole and first.whole.is_month:
        return formats.month(first.whole) if first is last else _("%(first)s 到 %(last)s", first=formats.month(first.whole), last=formats.month(last.whole))
    return _("%(first)s 到 %(last)s", first=formats.date(first.paid.first_day), last=formats.date(last.paid.last_day))


def pauses(usage: billing.Usage) -> str:
    """How the days on which the firm paused count; empty where there are none."""
    return _("其中有 %(days)s 天暂停了。别的套餐也按同样的日子暂停来算。", days=usage.paused_days) if usage.paused_days else ""


def when(line: ReplayLine, usage: billing.Usage) -> str:
    """Which month a line is in, or which days of it; empty where there is only one month to be in."""
    month = usage.months[line.month]
    first, last = formats.date(line.service.first_day), formats.date(line.service.last_day)
    if line.paused:
        return _("暂停的 %(first)s 到 %(last)s", first=first, last=last)
    if line.interval == "month" and line.service != month.paid:
        return _("%(first)s 到 %(last)s", first=first, last=last)
    return formats.month(month.whole) if len(usage.months) > 1 else ""


def _many(number: int, plan: Plan) -> str:
    return formats.quantity(number, formats.local(plan, "quantity_unit"))


def verdict(known: Lately) -> list[str]:
    """The answer in a sentence or two; empty where nothing can be compared."""
    if not known.rivals:
        return []
    offered, best = known.rivals[0]
    own, names = known.own, {"plan": name_of(offered), "provider": formats.local(offered.plan.offering.provider, "name")}
    by_year = best.uneven or own.uneven
    mine, theirs = (own.year_fen, best.year_fen) if by_year else (own.total_fen, best.total_fen)
    amounts = {"theirs": formats.money(theirs), "mine": formats.money(mine), "amount": formats.money(abs(theirs - mine))}
    if theirs == mine:
        told = _("换成%(provider)s的“%(plan)s”，同样的用量要付的一样多。", **names)
    elif theirs > mine:
        told = _("现在的套餐最便宜。最接近的是%(provider)s的“%(plan)s”，同样的用量要多付 %(amount)s。", **names, **amounts)
    elif by_year:
        told = _("照这样用一年，%(provider)s的“%(plan)s”要付 %(theirs)s，比现在的 %(mine)s 少 %(amount)s。", **names, **amounts)
    else:
        told = _("同样的用量，%(provider)s的“%(plan)s”只要 %(theirs)s，比现在的 %(mine)s 少 %(amount)s。", **names, **amounts)
    return [told, *([_("有的套餐有年费或一次性费用，所以按一年来比。")] if by_year else []), *_because(own, best)]


def _because(own: Replay, best: Replay) -> Iterator[str]:
    """The things that make most of the difference."""
    if own.uneven or best.uneven:
        return
    most = sorted((each for each in billing.differences(own, best) if each.fen), key=lambda each: -abs(each.fen))[:3]
    if most:
        told = [_("%(thing)s：%(difference)s", thing=thing(each), difference=signed(each.fen)) for each in most]
        yield _("差在：%(things)s。", things=_("，").join(told))


def billed(known: Lately) -> list[str]:
    """How what is shown as its own cost relates to the bills, in sentences."""
    own, issued = known.own, known.billed
    missing = [n for n in range(len(known.months)) if n not in issued.months]
    shown = sum(own.fen_in(n) for n in issued.months)
    told = []
    if issued.months and shown == issued.fen and not issued.later:
        told.append(_("现在付的金额，和已经出的账单一分不差。"))
    for bill, fen in issued.later:
        told.append(
            _("出账以后用量有更正，%(month)s的账单上已经%(change)s。", month=formats.month(bill.period), change=_back(fen))
        )
    if rest := shown - issued.total_fen:
        told.append(_("出账以后又有更正，%(amount)s还没有出账。", amount=_back(rest)))
    if missing:
        named = _("、").join(formats.month(known.months[n].whole) for n in missing)
        told.append(_("%(months)s的账单还没有定稿，按现在记录的用量算。", months=named))
    return told


def _back(fen: int) -> str:
    return _("退回 %(amount)s", amount=formats.money(-fen)) if fen < 0 else _("补收 %(amount)s", amount=formats.money(fen))


def thing(difference: Difference) -> str:
    """What a difference is about."""
    fees = {"fee.month": _("每月固定费用"), "fee.year": _("年费"), "fee.once": _("一次性费用")}
    line = (difference.ours or difference.theirs)[0]
    return fees.get(difference.pair) or _line_name(line)


def _line_name(line: ReplayLine) -> str:
    return line.names[formats.language() == "en"] or line.names[0]


def basis(lines: Iterable[ReplayLine]) -> str:
    """What the other plan's lines were rated with, where it is not the very meter they price."""
    line = next(iter(lines), None)
    if line is None or line.used is None:
        return ""
    if line.used.source is Source.GUESSED:
        return _("按您估的用量算")
    meter = line.used.meter
    if meter is None or line.pair != f"counter.{meter.counter_id}" or line.used.source is Source.LISTED:
        return _("按您文件里的用量算")
    name = formats.local(meter, "name")
    return "" if name == _line_name(line) else _("按您的“%(name)s”算", name=name)


def why_not(found: Replay) -> list[str]:
    """Why a plan cannot be held against the usage as it is."""
    told = [_("它不计“%(name)s”，不知道是不是包含在内。", name=used_name(each)) for each in found.lacking]
    if found.lacking_unit:
        told.append(_("您现在按数量订（每%(unit)s），它不这样算，不知道够不够用。", unit=found.lacking_unit[formats.language() == "en"]))
    if found.too_many:
        most = subscriptions.most_of(found.plan) or 1
        told.append(_("它最多订 %(most)s，装不下您的 %(many)s。", most=_many(most, found.plan), many=_many(found.too_many, found.plan)))
    return told + [_gap(each) for each in found.gaps]


def used_name(used: Used) -> str:
    """What a kind of use is called where it was measured."""
    return formats.local(used.meter, "name") if used.meter else used.measure.unit


def _gap(gap: Gap) -> str:
    name = formats.local(gap.charge, "name") if gap.charge else ""
    unit = formats.local(gap.meter, "unit") if gap.meter else formats.local(gap.plan, "quantity_unit")
    match gap.reason:
        case Reason.NOT_COUNTED:
            return _("它按“%(name)s”（%(unit)s）收费，您的用量里没有这一项。", name=name, unit=unit)
        case Reason.UNCLEAR:
            return _("它按“%(name)s”（%(unit)s）收费，不清楚对应您的哪一项用量。", name=name, unit=unit)
        case Reason.A_PART:
            part = billing.picked(gap.charge.filter if gap.charge else None, formats.language())
            return _("它的“%(name)s”只对一部分用量收费（%(part)s），您的用量没有这样分开。", name=name, part=part)
        case Reason.HOW_MANY:
            return _("它按数量卖（每%(unit)s），不知道您要多少。", unit=unit)
        case Reason.TRANSACTIONS:
            return _("它的“%(name)s”按笔收费，不知道您有多少笔。", name=name)


@dataclass
class Guess:
    """One box: what a plan prices and the usage does not tell."""

    key: str
    label: str
    unit: str
    plans: int
    typed: str = ""
    value: Decimal | None = None
    errors: list[str] = field(default_factory=list)
    type: str = "QuantityField"
    id: str = ""

    @property
    def name(self) -> str:
        """Its name in the address."""
        return _PREFIX + self.key


@dataclass
class Guesses:
    """All boxes; can be walked like a form, so that the error summary shows it."""

    boxes: list[Guess]
    #: How many more things could be asked for.
    more: int = 0
    form_errors: list[str] = field(default_factory=list)

    def __iter__(self) -> Iterator[Guess]:
        return iter(self.boxes)

    @property
    def has_errors(self) -> bool:
        """Whether something has to be changed."""
        return any(box.errors for box in self.boxes)

    @property
    def values(self) -> dict[str, Decimal]:
        """What was guessed."""
        return {box.key: box.value for box in self.boxes if box.value is not None}

    @property
    def carried(self) -> dict[str, str]:
        """The same for an address."""
        return {box.name: box.typed for box in self.boxes if box.typed}


def guesses(found: Iterable[Replay], asked: Mapping[str, str]) -> Guesses:
    """A box for what most plans lack, filled with what was typed; `found` are replays without guesses."""
    gaps = [gap for each in found if not (each.lacking or each.lacking_unit or each.too_many) for gap in each.gaps]
    often = Counter(gap.key for gap in gaps)
    first = {gap.key: gap for gap in reversed(gaps)}
    # A gauge's count is no use without its amount, so they stay in the order in which plans ask for them.
    chosen = sorted(first, key=lambda key: (-often[key], gaps.index(first[key])))[:MOST_GUESSES]
    boxes = [_box(first[key], often[key], asked.get(_PREFIX + key, "")) for key in chosen]
    for number, box in enumerate(boxes, start=1):
        box.id = f"guess-{number}"
    return Guesses(boxes, more=len(first) - len(chosen))


def _box(gap: Gap, plans: int, typed: str) -> Guess:
    box = Guess(gap.key, *_asked(gap), plans, typed.strip()[:LONGEST_NUMBER])
    written = box.typed.replace(",", "").replace("，", "")
    if not written:
        return box
    try:
        box.value = quantity.parse(written)
    except Refusal as refusal:
        box.errors.append(_("%(label)s：%(problem)s", label=box.label, problem=errors.translate(refusal)))
        return box
    if box.value < 0:
        box.value = None
        box.errors.append(_("%(label)s不能小于 0", label=box.label))
    return box


def _asked(gap: Gap) -> tuple[str, str]:
    """What is asked for, and in what unit."""
    if gap.meter is None or gap.charge is None:
        return _("要多少"), formats.local(gap.plan, "quantity_unit")
    name = formats.local(gap.charge, "name")
    if gap.reason is Reason.TRANSACTIONS:
        return _("每月“%(name)s”有多少笔", name=name), _("笔")
    unit = catalog.unit_words(gap.meter)[formats.language() == "en"] if gap.shared else formats.local(gap.meter, "unit")
    match catalog.measure_of(gap.meter).counting:
        case Counting.LEVEL if gap.shared:
            return _("%(name)s，整月平均", name=name), unit
        case Counting.PEAK:
            return _("%(name)s，同时最多", name=name), unit
        case Counting.STANDING:
            return _("%(name)s，月底", name=name), unit
        case _:
            return _("每月%(use)s", use=name), unit
