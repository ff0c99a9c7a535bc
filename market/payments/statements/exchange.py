"""Statements in the formats that banks exchange: camt.053 (pycamt) and MT940 (mt-940), the only place that knows them."""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any
from xml.parsers import expat

import mt940
from lxml.etree import LxmlError
from pycamt.parser import Camt053ParseError, Camt053Parser

from market.kit import money
from market.kit.refusal import Refusal
from market.payments.statements.entries import Entry, Sheet, StatementUnreadable
from market.payments.statements.table import MOST_LINES

_NAMED = re.compile(r"/NAME/([^/]+)")
_CURRENCY = "CNY"
# What it cannot read it explains at length, with the text it was given: that is nothing for a log.
logging.getLogger("mt940").setLevel(logging.CRITICAL + 1)


def is_camt(text: str) -> bool:
    """Whether it is XML of any kind."""
    return text.lstrip("\ufeff \r\n\t").startswith("<")


def is_mt940(text: str) -> bool:
    """Whether it has the tags that every MT940 has."""
    return bool(re.search(r"(?m)^:20:", text) and re.search(r"(?m)^:60[FM]:", text))


def camt(data: bytes, *, today: date) -> Sheet:
    """The booked entries of a camt.053 file. Raises StatementUnreadable."""
    _well_formed(data)
    try:
        parser = Camt053Parser(data)
        found = parser.get_transactions()
    except (Camt053ParseError, LxmlError, ValueError, AttributeError) as error:
        raise StatementUnreadable("这个 XML 不是 camt.053 对账单。请在网上银行选 camt.053 格式重新下载。") from error
    _whole(parser, found)
    account = parser.tree.findtext(".//Stmt/Acct/Id/Othr/Id", "", parser.namespaces) or next(
        (one["AccountIBAN"] for one in found if one.get("AccountIBAN")), ""
    )
    booked = [one for one in found if one.get("Status") in (None, "BOOK")]
    return _sheet("camt.053", "XML", account, [_camt_entry(place, one, today) for place, one in enumerate(_apart(booked), start=1)])


def mt(text: str, encoding: str, *, today: date) -> Sheet:
    """The lines of an MT940 file. Raises StatementUnreadable."""
    try:
        # Never a string: the library would open a file of that name.
        statements = mt940.parse_statements(io.StringIO(text))
        entries = [_mt_entry(one.data) for statement in statements for one in statement.transactions]
        accounts = {str(statement.data.get("account_identification") or "") for statement in statements}
    except (RuntimeError, ValueError, ArithmeticError, AttributeError, KeyError, TypeError) as error:
        raise StatementUnreadable("这个 MT940 文件读不下去，可能没传完或被改过。请重新下载后上传。") from error
    if len(accounts) > 1:
        raise StatementUnreadable("文件里有几个账户的流水。请一个账户一个文件上传。")
    numbered = [_dated(line, facts, today) for line, facts in enumerate(entries, start=1)]
    return _sheet("MT940", encoding, accounts.pop() if accounts else "", numbered)


def _sheet(kind: str, encoding: str, account: str, entries: list[Entry]) -> Sheet:
    if not entries:
        raise StatementUnreadable("文件里没有流水。")
    if len(entries) > MOST_LINES:
        raise StatementUnreadable("一个文件最多 %(lines)s 行。请按日期分成几个文件上传。", lines=f"{MOST_LINES:,}")
    return Sheet(kind, encoding, account.strip()[:64], entries)


def _well_formed(data: bytes) -> None:
    """Without a document type: what defines its own entities is no statement."""
    reader = expat.ParserCreate()
    reader.StartDoctypeDeclHandler = _no_doctype
    try:
        reader.Parse(data, True)
    except expat.ExpatError as error:
        raise StatementUnreadable("这个 XML 文件不完整。请重新下载后上传。") from error


def _no_doctype(*_declared: object) -> None:
    raise StatementUnreadable("这个 XML 不是 camt.053 对账单。请在网上银行选 camt.053 格式重新下载。")


def _whole(parser: Any, found: list[dict[str, Any]]) -> None:
    """The parts of collective entries must come to what the bank booked: a part without an amount would count the whole."""
    space = parser.namespaces
    try:
        booked = sum(Decimal(one.findtext("Amt", "0", space)) for one in parser.tree.iterfind(".//Ntry", space))
        parts = sum(Decimal(one.get("Amount") or "0") for one in found)
    except (InvalidOperation, TypeError):
        return  # the line that has no amount says so itself
    if booked != parts:
        raise StatementUnreadable("有汇总入账的明细和总额对不上。请让银行给出每一笔的明细，或者改用 CSV 流水。")


def _apart(found: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Parts of one collective entry share the bank's reference: their own tells them apart."""
    references = [one.get("TransactionID") for one in found]
    for place, one in enumerate(found):
        shared = one.get("TransactionID") and references.count(one["TransactionID"]) > 1
        own = one.get("EndToEndId") if one.get("EndToEndId") != "NOTPROVIDED" else ""
        mark = own or references[: place + 1].count(one.get("TransactionID"))
        yield one | ({"TransactionID": f"{one['TransactionID']}/{mark}"} if shared else {})


def _camt_entry(line: int, said: Mapping[str, Any], today: date) -> Entry:
    sign = 1 if said.get("CreditDebitIndicator") == "CRDT" else -1
    facts = {
        "day": (said.get("BookingDate") or said.get("ValueDate") or "")[:10],
        "amount": said.get("Amount"), "sign": sign, "currency": said.get("Currency"),
        "payer_name": said.get("DebtorName") if sign > 0 else said.get("CreditorName"),
        "payer_account": said.get("DebtorIBAN") if sign > 0 else said.get("CreditorIBAN"),
        "reference": said.get("TransactionID"),
        "remark": said.get("RemittanceInformationFull") or said.get("RemittanceInformation") or said.get("AdditionalEntryInformation"),
    }  # fmt: skip
    return _dated(line, facts, today)


def _mt_entry(said: Mapping[str, Any]) -> dict[str, Any]:
    details = " ".join(filter(None, (said.get("transaction_details"), said.get("purpose"), said.get("extra_details"))))
    named = _NAMED.search(details.replace("\n", ""))
    reference = said.get("bank_reference") or said.get("customer_reference") or ""
    return {
        "day": said["date"].isoformat(), "amount": abs(said["amount"].amount), "currency": said.get("currency"),
        "sign": 1 if said["status"] in ("C", "RD") else -1,
        "payer_name": said.get("applicant_name") or (named[1] if named else ""),
        "payer_account": said.get("applicant_iban") or "",
        "reference": "" if reference == "NONREF" else reference, "remark": " ".join(details.split()),
    }  # fmt: skip


def _dated(line: int, facts: Mapping[str, Any], today: date) -> Entry:
    def said(name: str, most: int) -> str:
        return str(facts[name] or "").strip()[:most]

    plain = Entry(
        line, payer_name=said("payer_name", 100), payer_account=said("payer_account", 64),
        reference=said("reference", 64), remark=said("remark", 200),
    )  # fmt: skip
    try:
        if facts["currency"] != _CURRENCY:
            raise Refusal("币种是 %(currency)s，只收人民币", currency=facts["currency"] or "—")
        booked_on = date.fromisoformat(facts["day"])
        if booked_on > today:
            raise Refusal("日期 %(day)s 在今天之后", day=booked_on)
        amount_fen = facts["sign"] * money.parse_yuan(str(facts["amount"] or ""))
        if not amount_fen:
            raise Refusal("没有金额，或者金额是 0")
        return replace(plain, booked_on=booked_on, amount_fen=amount_fen)
    except Refusal as refusal:
        return replace(plain, problem=refusal)
    except ValueError:
        return replace(plain, problem=Refusal("没有日期"))
