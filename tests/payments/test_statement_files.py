"""Reading bank statements: what banks and spreadsheets make of them."""

from __future__ import annotations

from datetime import date

import pytest

from market.kit.refusal import Refusal
from market.payments.statements import cells, entries, exchange, table
from market.payments.statements.entries import Entry, Sheet, StatementUnreadable
from market.payments.statements.table import Layout

TODAY = date(2026, 11, 20)
ICBC = (
    "中国示例银行对公账户明细,,,,\n账号：,4400 1234 5678 90,,,\n"
    "交易日期[ Transaction Date ],贷方发生额（元）,借方发生额（元）,对方户名,对方账号,交易流水号,摘要,附言\n"
    '2026-11-06,"1,221.93",,示例五金制品有限公司,6222000011112222,BK1,转账,23456789AB\n'
    "2026/11/6 14:03,,10.00,,,BK2,手续费,\n\n合计,1221.93,10.00,,,,,\n"
)


def opened(text: str, **choices: int) -> Sheet:
    found = table.opened(text, "UTF-8")
    return table.read(found, Layout(table.guess(found.head) | choices), today=TODAY)


def said(sheet: Sheet) -> list[str]:
    return [str(entry.problem) if entry.problem else str(entry.amount_fen) for entry in sheet.entries]


def test_a_banks_file_is_understood_without_a_word() -> None:
    sheet = opened(ICBC)
    assert sheet.account == "44001234567890"
    assert sheet.entries == [
        Entry(4, date(2026, 11, 6), 122_193, "示例五金制品有限公司", "6222000011112222", "BK1", "23456789AB 转账"),
        Entry(5, date(2026, 11, 6), -1_000, "", "", "BK2", "手续费"),
    ]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ("日期,金额,收/支\n2026-11-06,5,收入\n2026-11-06,5,支出\n2026-11-06,5,什么", ["500", "-500", "“什么”看不出是收入还是支出，请检查收支方向选的是哪一列"]),
        ("日期,金额,备注\n20261106,-5,\n20261106,(5.10),\n20261106,¥5元,", ["-500", "-510", "500"]),
        ("日期,收入,支出\n2026-11-06,,\n2026-11-06,1,2\n2026-13-06,1,", [
            "没有金额，或者金额是 0", "收入和支出两列都有金额，请检查列选得对不对", "“2026-13-06”不是日期，请检查日期选的是哪一列"]),
        ('日期,金额,备注\n2026-11-06,"1,23",\n2026-11-06,12.345,\n2026-11-21,1,\n,1,\n2026-11-06', [
            "“1,23”不是金额，请检查金额选的是哪一列", "“12.345”不是金额，请检查金额选的是哪一列", "日期 2026-11-21 在今天之后", "没有日期", "这一行只有 1 列，比表头少"]),
        ("日期,金额,流水号\n2026-11-06,5,1.23E+15", ["流水号被表格软件改成了科学计数法（1.23E+15）。请直接上传从网银下载的文件，不要用表格软件另存"]),
    ],
)  # fmt: skip
def test_each_line_says_what_is_wrong_with_it(rows: str, expected: list[str]) -> None:
    assert said(opened(rows)) == expected


def test_a_bank_that_turns_the_signs_round_is_read_so_when_told() -> None:
    found = table.opened("日期,金额,户名\n2026-11-06,-5,甲", "UTF-8")
    assert said(table.read(found, Layout({"day": 0, "amount": 1}, reversed=True), today=TODAY)) == ["500"]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "空的"), (b"PK\x03\x04abc", "xlsx"), (b"\xff\xfea\0", "UTF-16"), (b"%PDF-1.7", "PDF"), (b"a\0b", "不是文本"),
        (b"\xff\xff\xff", "读不出来"), (b"2026-11-06,5,x\n2026-11-07,6,y", "没有找到表头"), ("日期,金额,户名".encode("gb18030"), "没有流水"),
        ('日期,金额,户名\n2026-11-06,"5,甲'.encode(), "第 2 行的引号"),
        (("日期,金额,户名\n" + "2026-11-06,5,x\n" * 5001).encode(), "最多 5,000 行"),
    ],
)  # fmt: skip
def test_a_file_that_is_none_says_what_to_do(data: bytes, words: str) -> None:
    with pytest.raises(StatementUnreadable) as refused:
        table.opened(*table.text_of(data))
    assert words in str(refused.value)


def test_gb18030_is_read_and_an_unknown_head_waits_for_a_person() -> None:
    text, name = table.text_of("何时,几元,谁\n2026-11-06,5,甲".encode("gb18030"))
    found = table.opened(text, name)
    assert (name, found.head, str(Layout(table.guess(found.head)).problem())) == ("GB18030", ["何时", "几元", "谁"], "选择日期在哪一列")
    assert str(Layout({"day": 0, "amount": 0}).problem()) == "同一列不能选两次"


def test_scientific_dates_and_directions_are_refused_in_words() -> None:
    for reads, written in ((cells.day, "1.2E+07"), (cells.amount, "1.234,56"), (cells.direction, "")):
        with pytest.raises(Refusal):
            reads(written)


def keys(*told: Entry, account: str = "4400 1234") -> list[str]:
    """Those of the first files with such lines."""
    said = [words for one in told if (words := entries.said(account, one))]
    return [entries.key_of(words, said[: number + 1].count(words)) for number, words in enumerate(said)]


def test_a_line_is_known_again_by_the_banks_own_number_or_by_all_it_says() -> None:
    day = date(2026, 11, 6)
    one, again = Entry(4, day, 500, "甲公司", "", "BK1"), Entry(9, day, 500, "甲公司 ", "", "BK1", "转账")
    assert keys(one) == keys(again) == keys(one, account="44001234")
    assert keys(one) != keys(one, account="4400 9999")
    bare = Entry(4, day, 500, "甲公司")
    first, second = keys(bare, bare)
    assert first != second
    assert keys(bare) == [first]
    assert keys(Entry(4, problem=Refusal("没有日期"))) == []


@pytest.mark.parametrize(
    ("file", "kept", "places"),
    [
        (["甲", "乙"], [], [1, 2]), (["乙", "甲"], ["甲", "乙"], [2, 1]), (["乙"], ["甲"], [2]), (["乙", "甲"], ["甲"], [2, 1]),
        (["甲", "甲"], ["甲"], [1, 2]), (["示例五金制品"], ["示例五金制品有限公司"], [1]), ([""], ["甲"], [1]), (["甲公司", "甲"], ["甲", "甲公司"], [2, 1]),
    ],
    ids=["two new", "other order", "the other alone", "the other first", "the same once more", "cut short", "no name", "the very name first"],
)  # fmt: skip
def test_of_lines_with_one_number_who_paid_says_which_is_which(file: list[str], kept: list[str], places: list[int]) -> None:
    assert entries.places(file, kept) == places


CAMT = """<?xml version="1.0" encoding="UTF-8"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt>
<GrpHdr><MsgId>1</MsgId><CreDtTm>2026-11-07T00:00:00</CreDtTm></GrpHdr><Stmt><Id>1</Id><Acct><Id><Othr><Id>44001234567890</Id></Othr></Id></Acct>{}
</Stmt></BkToCstmrStmt></Document>"""
ENTRY = """<Ntry><Amt Ccy="{ccy}">{amount}</Amt><CdtDbtInd>{sign}</CdtDbtInd><Sts><Cd>{status}</Cd></Sts><BookgDt><Dt>2026-11-06</Dt></BookgDt>
<AcctSvcrRef>BK1</AcctSvcrRef><NtryDtls>{details}</NtryDtls></Ntry>"""
DETAIL = """<TxDtls><Refs><EndToEndId>{id}</EndToEndId></Refs>{amount}<RltdPties><Dbtr><Pty><Nm>示例五金制品有限公司</Nm></Pty></Dbtr></RltdPties>
<RmtInf><Ustrd>23456789AB</Ustrd></RmtInf></TxDtls>"""


def ntry(amount: str = "221.93", sign: str = "CRDT", status: str = "BOOK", ccy: str = "CNY", details: str = "") -> str:
    return ENTRY.format(amount=amount, sign=sign, status=status, ccy=ccy, details=details or DETAIL.format(id="NOTPROVIDED", amount=""))


def camt(*inside: str) -> Sheet:
    return exchange.camt(CAMT.format("".join(inside)).encode(), today=TODAY)


def test_camt_tells_who_paid_and_leaves_out_what_is_not_booked() -> None:
    sheet = camt(ntry(), ntry(status="PDNG"), ntry("10.00", "DBIT"), ntry(ccy="EUR"))
    assert sheet.account == "44001234567890"
    first = sheet.entries[0]
    assert (first.amount_fen, first.payer_name, first.remark) == (22_193, "示例五金制品有限公司", "23456789AB")
    assert said(sheet) == ["22193", "-1000", "币种是 EUR，只收人民币"]


def test_the_parts_of_a_collective_entry_are_lines_and_add_up() -> None:
    def part(id: str, amount: str) -> str:
        return DETAIL.format(id=id, amount=f'<Amt Ccy="CNY">{amount}</Amt>')

    sheet = camt(ntry("30.00", details=part("A", "10.00") + part("B", "20.00")))
    assert [(entry.amount_fen, entry.reference) for entry in sheet.entries] == [(1000, "BK1/A"), (2000, "BK1/B")]
    with pytest.raises(StatementUnreadable, match="对不上"):
        camt(ntry("30.00", details=DETAIL.format(id="A", amount="") * 2))


@pytest.mark.parametrize(
    "text", ["<html></html>", "<a", '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>', CAMT.format("")],
)  # fmt: skip
def test_other_xml_is_refused(text: str) -> None:
    with pytest.raises(StatementUnreadable):
        exchange.camt(text.encode(), today=TODAY)


MT = """:20:ST26110601
:25:44001234567890
:28C:1/1
:60F:C261105CNY1000,00
:61:2611061106C221,93NTRFNONREF//BK1
:86:/ORDP/NAME/SHILI WUJIN CO/REMI/23456789AB
:61:2611061106RC10,00NTRFNONREF//BK2
:86:REVERSAL
:62F:C261106CNY1211,93
-
"""


def test_mt940_tells_direction_payer_and_remark() -> None:
    assert exchange.is_mt940(MT)
    sheet = exchange.mt(MT, "UTF-8", today=TODAY)
    assert sheet.account == "44001234567890"
    assert [(e.amount_fen, e.payer_name, e.reference) for e in sheet.entries] == [(22_193, "SHILI WUJIN CO", "BK1"), (-1_000, "", "BK2")]
    for bad in (MT.replace(":61:26", ":61:xx"), ":20:A\n:60F:C261105CNY1000,00\n"):
        with pytest.raises(StatementUnreadable):
            exchange.mt(bad, "UTF-8", today=TODAY)
