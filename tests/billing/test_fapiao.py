"""Fapiao: what is asked for, by when, what fits, and red letters."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import func, select

from market import db
from market.accounts import Organization
from market.audit import system
from market.billing import Bill, fapiao
from market.billing.credit_notes.models import CreditNote, CreditNoteLine, CreditReason, Source
from market.billing.fapiao import (
    Fapiao,
    FapiaoKind,
    FapiaoRequest,
    FapiaoStatus,
    Paper,
    RefusalReason,
    Title,
    View,
)
from market.catalog.models import Plan
from market.documents import Unusable, fapiao_file
from market.documents.tax_files import OFD, PDF, XML
from market.errors import Invalid
from market.providers import Provider
from tests.builders.accounts import an_actor, an_organization
from tests.builders.billing import OCTOBER, an_issued_bill, moment
from tests.builders.catalog import a_plan, a_provider, an_offering
from tests.builders.documents import PDF as A_PDF
from tests.builders.fapiao import (
    ASKED,
    TITLE,
    a_billed_firm,
    a_paper,
    a_request,
    an_ofd,
    number,
    recorded,
    seen,
    seller,
)
from tests.builders.subscriptions import a_subscription

LATER = moment("2026-11-12 10:00")


def problems(refused: pytest.ExceptionInfo[Invalid]) -> set[str]:
    return set(refused.value.fields)


@pytest.fixture
def bill(session: None) -> Bill:
    """¥106.00, of which ¥6.00 are tax, of one provider."""
    return a_billed_firm(a_plan(monthly="106.00"))


@pytest.fixture
def heard() -> Iterator[list[int]]:
    """The credit notes that have all their red letters."""
    notes: list[int] = []

    def hear(note_id: int, **_: object) -> None:
        notes.append(note_id)

    with fapiao.reds_recorded.connected_to(hear):
        yield notes


def a_note(bill: Bill, gross_fen: int, net_fen: int, *, reason: CreditReason = CreditReason.AGREED) -> CreditNote:
    """A credit note on the first line, as the verbs of credit notes leave it before they ask about red letters."""
    line, tax = bill.lines[0], gross_fen - net_fen
    count = db.session.scalar(select(func.count(CreditNote.id))) or 0
    note = CreditNote(
        number=f"CN-202611-{count + 1:06}", bill_id=bill.id, organization_id=bill.organization_id, source=Source.ADMINISTRATOR,
        reason=reason, note="少算一天", gross_fen=gross_fen, net_fen=net_fen, tax_fen=tax, offset_fen=gross_fen, balance_fen=0,
        refund_fen=0, issued_at=LATER,
    )  # fmt: skip
    db.session.add(note)
    db.session.flush()
    db.session.add(
        CreditNoteLine(
            credit_note_id=note.id, position=1, bill_line_id=line.id, about_line_id=line.id, provider_id=line.provider_id,
            tax_rate=line.tax_rate, gross_fen=gross_fen, net_fen=net_fen, tax_fen=tax,
        )  # fmt: skip
    )
    db.session.flush()
    return note


def taxed(plan: Plan, rate: str) -> Plan:
    """The plan, all of it at this rate."""
    for charge in plan.charges:
        charge.tax_rate = rate
    db.session.flush()
    return plan


def wait_for_red(note: CreditNote) -> bool:
    return fapiao.red_for(note, by=system("test"), at=LATER)


# --- values --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "kind"),
    [(A_PDF, PDF), (an_ofd(), OFD), (b'\xef\xbb\xbf<?xml version="1.0"?><EInvoice/>', XML), (b"<EInvoice></EInvoice>", XML)],
    ids=["pdf", "ofd", "xml with a mark", "xml"],
)
def test_a_file_is_told_by_its_bytes(data: bytes, kind: str) -> None:
    assert fapiao_file(data) == kind


@pytest.mark.parametrize(
    "data",
    [
        b"", b"x" * (5 * 1024 * 1024 + 1), A_PDF[:-10], b"PK\x03\x04 nothing", an_ofd()[:40], b"<html", b"hello",
        b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "<?xml version='1.0'?><!DOCTYPE a><a/>".encode("utf-16"),
    ],
    ids=["empty", "too large", "half a PDF", "no archive", "half an archive", "HTML", "text", "XML with entities", "XML in UTF-16"],
)  # fmt: skip
def test_what_is_no_fapiao_is_refused_in_words(data: bytes) -> None:
    with pytest.raises(Unusable, match="。"):
        fapiao_file(data)


@pytest.mark.parametrize(
    ("words", "wrong"),
    [
        ({}, set()),
        ({"name": ""}, {"name"}),
        ({"name": "长" * 101}, {"name"}),
        ({"tax_code": "91350100M000100Y4Z"}, {"tax_code"}),
        ({"tax_code": ""}, set()),
        ({"phone": "转1", "bank": "示例银行"}, {"phone", "account"}),
        ({"account": "６２２２ 0000-0000 00", "bank": "示例银行广州分行", "phone": "020-1234567转8"}, set()),
        ({"account": "62220000000000"}, {"bank"}),
        ({"address": "<b>"}, {"address"}),
    ],
)
def test_a_title_is_checked_field_by_field(words: dict[str, str], wrong: set[str]) -> None:
    assert set(replace(TITLE, **words).tidy().problems()) == wrong


# --- asking --------------------------------------------------------------------------------


def test_a_bill_of_two_providers_and_rates_is_asked_for_part_by_part(session: None) -> None:
    firm = an_organization()
    plans = [
        taxed(a_plan(an_offering(a_provider(name=f"示例{rate}"), plans=False), monthly=fee), rate)
        for fee, rate in (("106.00", "0.06"), ("113.00", "0.13"))
    ]
    for plan in plans:
        a_subscription(plan, organization=firm)
    bill = an_issued_bill(firm, OCTOBER)
    parts = fapiao.parts_of(bill)
    assert [(part.amount.gross_fen, part.amount.tax_fen, part.askable) for part in parts] == [(10600, 600, True), (11300, 1300, True)]
    asked = fapiao.ask(bill, [part.provider.id for part in parts], kind=FapiaoKind.SPECIAL, title=TITLE, by=an_actor(), at=ASKED)
    assert [(request.gross_fen, request.due_on) for request in asked] == [(10600, date(2026, 11, 16)), (11300, date(2026, 11, 16))]
    assert fapiao.askable([bill]) == set() and sum(each.gross_fen for each in asked) == bill.gross_fen


def test_special_needs_a_tax_code_and_a_provider_that_issues_it(bill: Bill) -> None:
    provider = [bill.taxes[0].provider_id]
    nameless = replace(TITLE, tax_code="")
    for kind, title, field in (
        (FapiaoKind.SPECIAL, nameless, "title"), (FapiaoKind.SPECIAL, Title(name="x", tax_code="1"), "title"), (FapiaoKind.ORDINARY, TITLE, "kind"),
    ):  # fmt: skip
        with pytest.raises(Invalid) as refused:
            fapiao.ask(bill, provider, kind=kind, title=title, by=an_actor(), at=ASKED)
        assert problems(refused) == {field}
    with pytest.raises(Invalid) as refused:
        fapiao.ask(bill, [], kind=FapiaoKind.SPECIAL, title=TITLE, note="长" * 101, by=an_actor(), at=ASKED)
    assert problems(refused) == {"providers", "note"}


def test_nothing_is_asked_of_drafts_and_bills_of_nothing(session: None) -> None:
    subscription = a_subscription(a_plan(monthly="10.00", trial_days=90))
    free = an_issued_bill(db.session.get_one(Organization, subscription.organization_id), OCTOBER)
    assert free.gross_fen == 0 and not any(part.askable for part in fapiao.parts_of(free)) and fapiao.askable([free]) == set()
    draft = Bill(status="draft", id=0)
    assert fapiao.parts_of(draft) == []


def test_tax_free_parts_get_no_special_fapiao(session: None) -> None:
    bill = a_billed_firm(taxed(a_plan(monthly="50.00"), "0"))
    assert [part.kinds for part in fapiao.parts_of(bill)] == [frozenset()]


def test_two_who_ask_at_once_make_one_request(database: None) -> None:
    with db.transaction():
        bill = a_billed_firm(a_plan(monthly="106.00"))
        provider = bill.taxes[0].provider_id

    def ask(note: str) -> str:
        try:
            with db.transaction():
                mine = db.session.get_one(Bill, bill.id)
                fapiao.ask(mine, [provider], kind=FapiaoKind.SPECIAL, title=TITLE, note=note, by=an_actor(), at=ASKED)
        except fapiao.AlreadyAsked:
            return "already"
        return "asked"

    with ThreadPoolExecutor(4) as people:
        answers = list(people.map(ask, ["", "", "另一句", ""]))
    assert 1 <= answers.count("already") <= 3
    with db.transaction(readonly=True):
        assert db.session.scalar(select(func.count(FapiaoRequest.id))) == 1


# --- issuing -------------------------------------------------------------------------------


def test_a_paper_says_what_the_bill_says_or_is_not_recorded(bill: Bill) -> None:
    request = a_request(bill)
    user = seller(request)
    right = a_paper(request)
    for wrong, fields in (
        (replace(right, number="12 34", amount_fen=10601, issued_on=None, data=b""), {"number", "amount_fen", "issued_on", "document"}),
        (replace(right, number=number(1, year=25)), {"number"}),
        (replace(right, issued_on=date(2026, 11, 13)), {"issued_on"}),
        (replace(right, issued_on=date(2026, 9, 30)), {"issued_on"}),
        (replace(right, data=b"<EIid>1</EIid>"), {"document"}),
    ):
        with pytest.raises(Invalid) as refused:
            fapiao.issue(request, wrong, by=an_actor(user), at=LATER)
        assert problems(refused) == fields
    assert request.status is FapiaoStatus.REQUESTED
    fapiao.issue(request, replace(right, number=f"{number(7)[:10]} {number(7)[10:]}"), by=an_actor(user), at=LATER)
    assert (request.status, request.taken_at) == (FapiaoStatus.ISSUED, LATER)
    assert seen(request).blue.number == number(7)
    other = a_request(a_billed_firm(a_plan(monthly="106.00")))
    with pytest.raises(Invalid) as refused:
        fapiao.issue(other, a_paper(other, number(7)), by=an_actor(user), at=LATER)
    assert problems(refused) == {"number"}


def test_a_request_is_refused_with_reason_and_words_and_asked_again(bill: Bill) -> None:
    request = a_request(bill)
    with pytest.raises(Invalid):
        fapiao.refuse(request, reason=RefusalReason.TITLE, words=" ", by=an_actor(), at=LATER)
    fapiao.refuse(request, reason=RefusalReason.TITLE, words="税号不对", by=an_actor(), at=LATER)
    with pytest.raises(fapiao.NotOpen):
        fapiao.refuse(request, reason=RefusalReason.TITLE, words="税号不对", by=an_actor(), at=LATER)
    again = a_request(bill, title=replace(TITLE, tax_code="91440300708461136T"), at=LATER)
    assert (again.id, again.status, again.refusal, again.due_on) == (request.id, FapiaoStatus.REQUESTED, None, date(2026, 11, 19))


def test_a_request_is_taken_back_until_the_provider_begins(bill: Bill) -> None:
    request = a_request(bill)
    fapiao.withdraw(request, by=an_actor(), at=LATER)
    assert a_request(bill, at=LATER).status is FapiaoStatus.REQUESTED
    fapiao.take_up(request, by=an_actor(), at=LATER)
    with pytest.raises(fapiao.TakenUp):
        fapiao.withdraw(request, by=an_actor(), at=LATER)


def test_what_is_late_is_counted(bill: Bill) -> None:
    request = a_request(bill)
    provider = db.session.get_one(Provider, request.provider_id)
    for at, late in (("2026-11-16 23:00", 0), ("2026-11-17 00:30", 1)):
        assert fapiao.counts(provider, moment(at)) == {View.OPEN: 1, View.LATE: late, View.RED: 0}


# --- red letters ---------------------------------------------------------------------------


def test_a_credit_note_lowers_what_is_not_issued_and_waits_for_nothing(bill: Bill) -> None:
    request = a_request(bill)
    assert wait_for_red(a_note(bill, 5300, 5000)) is False
    request = seen(request)
    assert (request.gross_fen, request.net_fen, [each.tax_fen for each in request.amounts]) == (5300, 5000, [300])
    assert wait_for_red(a_note(bill, 5300, 5000)) is False
    assert (request.status, request.refusal) == (FapiaoStatus.REFUSED, RefusalReason.CREDITED)
    assert not any(part.askable for part in fapiao.parts_of(bill)) and not fapiao.exists(bill.id)


def test_both_sides_read_that_a_credit_note_changed_what_is_to_be_issued(bill: Bill) -> None:
    request = a_request(bill)
    assert wait_for_red(a_note(bill, 5300, 5000)) is False
    assert [(each.before_fen, each.fen) for each in fapiao.changes_of(seen(request))] == [(10600, 5300)]


def test_a_credit_note_on_an_issued_fapiao_waits_for_its_red_letter(bill: Bill, heard: list[int]) -> None:
    request = recorded(a_request(bill))
    assert fapiao.exists(bill.id)
    note = a_note(bill, 5300, 5000)
    assert wait_for_red(note) is True
    provider = db.session.get_one(Provider, request.provider_id)
    assert fapiao.counts(provider, LATER)[View.RED] == fapiao.waiting(provider) == 1
    request = seen(request)
    (red,) = request.awaited
    assert (red.gross_fen, red.tax_fen, red.red_reason) == (5300, 300, fapiao.RedReason.ALLOWANCE)
    user = seller(request)
    with pytest.raises(fapiao.RedAwaited):
        fapiao.take_back(request, a_paper(request, number(9)), words="开错", by=an_actor(user), at=LATER)
    red = fapiao.red_at(provider, request.id, red.id)
    with pytest.raises(Invalid) as refused:
        fapiao.record_red(red, a_paper(request, number(9)), by=an_actor(user), at=LATER)
    assert problems(refused) == {"amount_fen"} and heard == []
    fapiao.record_red(red, a_paper(request, number(9), amount_fen=5300, data=b""), by=an_actor(user), at=LATER)
    assert heard == [note.id]
    assert (request.status, seen(request).left_fen) == (FapiaoStatus.ISSUED, 5300)
    with pytest.raises(fapiao.RedAlready):
        fapiao.record_red(fapiao.red_at(provider, request.id, red.id), a_paper(request), by=an_actor(user), at=LATER)


def test_a_mistyped_number_is_put_right_and_both_are_shown(bill: Bill) -> None:
    request = recorded(a_request(bill))
    user, paper = seller(request), request.blue
    recorded(a_request(a_billed_firm(a_plan(monthly="9.00"))), number(8))

    def mend(digits: str, day: date = date(2026, 11, 10), words: str = "两位数字看反了", data: bytes = b"") -> Fapiao:
        typed = Paper(digits, day, None, "发票.xml", data)
        return fapiao.mend(seen(request), paper.id, typed, words=words, by=an_actor(user), at=LATER)

    first = paper.number
    for typed, fields in (
        ((first,), {"number"}), ((number(8),), {"number"}), (("12",), {"number"}), ((number(7), date(2026, 11, 13)), {"issued_on"}),
        ((number(7), date(2026, 11, 9), " "), {"explanation"}),
        ((number(7), date(2026, 11, 9), "改", b"<EIid>" + number(6).encode() + b"</EIid>"), {"document"}),
    ):  # fmt: skip
        with pytest.raises(Invalid) as refused:
            mend(*typed)
        assert problems(refused) == fields
    mend(number(7), data=b"<EIid>" + number(7).encode() + b"</EIid>")
    with pytest.raises(Invalid) as refused:
        mend(number(6))  # the file that is kept names the other one
    assert problems(refused) == {"document"}
    mend(number(7), date(2026, 11, 9))
    told = [(each.number_before, each.number, f"{each.day_before:%d}", f"{each.day:%d}") for each in fapiao.changes_of(request)]
    assert told == [(number(7), number(7), "10", "09"), (first, number(7), "10", "10")]
    fapiao.take_back(seen(request), a_paper(request, number(9)), words="税号写错", by=an_actor(user), at=LATER)
    with pytest.raises(fapiao.NotMendable):
        mend(number(5))
    assert fapiao.mendable(seen(request), seen(request).reds[0])


def test_a_wrong_fapiao_is_taken_back_and_the_part_asked_for_anew(bill: Bill) -> None:
    request = recorded(a_request(bill))
    user = seller(request)
    fapiao.take_back(request, a_paper(request, number(9)), words="税号写错", by=an_actor(user), at=LATER)
    assert request.status is FapiaoStatus.RED
    again = a_request(bill, at=LATER)
    assert again.id != request.id and (again.status, again.gross_fen) == (FapiaoStatus.REQUESTED, 10600)
    with pytest.raises(fapiao.NotIssued):
        fapiao.take_back(seen(request), a_paper(request, number(10)), words="x", by=an_actor(user), at=LATER)
    assert db.session.scalar(select(func.count(Fapiao.id))) == 2
