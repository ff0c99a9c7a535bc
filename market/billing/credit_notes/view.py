"""One view model of a credit note for page, print and PDF: every word and figure as it is shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from itertools import groupby

from market.billing.credit_notes import wording
from market.billing.credit_notes.models import CreditNote, CreditNoteLine, Source
from market.billing.documents import typeset
from market.billing.wording import Words, amount, percent, price
from market.config import ROOT
from market.kit import money
from market.kit.period import Period, local_day

_TEMPLATE = ROOT / "templates" / "documents" / "credit_note.typ"


@dataclass(frozen=True, slots=True)
class NoteRow:
    """What is given back of one line of the bill."""

    offering: str
    charge: str
    plan: str
    service: str
    about: str
    billed: str
    net: str
    tax: str
    gross: str


@dataclass(frozen=True, slots=True)
class NoteGroup:
    """One provider's lines at one tax rate: what a red fapiao will say."""

    seller: str
    subtotal: str
    rows: tuple[NoteRow, ...]
    net: str
    tax: str
    gross: str


@dataclass(frozen=True, slots=True)
class NoteView:
    """A credit note as it is read. `texts` are the document's own words by key."""

    locale: str
    title: str
    number: str
    state: str
    status: str
    buyer: tuple[str, ...]
    bill: tuple[str, ...]
    why: tuple[str, ...]
    groups: tuple[NoteGroup, ...]
    net: str
    tax: str
    gross: str
    capital: str
    where: tuple[str, ...]
    texts: Mapping[str, str]


def view(note: CreditNote, locale: str = "zh", *, provider_id: int | None = None) -> NoteView:
    """A credit note with its bill, lines, and the lines of the bill, as `note_of` and `note_by_id` load them.

    With `provider_id` the part of one provider, for his own eyes.
    """
    words, names = Words(locale), note.bill.parties
    english = words.english
    lines = [line for line in note.lines if provider_id in (None, line.provider_id)]
    gross = sum(line.gross_fen for line in lines)
    return NoteView(
        locale=words.locale,
        title=wording.say(english, "title"),
        number=note.number,
        state=wording.state(note.status, english),
        status=note.status.value,
        buyer=tuple(filter(None, (names["buyer"]["name"], _uscc(words, names["buyer"]["uscc"])))),
        bill=_bill(words, note),
        why=_why(words, note),
        groups=tuple(_groups(words, note, lines, names["providers"])),
        net=amount(sum(line.net_fen for line in lines)),
        tax=amount(sum(line.tax_fen for line in lines)),
        gross=amount(gross),
        capital=money.capital(gross),
        where=() if provider_id else tuple(_where(english, note)),
        texts=wording.texts(english),
    )


def pdf(note: NoteView) -> bytes:
    """The note on A4, in the language of the view. Raises DocumentUnavailable."""
    return typeset(_TEMPLATE, "note", asdict(note), Words(note.locale))


def file_name(note: NoteView) -> str:
    """What the file is called when it is saved."""
    return f"{note.number}{'-en' if note.locale == 'en' else ''}.pdf"


def _uscc(words: Words, code: str) -> str:
    return words.say("uscc", uscc=code) if code else ""


def _bill(words: Words, note: CreditNote) -> tuple[str, ...]:
    issued = wording.say(words.english, "issued", date=words.date(local_day(note.issued_at)))
    return str(note.bill), wording.say(words.english, "bill.span", span=words.span(note.bill.period)), issued


def _why(words: Words, note: CreditNote) -> tuple[str, ...]:
    told = [wording.reason(note.reason, words.english), note.note]
    if note.voided_at:
        day = words.date(local_day(note.voided_at))
        told.append(wording.say(words.english, "voided", date=day, reason=note.void_reason))
    return tuple(filter(None, told))


def _where(english: bool, note: CreditNote) -> Iterable[str]:
    for key, fen in (("offset", note.offset_fen), ("balance", note.balance_fen), ("refund", note.refund_fen)):
        if fen:
            yield wording.say(english, key, amount=price(fen))


def _groups(
    words: Words, note: CreditNote, lines: Iterable[CreditNoteLine], sellers: Mapping[str, Mapping[str, str]]
) -> Iterable[NoteGroup]:
    def key(line: CreditNoteLine) -> tuple[int, Decimal]:
        return line.provider_id, Decimal(line.tax_rate)

    for (provider_id, rate), found in groupby(sorted(lines, key=lambda line: (*key(line), line.position)), key):
        mine, seller = list(found), sellers[str(provider_id)]
        name = words.local(seller, "name")
        yield NoteGroup(
            seller=words.say("seller", name=name if name == seller["name"] else f"{name} · {seller['name']}"),
            subtotal=wording.say(words.english, "subtotal", rate=percent(str(rate))),
            rows=tuple(_row(words, note, line) for line in mine),
            net=amount(sum(line.net_fen for line in mine)),
            tax=amount(sum(line.tax_fen for line in mine)),
            gross=amount(sum(line.gross_fen for line in mine)),
        )


def _row(words: Words, note: CreditNote, line: CreditNoteLine) -> NoteRow:
    billed, label = line.bill_line, line.bill_line.label
    return NoteRow(
        offering=words.local(label, "offering"),
        charge=words.local(label, "charge"),
        plan=words.local(label, "plan"),
        service=wording.say(words.english, "service", span=words.span(Period(billed.service_start, billed.service_end))),
        about=_about(words, note, line),
        billed=amount(billed.gross_fen),
        net=amount(line.net_fen),
        tax=amount(line.tax_fen),
        gross=amount(line.gross_fen),
    )


def _about(words: Words, note: CreditNote, line: CreditNoteLine) -> str:
    """Of a note that came by itself: which days it is about."""
    if note.source is Source.ADMINISTRATOR:
        return ""
    about = line.about
    span, charge = words.span(Period(about.service_start, about.service_end)), words.local(about.label, "charge")
    return wording.say(words.english, f"about.{note.source.value}", charge=charge, span=span)

