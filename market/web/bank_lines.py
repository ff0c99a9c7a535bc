"""Lines of the bank's statements in words, for all faces."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from market.kit.refusal import Refusal
from market.payments.statements import AllocationKind, Entry, Looked, Reason
from market.web.errors import translate

REASONS = {
    Reason.EXACT: _l("户名和金额都对上了一张账单"),
    Reason.BY_HAND: _l("已经手工登记过同一笔"),
    Reason.BY_PERSON: _l("由管理员入账"),
    Reason.OTHER_AMOUNT: _l("付款方认得，金额和账单不同"),
    Reason.NOTHING_OWED: _l("付款方认得，没有要付的账单"),
    Reason.OTHER_NAME: _l("识别码对得上，户名和企业不同"),
    Reason.UNKNOWN_PAYER: _l("不认识的付款方"),
    Reason.REFERENCE_TAKEN: _l("流水号登记过，但金额或日期不同"),
    Reason.OUTGOING: _l("支出，不用处理"),
}
#: What taking a file in would make of a line.
FORETOLD = {
    Reason.EXACT: ("ok", _l("自动入账")),
    Reason.BY_HAND: ("ok", _l("已登记过，不再入账")),
    Reason.OTHER_AMOUNT: ("info", _l("等您确认怎么分")),
    Reason.NOTHING_OWED: ("info", _l("等您确认，可记入余额")),
    Reason.OTHER_NAME: ("warn", _l("等您核实户名")),
    Reason.UNKNOWN_PAYER: ("warn", _l("进入未识别转账")),
    Reason.REFERENCE_TAKEN: ("warn", _l("进入未识别转账")),
    Reason.OUTGOING: ("", _l("支出，只保存")),
}
KINDS = {AllocationKind.BILL: _l("付账单"), AllocationKind.BALANCE: _l("记入余额"), AllocationKind.RETURNED: _l("退回付款方")}


def foretold(line: Looked) -> tuple[str, str]:
    """A tone and a few words for what would become of a line."""
    if line.known:
        return "", str(_l("重复，已经有了"))
    if line.match is None:
        return "bad", str(_l("读不出来"))
    tone, words = FORETOLD[line.match.reason]
    return tone, str(words)


def problem(entry: Entry) -> str:
    """Why a line cannot be used, in the reader's language."""
    return translate(entry.problem) if isinstance(entry.problem, Refusal) else ""
