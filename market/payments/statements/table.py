"""A bank's statement as a spreadsheet: which encoding, where its head is, what its columns mean. Pure.

Every bank has a layout of its own, with lines about the account above the head and totals below the last line. The
columns are guessed by what banks call them, and a person says so where the guess is wrong.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from market.kit.refusal import Refusal
from market.payments.statements import cells, vocabulary
from market.payments.statements.entries import Entry, Sheet, StatementUnreadable

MOST_LINES = 5000
_HEAD_WITHIN = 40
_LONGEST_CELL = 200
ROLES = (*vocabulary.NAMES, "more_remark")
_OTHERS: Mapping[bytes, str] = {
    b"PK\x03\x04": "这是 Excel 工作簿（xlsx）。请在 Excel 里选“另存为”，类型选“CSV UTF-8（逗号分隔）”，再上传。",
    b"\xd0\xcf\x11\xe0": "这是旧版 Excel 工作簿（xls）。请在 Excel 里选“另存为”，类型选“CSV（逗号分隔）”，再上传。",
    b"\xff\xfe": "这个文件是 UTF-16 编码。请另存为“CSV UTF-8（逗号分隔）”，再上传。",
    b"\xfe\xff": "这个文件是 UTF-16 编码。请另存为“CSV UTF-8（逗号分隔）”，再上传。",
    b"%PDF": "这是 PDF。请在网上银行下载 CSV、camt.053 或 MT940 格式的流水。",
}


@dataclass(frozen=True)
class Layout:
    """Which column holds what, by its place; `reversed` where the bank writes what came in as less than nothing."""

    columns: Mapping[str, int]
    reversed: bool = False

    def problem(self) -> Refusal | None:
        """What is still missing before lines can be read."""
        if "day" not in self.columns:
            return Refusal("选择日期在哪一列")
        if not {"income", "amount"} & self.columns.keys():
            return Refusal("选择金额或收入在哪一列")
        twice = [place for place in self.columns.values() if list(self.columns.values()).count(place) > 1]
        return Refusal("同一列不能选两次") if twice else None


@dataclass(frozen=True)
class Table:
    """A spreadsheet that can be read: its head, and its rows with the line each begins on."""

    encoding: str
    head: list[str]
    rows: list[tuple[int, list[str]]]
    account: str

    @property
    def signature(self) -> str:
        """By what the layout of this bank is known again."""
        return "\x1f".join(map(_plain, self.head))


def text_of(data: bytes) -> tuple[str, str]:
    """The text of a file and the name of its encoding. Raises StatementUnreadable with what to do instead."""
    for mark, advice in _OTHERS.items():
        if data.startswith(mark):
            raise StatementUnreadable(advice)
    if not data.strip():
        raise StatementUnreadable("这个文件是空的。")
    if b"\0" in data:
        raise StatementUnreadable("这不是文本文件。请上传从网上银行下载的 CSV、camt.053 或 MT940 流水。")
    for encoding, name in (("utf-8-sig", "UTF-8"), ("gb18030", "GB18030")):
        try:
            return data.decode(encoding), name
        except UnicodeDecodeError:
            continue
    raise StatementUnreadable("文件里的文字读不出来。请另存为“CSV UTF-8（逗号分隔）”，再上传。")


def opened(text: str, encoding: str) -> Table:
    """Find the head. Raises StatementUnreadable."""
    rows = _rows(text)
    place = _head(rows)
    if place is None:
        raise StatementUnreadable("没有找到表头。表头是写着“交易日期”“金额”“对方户名”这些列名的那一行，请上传带表头的流水。")
    head = [cell.strip()[:_LONGEST_CELL] for cell in rows[place][1]]
    below = [row for row in rows[place + 1 :] if any(cell.strip() for cell in row[1])]
    lines = [row for row in below if not _is_total(row[1])]
    if not lines:
        raise StatementUnreadable("表头下面没有流水。")
    if len(lines) > MOST_LINES:
        raise StatementUnreadable("一个文件最多 %(lines)s 行。请按日期分成几个文件上传。", lines=f"{MOST_LINES:,}")
    return Table(encoding, head, lines, _account([cells for _line, cells in rows[:place]]))


def guess(head: Sequence[str]) -> dict[str, int]:
    """Which column holds what, as far as the names of the columns tell."""
    plain, taken = [_plain(name) for name in head], dict[str, int]()
    for role, names in vocabulary.NAMES.items():
        found = next((plain.index(name) for name in names if name in plain and plain.index(name) not in taken.values()), None)
        if found is not None:
            taken[role] = found
    taken.pop("amount" if "income" in taken else "outgo", None)
    more = [place for place, name in enumerate(plain) if name in vocabulary.NAMES["remark"] and place not in taken.values()]
    return taken | ({"more_remark": more[0]} if more else {})


def read(table: Table, layout: Layout, *, today: date) -> Sheet:
    """Every line as it is meant by the layout; a line that cannot be is kept with its reason."""
    return Sheet("csv", table.encoding, table.account, [_entry(line, row, layout, today) for line, row in table.rows])


def _entry(line: int, row: list[str], layout: Layout, today: date) -> Entry:
    def cell(role: str) -> str:
        place = layout.columns.get(role)
        return row[place].strip() if place is not None and place < len(row) else ""

    remark = " ".join(filter(None, (cell("remark"), cell("more_remark"))))[:_LONGEST_CELL]
    plain = Entry(line, payer_name=cell("payer")[:100], payer_account=cell("payer_account")[:64], remark=remark)
    try:
        if len(row) <= max(layout.columns[role] for role in layout.columns if role in ("day", "amount", "income")):
            raise Refusal("这一行只有 %(cells)s 列，比表头少", cells=len(row))
        booked_on = cells.day(cell("day"))
        if booked_on > today:
            raise Refusal("日期 %(day)s 在今天之后", day=booked_on)
        amount_fen = _amount(layout, cell)
        return replace(plain, booked_on=booked_on, amount_fen=amount_fen, reference=cells.reference(cell("reference")))
    except Refusal as refusal:
        return replace(plain, problem=refusal)


def _amount(layout: Layout, cell: Callable[[str], str]) -> int:
    if "income" in layout.columns:
        came, went = cells.amount(cell("income")), cells.amount(cell("outgo"))
        if came and went:
            raise Refusal("收入和支出两列都有金额，请检查列选得对不对")
        amount_fen = came - went
    else:
        amount_fen = cells.amount(cell("amount"))
        if "direction" in layout.columns:
            amount_fen *= cells.direction(cell("direction"))
    if not amount_fen:
        raise Refusal("没有金额，或者金额是 0")
    return -amount_fen if layout.reversed else amount_fen


def _rows(text: str) -> list[tuple[int, list[str]]]:
    first = next((line for line in text.splitlines() if line.count(",") + line.count("\t") + line.count(";") >= 2), "")
    delimiter = max(",\t;", key=first.count)
    reader, rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True), []
    try:
        begins = 1
        for row in reader:
            rows.append((begins, row))
            begins = reader.line_num + 1
    except csv.Error as error:
        raise StatementUnreadable("第 %(line)s 行的引号不成对，或者一格里的内容太长，读不下去。", line=begins) from error
    return rows


def _head(rows: Sequence[tuple[int, list[str]]]) -> int | None:
    """The row that names a day and an amount; else the first that is all words, for a person to say what they mean."""
    for place, (_line, row) in enumerate(rows[:_HEAD_WITHIN]):
        found = guess(row)
        if "day" in found and {"income", "amount"} & found.keys():
            return place
    for place, (_line, row) in enumerate(rows[:_HEAD_WITHIN]):
        named = [cell for cell in row if cell.strip()]
        if len(named) >= 3 and len(named) > len(row) / 2 and not any(map(_is_value, named)):
            return place
    return None


def _is_value(cell: str) -> bool:
    for reads in (cells.day, cells.amount):
        try:
            reads(cell)
        except Refusal:
            continue
        return True
    return False


def _is_total(row: Sequence[str]) -> bool:
    first = next(_plain(cell) for cell in row if cell.strip())
    return first.startswith(vocabulary.TOTALS)


def _account(above: Sequence[Sequence[str]]) -> str:
    """The account that the lines above the head name."""
    for row in above:
        for place, cell in enumerate(row):
            if not vocabulary.ACCOUNT.search(_plain(cell)):
                continue
            rest = unicodedata.normalize("NFKC", cell).partition(":")[2] or (row[place + 1] if place + 1 < len(row) else "")
            digits = "".join(c for c in rest if c.isalnum())
            if len(digits) >= 8 and digits.isascii():
                return digits[:64]
    return ""


def _plain(name: str) -> str:
    """A column's name without width, case, spaces, and what stands in brackets."""
    folded = "".join(unicodedata.normalize("NFKC", name).split()).casefold()
    return re.sub(r"[(\[【].*?[)\]】]", "", folded)
