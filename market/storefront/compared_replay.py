"""Services side by side, priced on real use: the firm's own last months, or a file of hers; and what the difference is.

Only people who may see their firm's money are offered either. The address says which months are meant and of which
subscription, never an amount: whoever opens it sees the use of her own firm.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from flask_babel import gettext as _

from market import billing, catalog
from market.accounts import Organization
from market.billing import Lately, Replay, ReplayLine, Usage
from market.catalog import Offered, Offering
from market.storefront import lately
from market.subscriptions import Subscription
from market.web import formats, login
from market.web import replays as words
from market.web.replays import Guesses, Row

#: What is offered beside the subscription that is looked at.
MOST_OTHERS = 8
_TYPED_USE = "u."


class By(StrEnum):
    """What the columns are priced on."""

    TYPED = "typed"
    MINE = "mine"
    FILE = "file"


@dataclass(frozen=True)
class Choice:
    """What the address asks for, as far as this visitor can have it; `note` says what she cannot."""

    by: By = By.TYPED
    firm: Organization | None = None
    subscription: Subscription | None = None
    #: Everything of hers that could be looked at instead.
    candidates: Sequence[Subscription] = ()
    note: str = ""


def choose(offerings: Sequence[Offering], asked: Mapping[str, str], *, now: datetime, by: By | None = None) -> Choice:
    """The firm's own months where there are any and no use was typed, or what is said; who may not see money types one."""
    wanted, firm = asked.get("use", ""), lately.reader()
    if firm is None:
        return Choice(note=_not_hers() if wanted == By.MINE else "")
    found = [one for one in lately.like(firm, {lately.kind_of(each) for each in offerings}) if billing.months_of(firm, one, now=now)]
    kinds, compared = [lately.kind_of(each) for each in offerings], [each.id for each in offerings]
    # What most columns can be priced on, and of that what is compared itself.
    found.sort(key=lambda one: (-kinds.count(str(one.revision.facts.get("subcategory"))), one.plan.offering_id not in compared))
    named = [one for one in found if one.public_id == asked.get("of", "")]
    one = next(iter(named or found), None)
    typed = wanted == By.TYPED or any(key.startswith(_TYPED_USE) for key in asked)
    if by is not None:
        return Choice(by, firm, one, found)
    if one is not None and (wanted == By.MINE or not typed):
        return Choice(By.MINE, firm, one, found)
    note = _("贵企业还没有用满一个账单月的同类服务，所以没有真实的用量可以比。") if wanted == By.MINE else ""
    return Choice(By.TYPED, firm, one, found, note)


def _not_hers() -> str:
    if login.viewer() is None:
        return _("登录以后才能按贵企业的用量算。下面按一般的用量算。")
    return _("只有能看贵企业金额的人才能按企业的用量算。下面按一般的用量算。")


@dataclass(frozen=True)
class Column:
    """A service, held at one of its plans; without a row `why` says what keeps it from being priced on this use."""

    offering: Offering | None
    service: str
    provider: str
    plan: str
    row: Row | None = None
    why: Sequence[str] = ()
    #: Whether it is what the firm has now.
    now: bool = False

    @property
    def replay(self) -> Replay | None:
        """Its amounts."""
        return self.row.replay if self.row else None


@dataclass(frozen=True)
class Amount:
    """What a column comes to, and how much more that is than what it is held against; None: it is that."""

    fen: int
    more_fen: int | None
    best: bool = False


@dataclass(frozen=True)
class AmountRow:
    """One month, all of them, or a year; None where a column cannot be priced."""

    label: str
    amounts: Sequence[Amount | None]


@dataclass(frozen=True)
class Part:
    """What a column charges for one thing: its lines, and how much more that is."""

    lines: Sequence[ReplayLine]
    fen: int
    more_fen: int | None
    basis: str = ""


@dataclass(frozen=True)
class Thing:
    """One thing that is charged for, by every column."""

    label: str
    parts: Sequence[Part | None]


@dataclass(frozen=True)
class Compared:
    """The columns with their amounts; `base` is what the others are held against: what she has, else the cheapest."""

    usage: Usage
    columns: Sequence[Column]
    boxes: Guesses = field(default_factory=lambda: Guesses([]))
    known: Lately | None = None
    verdict: Sequence[str] = ()

    @property
    def base(self) -> Replay | None:
        """What the others are held against."""
        if self.known:
            return self.known.own
        found = [column.replay for column in self.columns if column.replay]
        return min(found, key=lambda each: (each.year_fen, each.total_fen), default=None)

    @property
    def tells(self) -> bool:
        """Whether there is any other than what she has to be priced."""
        return any(column.row and not column.now for column in self.columns)

    @property
    def unpriced(self) -> list[tuple[str, Sequence[str]]]:
        """What cannot be priced on this use, and why."""
        columns = [column for column in self.columns if column.row is None]
        return [(" · ".join(filter(None, (column.service, column.plan))), column.why) for column in columns]

    @property
    def amounts(self) -> Iterator[AmountRow]:
        """All months together, each of them, and a year."""
        months = self.usage.months
        # Where some fees come once or every year, a few months do not say what costs least.
        even = not any(each.uneven for each in self._replays if each)
        yield self._row(_("一共"), [each.total_fen if each else None for each in self._replays], best=even)
        for number, month in enumerate(months if len(months) > 1 else ()):
            named = words.months_named([month])
            yield self._row(named, [each.fen_in(number) if each else None for each in self._replays])
        yield self._row(_("照这样用一年"), [each.year_fen if each else None for each in self._replays], best=True)

    @property
    def things(self) -> Iterator[Thing]:
        """Line by line what makes the difference; the differences add up to that of the totals."""
        base = self.base
        if base is None:
            return
        each = [{one.pair: one for one in billing.differences(base, found)} if found else None for found in self._replays]
        pairs = dict.fromkeys(pair for those in each if those for pair in those)
        for pair in sorted(pairs, key=lambda pair: not pair.startswith("fee.")):
            known = [those.get(pair) if those else None for those in each]
            one = next(found for found in known if found)
            yield Thing(words.thing(one), [self._part(found, replay) for found, replay in zip(known, self._replays, strict=True)])

    @property
    def _replays(self) -> list[Replay | None]:
        return [column.replay for column in self.columns]

    def _row(self, label: str, told: Sequence[int | None], *, best: bool = False) -> AmountRow:
        amounts = [fen for fen in told if fen is not None]
        least = min(amounts, default=0) if best and len(set(amounts)) > 1 else None
        base = next((fen for fen, replay in zip(told, self._replays, strict=True) if replay is self.base), None)
        return AmountRow(label, [
            None if fen is None else Amount(fen, None if replay is self.base or base is None else fen - base, fen == least)
            for fen, replay in zip(told, self._replays, strict=True)
        ])  # fmt: skip

    def _part(self, found: billing.Difference | None, replay: Replay | None) -> Part | None:
        if replay is None:
            return None
        if found is None:
            return Part((), 0, None if replay is self.base else 0)
        if replay is self.base:
            return Part(found.ours, sum(line.fen for line in found.ours), None)
        return Part(found.theirs, sum(line.fen for line in found.theirs), found.fen, words.basis(found.theirs))


def of_months(offerings: Sequence[Offering], choice: Choice, named: Mapping[str, str], asked: Mapping[str, str], *, now: datetime) -> Compared:
    """The firm's own months on every column, with what it really pays as the first where that is not among them."""
    assert choice.firm is not None and choice.subscription is not None
    (plain,) = billing.lately(choice.firm, [choice.subscription], now=now)
    pairs = _pairs(offerings, named, zip(plain.offered, plain.replays, strict=True))
    boxes = words.guesses([found for _offered, found in pairs], asked)
    known = plain.guessing(boxes.values)
    now_paid = _now(known)
    columns = [_own(offering, known, now_paid, named) or _column(offering, named, zip(known.offered, known.replays, strict=True), known) for offering in offerings]
    shown = [(column.row.offered, column.row.replay) for column in columns if column.row and column.row.offered]
    told = replace(known, offered=tuple(offered for offered, _found in shown), replays=tuple(found for _offered, found in shown))
    if not any(column.now for column in columns):
        columns.insert(0, now_paid)
    return Compared(known.usage, columns, boxes, known, words.verdict(told))


def of_file(offerings: Sequence[Offering], offered: Sequence[Offered], usage: Usage, named: Mapping[str, str], asked: Mapping[str, str]) -> Compared:
    """What was used somewhere else on every column, held against the cheapest of them."""
    plans = [each.plan for each in offered]
    pairs = _pairs(offerings, named, zip(offered, billing.replay(usage, plans), strict=True))
    boxes = words.guesses([found for _offered, found in pairs], asked)
    guessed = usage.guessing(boxes.values)
    found = list(zip(offered, billing.replay(guessed, plans), strict=True))
    return Compared(guessed, [_column(offering, named, found) for offering in offerings], boxes)


def plans_of(offerings: Sequence[Offering], firm: Organization) -> list[Offered]:
    """Every plan of these services that the firm can have, with what the catalogue says of it."""
    ids = {offering.id for offering in offerings}
    offered = catalog.plans_on_sale({lately.kind_of(offering) for offering in offerings}, to=firm)
    return [each for each in offered if each.plan.offering_id in ids]


_Found = Iterable[tuple[Offered, Replay]]


def _pairs(offerings: Sequence[Offering], named: Mapping[str, str], found: _Found) -> list[tuple[Offered, Replay]]:
    known = list(found)
    return [pair for offering in offerings for pair in _of(offering, named, known)]


def _of(offering: Offering, named: Mapping[str, str], found: _Found) -> list[tuple[Offered, Replay]]:
    """The plans of a service that may stand in its column: the one the address names, else all."""
    all_plans = [pair for pair in found if pair[0].plan.offering_id == offering.id]
    wanted = named.get(offering.slug, "")
    return [pair for pair in all_plans if pair[0].plan.slug == wanted] or all_plans


def _now(known: Lately) -> Column:
    row, one = words.own_row(known), known.subscription
    return Column(None, formats.local(one.revision.facts, "name"), row.provider, formats.local(one.plan, "name"), row, now=True)


def _own(offering: Offering, known: Lately, now_paid: Column, named: Mapping[str, str]) -> Column | None:
    """What the firm has, where it is this service's and no other plan of it is asked for."""
    one, wanted = known.subscription, named.get(offering.slug, "")
    if one.plan.offering_id != offering.id:
        return None
    others = {each.plan.slug for each in known.offered if each.plan.offering_id == offering.id and each.plan.id != one.plan_id}
    return None if wanted in others else replace(now_paid, offering=offering)


def _column(offering: Offering, named: Mapping[str, str], found: _Found, known: Lately | None = None) -> Column:
    """The cheapest plan that can be priced, else why the first one cannot."""
    service, provider = formats.local(catalog.shown_revision(offering).facts, "name"), formats.local(offering.provider, "name")
    pairs = _of(offering, named, found)
    priced = sorted((pair for pair in pairs if pair[1].comparable), key=lambda pair: (pair[1].year_fen, pair[1].total_fen))
    if priced:
        (offered, replay), own = priced[0], known.own if known else None
        row = words.row(offered, replay, own.total_fen if own else None, own.year_fen if own else None)
        return Column(offering, service, provider, formats.local(offered.plan, "name"), row)
    if pairs:
        offered, replay = pairs[0]
        return Column(offering, service, provider, formats.local(offered.plan, "name"), why=words.why_not(replay))
    return Column(offering, service, provider, "", why=[_no_plan(offering, known)])


def _no_plan(offering: Offering, known: Lately | None) -> str:
    if known and lately.kind_of(offering) != str(known.subscription.revision.facts.get("subcategory")):
        name = formats.local(known.subscription.revision.facts, "name")
        return _("它是另一类服务，您在“%(name)s”的用量不能按它的价格算。", name=name)
    return _("现在没有可订阅的套餐。")
