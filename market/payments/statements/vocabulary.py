"""What banks write in their statements: the words are theirs, and are looked for, never shown."""

from __future__ import annotations

import re
from collections.abc import Mapping

#: What each column may be called, the best name first.
NAMES: Mapping[str, tuple[str, ...]] = {
    "day": ("交易日期", "记账日期", "入账日期", "交易日", "记账日", "日期", "交易时间", "记账时间", "入账时间", "bookingdate", "transactiondate", "date"),
    "income": ("贷方发生额", "贷方金额", "收入金额", "转入金额", "存入金额", "收入", "贷方", "credit", "creditamount"),
    "outgo": ("借方发生额", "借方金额", "支出金额", "转出金额", "支取金额", "支出", "借方", "debit", "debitamount"),
    "amount": ("交易金额", "发生额", "金额", "交易额", "amount"),
    "direction": ("借贷标志", "借贷方向", "收支方向", "收支标志", "借贷", "收支", "收/支", "方向", "direction"),
    "payer": ("对方户名", "对方账户名称", "对方名称", "对方单位名称", "对方单位", "付款人名称", "付款户名", "付款人", "交易对方", "counterparty", "payer"),
    "payer_account": ("对方账号", "对方帐号", "付款人账号", "付款账号", "counterpartyaccount"),
    "reference": ("交易流水号", "银行流水号", "核心流水号", "流水号", "交易流水", "交易序号", "凭证号", "reference", "transactionid"),
    "remark": ("附言", "交易附言", "用途", "摘要", "交易摘要", "备注", "remark", "memo", "description"),
}
TOTALS = ("合计", "总计", "小计", "本页合计", "总笔数", "总金额", "total")
ACCOUNT = re.compile(r"账号|帐号|accountno|accountnumber")
DAY = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?:[T ].*)?", re.ASCII)
IN = frozenset({"贷", "贷方", "收", "收入", "转入", "存入", "来账", "入账", "入", "c", "cr", "crdt", "credit", "in", "+"})
OUT = frozenset({"借", "借方", "支", "支出", "转出", "付", "支取", "往账", "出账", "出", "d", "dr", "dbit", "debit", "out", "-"})
CURRENCY = ("CNY", "RMB", "¥", "元")
