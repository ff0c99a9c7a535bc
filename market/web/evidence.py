"""The evidence file of a bill line, as a sheet for people and as NDJSON for programs; sent while it is read.

Both begin with what the line says and how to work its quantity out again, and end with how many events there were, so
that a file that was cut off shows.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence

from flask import Response, request, stream_with_context
from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from market import billing, metering
from market.billing import Bill, Proof
from market.catalog import Aggregation, TimeBase
from market.errors import NotFound
from market.kit import quantity
from market.kit.period import SHANGHAI
from market.web import formats, sheets

#: What heads a file, in this order.
HEAD: Mapping[str, LazyString] = {
    "bill": _l("账单"),
    "line": _l("行"),
    "charge": _l("收费项"),
    "subscription": _l("订阅"),
    "meter": _l("计量项和版本"),
    "event_type": _l("事件类型"),
    "value_property": _l("数值在内容里的字段"),
    "aggregation": _l("算法"),
    "dimensions": _l("分组字段"),
    "filter": _l("只计其中的"),
    "period_start": _l("从"),
    "period_end": _l("到（不含）"),
    "cutoff": _l("截止：此前收到的事件"),
    "unit_size": _l("1 个计价单位是几个上报单位（除数）"),
    "seconds": _l("时间的除数（秒）"),
    "unit": _l("计价单位"),
    "quantity": _l("账单上的数量"),
    "formula": _l("怎么重算"),
}
COLUMNS: Mapping[str, LazyString] = {
    "id": _l("事件编号"),
    "source": _l("来源"),
    "type": _l("事件类型"),
    "time": _l("发生时间"),
    "stored_at": _l("收到时间"),
    "kind": _l("种类"),
    "corrects": _l("更正的事件编号"),
    "slice": _l("分组"),
    "counted": _l("计入"),
    "value": _l("数值"),
    "seconds": _l("持续秒数"),
    "data": _l("内容"),
}
#: How each quantity follows from the rows; the divisors stand above it.
FORMULAS = {
    Aggregation.SUM: _l("把“计入”是 1 的各行的数值相加，除以 unit_size。"),
    Aggregation.COUNT: _l("数“计入”是 1 的有几行，除以 unit_size。"),
    Aggregation.MAX: _l("取“计入”是 1 的各行里最大的数值，除以 unit_size。"),
    Aggregation.LATEST: _l("在“计入”是 1 的各行里，取每个分组最后一行的数值，相加，除以 unit_size。"),
    Aggregation.UNIQUE_COUNT: _l(
        "在“计入”是 1 的各行里，看每个分组里每个数值的最后一行：内容里 operation_type 是 remove 的不算，数其余的有几个不同的数值，除以 unit_size。"
    ),
    Aggregation.TIME_WEIGHTED: _l("把“计入”是 1 的各行的数值乘以持续秒数，相加，除以 seconds，再除以 unit_size。"),
}


def file(bill: Bill, line_id: int) -> Response:
    """The file of one of the bill's lines; the address says which format. Raises NotFound."""
    proof = billing.evidence(bill, line_id)
    writer = WRITERS.get(form := request.args.get("format", "csv"))
    if writer is None:
        raise NotFound
    return writer(f"events-{bill.number or bill.period.label}-{proof.line.position}.{form}", proof)


def _sheet(name: str, proof: Proof) -> Response:
    first, *others = [(key, HEAD[key], value) for key, value in _head(proof).items()]
    entries = metering.evidence(proof.proved)
    says = str(_("到此为止。上面共有这么多条事件："))

    def rows() -> Iterator[Sequence[object]]:
        yield from others
        yield ()
        yield tuple(COLUMNS)
        yield tuple(COLUMNS.values())
        number = 0
        for entry in entries:
            yield tuple(_row(entry).values())
            number += 1
        yield ()
        yield "end", says, number

    return sheets.sheet(name, first, rows())


def _ndjson(name: str, proof: Proof) -> Response:
    head, entries = _head(proof), metering.evidence(proof.proved)

    def lines() -> Iterator[str]:
        yield _line("head", head)
        number = 0
        for entry in entries:
            yield _line("event", _row(entry) | {"data": entry.data})
            number += 1
        yield _line("end", {"events": number})

    answer = Response(stream_with_context(lines()), mimetype="application/x-ndjson")
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def _line(record: str, facts: Mapping[str, object]) -> str:
    return json.dumps({"record": record, **facts}, ensure_ascii=False, separators=(",", ":")) + "\n"


def _head(proof: Proof) -> dict[str, object]:
    words = billing.Words(formats.language())
    line, meter, only = proof.line, proof.proved.meter, proof.proved.only
    return {
        "bill": proof.bill.number or f"{proof.bill.period.label} · {_('未出账')}",
        "line": line.position,
        "charge": " · ".join(words.local(line.label, part) for part in ("offering", "plan", "charge")),
        "subscription": line.label["subscription"],
        "meter": f"{meter.slug} · {meter.version_number}",
        "event_type": meter.event_type,
        "value_property": meter.value_property,
        "aggregation": meter.aggregation.value,
        "dimensions": ", ".join(meter.dimensions),
        "filter": f"{only.property}: {', '.join(only.values)}" if only else "",
        "period_start": proof.proved.period.start.astimezone(SHANGHAI).isoformat(),
        "period_end": proof.proved.period.end.astimezone(SHANGHAI).isoformat(),
        "cutoff": proof.bill.cutoff.astimezone(SHANGHAI).isoformat(),
        "unit_size": meter.unit_size,
        "seconds": _seconds(proof),
        "unit": words.local(line.label, "unit"),
        "quantity": quantity.text(proof.quantity),
        "formula": _("%(formula)s最后四舍五入到 6 位小数。", formula=FORMULAS[meter.aggregation]),
    }


def _seconds(proof: Proof) -> int | str:
    """By how many seconds value × seconds are divided; nothing but for a gauge."""
    match proof.proved.meter.time_base:
        case TimeBase.HOUR:
            return 3600
        case TimeBase.PERIOD:
            return int(proof.whole.length.total_seconds())
    return ""


def _row(entry: metering.Entry) -> dict[str, object]:
    return {
        "id": entry.event_id,
        "source": entry.source,
        "type": entry.type,
        "time": entry.at.astimezone(SHANGHAI).isoformat(),
        "stored_at": entry.stored_at.astimezone(SHANGHAI).isoformat(),
        "kind": entry.kind.value,
        "corrects": entry.corrects,
        "slice": entry.slice,
        "counted": int(entry.counted),
        "value": entry.value,
        "seconds": entry.seconds,
        "data": json.dumps(entry.data, ensure_ascii=False, separators=(",", ":")),
    }


WRITERS: Mapping[str, Callable[[str, Proof], Response]] = {"csv": _sheet, "ndjson": _ndjson}
