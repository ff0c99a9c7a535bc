"""Bill lines as a file for spreadsheets: the same columns for whoever pays, sells or looks after both."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta

from flask import Response
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from market import billing
from market.billing import BillLine, LineKind
from market.kit import money, quantity
from market.kit.period import local_day
from market.web import formats, sheets

KINDS = {
    LineKind.CHARGE: _l("本期费用"),
    LineKind.ADJUSTMENT: _l("补报和更正"),
    LineKind.CREDIT: _l("退回"),
}
_MOMENT = timedelta(microseconds=1)


def sheet(name: str, lines: Iterable[BillLine]) -> Response:
    """The lines, sent while they are read; bill, customer and provider are loaded."""
    head = [
        _("账期"), _("账单编号"), _("状态"), _("企业"), _("统一社会信用代码"), _("服务商"), _("行"), _("种类"), _("服务"), _("套餐"), _("收费项"),
        _("订阅编号"), _("从"), _("到（含）"), _("用量"), _("单位"), _("怎么算的"), _("税率"), _("不含税（¥）"), _("税额（¥）"), _("含税（¥）"),
    ]  # fmt: skip
    return sheets.sheet(name, head, _rows(lines))


def _rows(lines: Iterable[BillLine]) -> Iterator[list[str]]:
    words = billing.Words(formats.language())
    for line in lines:
        bill, label = line.bill, line.label
        yield [
            bill.period.label, bill.number or "", words.state(bill.status), bill.organization.name, bill.organization.uscc or "",
            formats.local(line.provider, "name"), str(line.position), str(KINDS[line.kind]),
            formats.local(label, "offering"), formats.local(label, "plan"), formats.local(label, "charge"), label["subscription"],
            local_day(line.service_start).isoformat(), local_day(line.service_end - _MOMENT).isoformat(),
            "" if line.quantity is None else quantity.text(line.quantity), formats.local(label, "unit") if line.quantity is not None else "",
            (_("；")).join(billing.working(line, words)), line.tax_rate, *map(money.text, (line.net_fen, line.tax_fen, line.gross_fen)),
        ]  # fmt: skip
