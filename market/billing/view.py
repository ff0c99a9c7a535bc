"""One view model of a bill for page, print and PDF: every word and figure as it is shown.

Strings only (and fen beside them where a page needs to compare), so no two faces can differ by a fen.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import groupby
from typing import Any

from market import rating
from market.billing import parties
from market.billing.models import Bill, BillLine, BillStatus, LineKind
from market.billing.parts import GroupKey, Part, all_of, key_of
from market.billing.wording import Words, amount, percent, price
from market.kit import money, quantity
from market.kit.period import Period, local_day


@dataclass(frozen=True, slots=True)
class Receipt:
    """Money that has arrived, as payments tell it."""

    amount_fen: int
    arrived_on: date
    #: Who is named by a transfer; else by what it was paid.
    payer: str
    way: str = ""


@dataclass(frozen=True, slots=True)
class Drawn:
    """What was paid out of the buyer's balance, and when."""

    amount_fen: int
    used_on: date


@dataclass(frozen=True, slots=True)
class Reopened:
    """What had paid the bill and went away again, so that it is asked for anew."""

    amount_fen: int
    reopened_on: date


@dataclass(frozen=True, slots=True)
class Noted:
    """A credit note of the bill: what it took off what was to be paid, and what it gave back otherwise."""

    number: str
    issued_on: date
    gross_fen: int
    offset_fen: int
    balance_fen: int
    refund_fen: int


@dataclass(frozen=True, slots=True)
class Row:
    """One line: what it is for, how it was worked out, and its three amounts."""

    id: int
    offering: str
    charge: str
    plan: str
    subscription: str
    service: str
    used: str
    working: tuple[str, ...]
    net: str
    tax: str
    gross: str
    gross_fen: int


@dataclass(frozen=True, slots=True)
class Group:
    """One provider's lines at one tax rate; a provider with several rates has several, one after the other."""

    same_seller: bool
    #: Whether its last line is here, so that its sum follows.
    ended: bool
    seller: str
    seller_code: str
    subtotal: str
    rate: str
    rows: tuple[Row, ...]
    net: str
    tax: str
    gross: str


@dataclass(frozen=True, slots=True)
class BillView:
    """A bill as it is read. `texts` are the document's own words by key.

    Where not all of its lines are here, `part` says which are, and `summary` has the sums of all groups, without rows.
    """

    locale: str
    title: str
    number: str
    state: str
    status: str
    draft: bool
    buyer: tuple[str, ...]
    payee: tuple[str, ...]
    span: tuple[str, ...]
    note: str
    cutoff: str
    groups: tuple[Group, ...]
    part: str
    summary: tuple[Group, ...]
    net: str
    tax: str
    gross: str
    capital: str
    paid: str
    credited: str
    returned: str
    owed: str
    owed_fen: int
    payments: tuple[str, ...]
    notes: tuple[str, ...]
    texts: Mapping[str, str]
    issued_on: date | None

    def as_json(self) -> dict[str, Any]:
        """Plain values for the PDF."""
        return asdict(self) | {"issued_on": self.issued_on.isoformat() if self.issued_on else ""}


_TEXTS = (
    "number", "state", "buyer", "payee", "period", "column.what", "column.how", "column.net", "column.tax",
    "column.gross", "total", "capital", "paid", "credited", "returned", "owed", "payments", "payments.none", "notes",
)  # fmt: skip


def view(
    bill: Bill,
    locale: str = "zh",
    *,
    receipts: Iterable[Receipt] = (),
    drawn: Iterable[Drawn] = (),
    reopened: Iterable[Reopened] = (),
    noted: Iterable[Noted] = (),
    part: Part | None = None,
) -> BillView:
    """A stored bill; needs its organization, lines and taxes, as `bill_of` and `bill_for` load them, or a `part` of the lines.

    A draft shows the parties of now, an issued bill those of then.
    """
    words, part = Words(locale), part or all_of(bill)
    draft = bill.status is BillStatus.DRAFT
    names = bill.parties or parties.snapshot(bill.organization, [tax.provider_id for tax in bill.taxes])
    return BillView(
        locale=words.locale,
        title=words.say("title.draft" if draft else "title"),
        number=bill.number or "",
        state=words.state(bill.status),
        status=bill.status.value,
        draft=draft,
        buyer=_firm(words, names["buyer"]),
        payee=_payee(words, names["payee"]),
        span=_span(words, bill),
        note=words.say("draft_note" if draft else "not_fapiao"),
        cutoff=words.say("cutoff", moment=words.moment(bill.cutoff)),
        groups=tuple(_groups(words, bill, names["providers"], part)),
        part="" if part.whole else _shown(words, part),
        summary=() if part.whole else tuple(_summary(words, bill, names["providers"], part)),
        net=amount(bill.net_fen),
        tax=amount(bill.tax_fen),
        gross=amount(bill.gross_fen),
        capital=money.capital(bill.gross_fen),
        paid=amount(bill.paid_fen),
        credited=amount(-bill.credited_fen) if bill.credited_fen else "",
        returned=amount(bill.returned_fen) if bill.returned_fen else "",
        owed=amount(bill.owed_fen),
        owed_fen=bill.owed_fen,
        payments=tuple(_payments(words, drawn, receipts, reopened)),
        notes=tuple(_note(words, each) for each in noted),
        texts={key.replace(".", "_"): words.say(key) for key in _TEXTS},
        issued_on=local_day(bill.issued_at) if bill.issued_at else None,
    )


def _firm(words: Words, firm: Mapping[str, str]) -> tuple[str, ...]:
    return (firm["name"], *([words.say("uscc", uscc=firm["uscc"])] if firm["uscc"] else []))


def _payee(words: Words, payee: Mapping[str, str]) -> tuple[str, ...]:
    return payee["name"], words.say("bank", bank=payee["bank"]), words.say("account", account=payee["account"])


def _span(words: Words, bill: Bill) -> tuple[str, ...]:
    told = [words.span(bill.period)]
    if bill.issued_at:
        told.append(words.say("issued", date=words.date(local_day(bill.issued_at))))
    if bill.due_at and bill.gross_fen:
        told.append(words.say("due", date=words.date(local_day(bill.due_at))))
    return tuple(told)


def _payments(
    words: Words, drawn: Iterable[Drawn], receipts: Iterable[Receipt], reopened: Iterable[Reopened]
) -> list[str]:
    """What was paid and what of it went away, in the order of the days."""
    told = [(each.used_on, _paid(words, "balance", each.used_on, each.amount_fen)) for each in drawn]
    for each in receipts:
        key = "payment.way" if each.way else "payment"
        told.append((each.arrived_on, _paid(words, key, each.arrived_on, each.amount_fen, payer=each.payer, way=each.way)))
    told += [(each.reopened_on, _paid(words, "reopened", each.reopened_on, each.amount_fen)) for each in reopened]
    return [line for _, line in sorted(told, key=lambda each: each[0])]


def _paid(words: Words, key: str, day: date, fen: int, **more: str) -> str:
    return words.say(key, date=words.date(day), amount=price(fen), **more)


def _note(words: Words, noted: Noted) -> str:
    """A credit note and where its money went."""
    ways = (("note.offset", noted.offset_fen), ("note.balance", noted.balance_fen), ("note.refund", noted.refund_fen))
    went = words.say("note.and").join(words.say(key, amount=price(fen)) for key, fen in ways if fen)
    return words.say("note", number=noted.number, date=words.date(noted.issued_on), amount=price(noted.gross_fen), went=went)


def _shown(words: Words, part: Part) -> str:
    """Which lines are here; where none is, where they are to be found."""
    if not part.lines:
        return words.say("part.none", total=f"{part.total:,}")
    first, last = part.start + 1, part.start + len(part.lines)
    return words.say("part.some", first=f"{first:,}", last=f"{last:,}", total=f"{part.total:,}")


def _groups(words: Words, bill: Bill, sellers: Mapping[str, Mapping[str, str]], part: Part) -> Iterable[Group]:
    """Lines by provider and rate; the sums are the ones a fapiao will state."""
    before = None
    for key, lines in groupby(part.lines, key_of):
        rows = tuple(_row(words, line, bill.period) for line in lines)
        yield _group(words, bill, sellers, key, rows, same_seller=key[0] == before, ended=part.ended(key))
        before = key[0]


def _summary(words: Words, bill: Bill, sellers: Mapping[str, Mapping[str, str]], part: Part) -> Iterable[Group]:
    """Every provider and rate with its sums, and how many lines they are made of."""
    before = None
    for key, number in part.sizes.items():
        group = _group(words, bill, sellers, key, (), same_seller=key[0] == before, ended=True)
        yield replace(group, subtotal=words.say("subtotal.lines", rate=group.rate, number=f"{number:,}"))
        before = key[0]


def _group(
    words: Words, bill: Bill, sellers: Mapping[str, Mapping[str, str]], key: GroupKey, rows: tuple[Row, ...], *, same_seller: bool, ended: bool
) -> Group:
    seller = sellers[str(key[0])]
    tax = next(tax for tax in bill.taxes if (tax.provider_id, Decimal(tax.tax_rate)) == key)
    name = words.local(seller, "name")
    return Group(
        same_seller=same_seller,
        ended=ended,
        seller=words.say("seller", name=name if name == seller["name"] else f"{name} · {seller['name']}"),
        seller_code=words.say("seller.uscc", uscc=seller["uscc"]) if seller["uscc"] else "",
        subtotal=words.say("subtotal", rate=percent(tax.tax_rate)),
        rate=percent(tax.tax_rate),
        rows=rows,
        net=amount(tax.net_fen),
        tax=amount(tax.tax_fen),
        gross=amount(tax.gross_fen),
    )


def _row(words: Words, line: BillLine, period: Period) -> Row:
    label, service = line.label, Period(line.service_start, line.service_end)
    return Row(
        id=line.id,
        offering=words.local(label, "offering"),
        charge=_charge(words, line),
        plan=plan_of(line, words),
        subscription=label["subscription"],
        service=_service(words, line, service, period),
        used=used(line, words),
        working=working(line, words),
        net=amount(line.net_fen),
        tax=amount(line.tax_fen),
        gross=amount(line.gross_fen),
        gross_fen=line.gross_fen,
    )


def _charge(words: Words, line: BillLine) -> str:
    if "trial" in line.label:
        return words.say("trial")
    charge = words.local(line.label, "charge")
    return words.say("back", charge=charge) if line.kind is LineKind.CREDIT else charge


def plan_of(line: Any, words: Words) -> str:
    """The plan of a line, with its number where it is sold by one."""
    plan, unit = words.local(line.label, "plan"), words.local(line.label, "units")
    return words.say("units", plan=plan, units=f"{line.units:,}", unit=unit) if unit else plan


def _service(words: Words, line: BillLine, service: Period, period: Period) -> str:
    """The days paid for, where they are not simply the bill's month."""
    if line.kind is LineKind.ADJUSTMENT:
        return words.say("adjustment", month=words.month(service.first_day))
    if line.kind is LineKind.CREDIT:
        return words.span(service, "back.span")
    if "paused" in line.label:
        return words.span(service, "paused")
    if line.terms.get("interval") == "once" and "trial" not in line.label:
        return ""
    if line.terms.get("interval") == "year":
        return words.span(service, "year" if line.full_days is None else "year.part")
    return "" if service == period else words.span(service, "part")


def used(line: Any, words: Words) -> str:
    """The quantity of a usage line with its unit; nothing for a fee."""
    if line.quantity is None:
        return ""
    return words.say("used", used=quantity.measure(rating.number_text(line.quantity), words.local(line.label, "unit")))


def working(line: Any, words: Words) -> tuple[str, ...]:
    """How a line (stored or a draft) comes to its amount.

    One plain step is only a formula, because its amount stands beside it; anything else adds up in full.
    """
    if "trial" in line.label:
        return (words.say("trial.how"),)
    steps = rating.load_steps(line.steps)
    unit = words.local(line.label, "unit") or words.local(line.label, "units")
    part = (picked,) if (picked := words.local(line.label, "picked")) else ()
    if line.kind is LineKind.ADJUSTMENT:
        total, given = line.gross_fen + line.booked_fen, int(line.label.get("credited_fen", 0))
        told = words.say("adjustment.how", total=price(total), booked=price(line.booked_fen + given))
        told += words.say("adjustment.given", given=price(given)) if given else ""
        news = (said,) if (said := words.local(line.label, "news")) else ()
        return (*part, *rating.explain(steps, unit, words.locale), told, *news)
    told_besides = tuple(_besides(line, steps, words))
    if told_besides:
        return (*part, *rating.explain(steps, unit, words.locale), *told_besides)
    if _plain(steps):
        return (*part, *(rating.formula(step, unit, words.locale) for step in steps))
    return (*part, *rating.explain(steps, unit, words.locale))


def _besides(line: Any, steps: Sequence[rating.Step], words: Words) -> Iterator[str]:
    """What the steps do not tell: how a part was rounded, and what of money back stands elsewhere."""
    whole = abs(line.gross_fen + (line.booked_fen if line.kind is LineKind.CREDIT else 0))
    if whole != money.fen(sum((step.amount for step in steps), Fraction(0))):
        yield words.say("rounded", amount=price(whole))
    given = int(line.label.get("credited_fen", 0))
    if line.kind is LineKind.CREDIT and given:
        yield words.say("back.given", total=price(whole), given=price(given))
    if line.kind is LineKind.CREDIT and line.booked_fen + given:
        rest = price(-line.booked_fen - given)
        yield words.say("back.how", total=price(whole - given), part=price(-line.gross_fen), rest=rest)


def _plain(steps: Sequence[rating.Step]) -> bool:
    priced = [step for step in steps if step.priced]
    return len(priced) <= 1 and all((step.amount * 100).denominator == 1 for step in steps)
