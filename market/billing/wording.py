"""The words of a bill as a document, in both languages: page, print and PDF say the same.

Pure strings; the working of an amount is worded by `rating`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date as Date
from datetime import datetime
from decimal import Decimal
from typing import Final

from market.billing.models import BillStatus
from market.catalog import Filter
from market.kit import money, quantity
from market.kit.period import SHANGHAI, Period

_ZH: Final[Mapping[str, str]] = {
    "title": "月度账单",
    "title.draft": "未出账的账单",
    "number": "账单编号",
    "state": "状态",
    "not_fapiao": "本账单不是发票。需要抵扣税款，请向服务商另外申请发票。",
    "draft_note": "这张账单还没有出账。宽限期内服务商补报的用量会计入，金额可能变化。",
    "buyer": "付款方",
    "payee": "收款方",
    "period": "账期",
    "uscc": "统一社会信用代码 {uscc}",
    "bank": "开户行：{bank}",
    "account": "账号 {account}",
    "span": "{first} 至 {last}",
    "issued": "出账 {date}",
    "due": "最晚付款 {date}",
    "seller": "服务商：{name}",
    "seller.uscc": "统一社会信用代码 {uscc}",
    "column.what": "服务与项目",
    "column.how": "怎么算的",
    "column.net": "不含税（¥）",
    "column.tax": "税额（¥）",
    "column.gross": "含税（¥）",
    "part": "{first} 至 {last}，共 {days} 天",
    "year": "{first} 至 {last}，整年预付",
    "year.part": "{first} 至 {last}，本年剩下的 {days} 天",
    "paused": "暂停期间：{first} 至 {last}，共 {days} 天",
    "units": "{plan} × {units} {unit}",
    "back": "退回：{charge}",
    "back.span": "{first} 至 {last}，预付了但不再使用的 {days} 天",
    "rounded": "和前面各段合起来四舍五入，这一段是 {amount}",
    "back.given": "这些天一共 {total}，其中 {given} 冲减单已经退过",
    "back.how": "一共退 {total}：这张账单抵扣 {part}，另外 {rest} 另开冲减单退回",
    "trial": "免费试用",
    "trial.how": "试用期内不收费",
    "adjustment": "{month}用量的补报和更正",
    "adjustment.how": "按补报、更正后的用量重算 {total}，之前的账单已收 {booked}",
    "adjustment.given": "，冲减单已退 {given}",
    "news.late": "{date} 收到补报 {number} 条记录",
    "news.corrected": "{date} 更正：{reason}",
    "news.and": "；",
    "news.more": "另有 {number} 次",
    "reason.wrong_value": "数值报错",
    "reason.sent_twice": "同一次用量报了两次",
    "reason.wrong_customer": "报到了别的客户名下",
    "reason.not_real": "测试数据，不是真实用量",
    "reason.agreed": "和客户核对后商定",
    "reason.other": "其他",
    "used": "用量 {used}",
    "picked": "只计 {property} 为 {values} 的用量",
    "between": "、",
    "subtotal": "小计（税率 {rate}）",
    "total": "应付合计",
    "capital": "大写",
    "paid": "已付",
    "credited": "冲减",
    "returned": "付款后退回",
    "owed": "还要付",
    "notes": "冲减单",
    "note": "{number}，{date} 冲减 {amount}：{went}",
    "note.offset": "少付 {amount}",
    "note.balance": "{amount} 转入余额",
    "note.refund": "{amount} 退回账户",
    "note.and": "，",
    "balance": "{date} 用余额抵扣 {amount}",
    "part.some": "第 {first}–{last} 行，共 {total} 行",
    "part.none": "明细共 {total} 行，不在这份文件里：在账单页下载 CSV 文件。下面是每个服务商的合计。",
    "subtotal.lines": "税率 {rate}，{number} 行",
    "payments": "付款记录",
    "payments.none": "还没有付款记录。",
    "payment": "{date} 对公转账到账 {amount}，付款户名 {payer}",
    "payment.way": "{date} 用{way}付了 {amount}",
    "reopened": "{date} 有 {amount} 付款被退回，账单重新要付",
    "cutoff": "用量截至 {moment} 收到的数据",
    "letterhead": "{site} · 中小企业云服务市场",
    "page": "第 {page} 页，共 {pages} 页",
}
_EN: Final[Mapping[str, str]] = {
    "title": "Monthly bill",
    "title.draft": "Bill not issued yet",
    "number": "Bill number",
    "state": "State",
    "not_fapiao": "This bill is not a fapiao (tax invoice). To deduct tax, request a fapiao from the provider.",
    "draft_note": "This bill has not been issued. Usage that providers report late is still added, so the amount may change.",
    "buyer": "Bill to",
    "payee": "Pay to",
    "period": "Period",
    "uscc": "Unified social credit code {uscc}",
    "bank": "Bank: {bank}",
    "account": "Account {account}",
    "span": "{first} to {last}",
    "issued": "Issued {date}",
    "due": "Pay by {date}",
    "seller": "Provider: {name}",
    "seller.uscc": "Unified social credit code {uscc}",
    "column.what": "Service and charge",
    "column.how": "How it was worked out",
    "column.net": "Net (¥)",
    "column.tax": "Tax (¥)",
    "column.gross": "Gross (¥)",
    "part": "{first} to {last}, {days} days",
    "year": "{first} to {last}, a year in advance",
    "year.part": "{first} to {last}, the {days} days left of this year",
    "paused": "While paused: {first} to {last}, {days} days",
    "units": "{plan} × {units} {unit}",
    "back": "Money back: {charge}",
    "back.span": "{first} to {last}, {days} days paid in advance and not used",
    "rounded": "Rounded together with the parts before it, this part is {amount}",
    "back.given": "These days come to {total}, of which credit notes gave back {given} already",
    "back.how": "{total} to give back in all: {part} comes off this bill, {rest} is given back by credit note",
    "trial": "Free trial",
    "trial.how": "Nothing is charged during the trial",
    "adjustment": "Usage of {month} reported late or corrected",
    "adjustment.how": "Worked out again with what was reported or corrected since: {total}; earlier bills charged {booked}",
    "adjustment.given": ", credit notes gave back {given}",
    "news.late": "{date}: records reported late: {number}",
    "news.corrected": "{date}: corrected, {reason}",
    "news.and": "; ",
    "news.more": "{number} more",
    "reason.wrong_value": "wrong value reported",
    "reason.sent_twice": "the same use reported twice",
    "reason.wrong_customer": "reported for another customer",
    "reason.not_real": "test data, no real use",
    "reason.agreed": "agreed with the customer",
    "reason.other": "another reason",
    "used": "Used {used}",
    "picked": "Only usage whose {property} is {values}",
    "between": " or ",
    "subtotal": "Subtotal (tax rate {rate})",
    "total": "Total to pay",
    "capital": "In words",
    "paid": "Paid",
    "credited": "Credited",
    "returned": "Given back after payment",
    "owed": "Still to pay",
    "notes": "Credit notes",
    "note": "{number} of {date}: {amount} credited, {went}",
    "note.offset": "{amount} less to pay",
    "note.balance": "{amount} added to your balance",
    "note.refund": "{amount} paid back to your account",
    "note.and": ", ",
    "balance": "{date}: {amount} paid from your balance",
    "part.some": "Lines {first}–{last} of {total}",
    "part.none": "The {total} lines are not in this file: download them as CSV from the page of the bill. Below are the sums by provider.",
    "subtotal.lines": "Tax rate {rate}, {number} lines",
    "payments": "Payments",
    "payments.none": "Nothing has been paid yet.",
    "payment": "{date}: bank transfer of {amount} arrived from {payer}",
    "payment.way": "{date}: {amount} paid, {way}",
    "reopened": "{date}: {amount} of what was paid went back, to be paid again",
    "cutoff": "Usage as received by {moment}",
    "letterhead": "{site} · Cloud services for small and medium enterprises",
    "page": "Page {page} of {pages}",
}
_STATES: Final[Mapping[BillStatus, tuple[str, str]]] = {
    BillStatus.DRAFT: ("未出账", "Not issued"),
    BillStatus.OPEN: ("待付款", "To be paid"),
    BillStatus.PART_PAID: ("部分付款", "Partly paid"),
    BillStatus.PAID: ("已付清", "Paid"),
    BillStatus.OVERDUE: ("已逾期", "Overdue"),
    BillStatus.WRITTEN_OFF: ("已核销", "Written off"),
    BillStatus.VOID: ("已作废", "Void"),
}
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MINUS: Final = "−"


class Words:
    """The words of one language."""

    def __init__(self, locale: str) -> None:
        self.english = locale.lower().startswith("en")
        self.locale = "en" if self.english else "zh"
        self._words = _EN if self.english else _ZH

    def say(self, key: str, **values: object) -> str:
        """A phrase, filled in."""
        return self._words[key].format(**values)

    def state(self, status: BillStatus) -> str:
        """What a bill's state is called."""
        return _STATES[status][self.english]

    def local(self, words: Mapping[str, str], key: str) -> str:
        """`key_zh` or `key_en`, whichever is there."""
        return words.get(f"{key}_{self.locale}") or words.get(f"{key}_zh") or words.get(f"{key}_en") or ""

    def date(self, day: Date, *, year: bool = True) -> str:
        """2026年10月1日; 1 Oct 2026."""
        if self.english:
            return f"{day.day} {_MONTHS[day.month - 1]}{f' {day.year}' if year else ''}"
        return f"{f'{day.year}年' if year else ''}{day.month}月{day.day}日"

    def month(self, day: Date) -> str:
        """2026年10月; Oct 2026."""
        return f"{_MONTHS[day.month - 1]} {day.year}" if self.english else f"{day.year}年{day.month}月"

    def moment(self, at: datetime) -> str:
        """2026年11月4日 00:00 in Guangdong."""
        local = at.astimezone(SHANGHAI)
        return f"{self.date(local.date())}{',' if self.english else ''} {local:%H:%M}"

    def span(self, period: Period, key: str = "span") -> str:
        """First and last day; a year that both share is said once."""
        first, last = period.first_day, period.last_day
        return self.say(
            key,
            first=self.date(first, year=not self.english or first.year != last.year),
            last=self.date(last, year=self.english or first.year != last.year),
            days=period.days,
        )


def picked(only: Filter | None, locale: str) -> str:
    """Which usage a charge prices, in words; nothing where it prices all."""
    words = Words(locale)
    values = words.say("between").join(only.values) if only else ""
    return words.say("picked", property=only.property, values=values) if only else ""


def amount(fen: int) -> str:
    """1,234.56 with a typographic minus, as columns headed （¥） want it."""
    return money.text(fen).replace("-", _MINUS)


def price(fen: int) -> str:
    """¥1,234.56."""
    return f"{_MINUS if fen < 0 else ''}¥{money.text(abs(fen))}"


def percent(rate: str) -> str:
    """`0.06` → 6%."""
    return f"{quantity.text(Decimal(rate) * 100)}%"
