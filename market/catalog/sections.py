"""The description of an offering: which facts there are, grouped, with their labels and rules.

This is the only list. `facts` builds the model, the checks and the comparison from it; the vendor
editor draws its form from it and the offering page its sections. A new fact is one row here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple


class Choice(NamedTuple):
    """One answer that can be picked."""

    value: str
    label_zh: str
    label_en: str


@dataclass(frozen=True)
class Fact:
    """One thing an offering says. `kind` chooses the type, the widget and the way it is shown."""

    key: str
    label_zh: str
    label_en: str
    kind: Literal[
        "line", "text", "lines", "choice", "choices", "slug", "slugs", "places", "percent", "yuan", "days",
        "certificates", "questions",
    ]  # fmt: skip
    bilingual: bool = False
    required: bool = False
    needed_if: tuple[str, tuple[str, ...]] | None = None  # also required while that fact has one of these values
    least: int = 1  # entries a list needs to be complete
    most: int = 0  # characters of a text (Chinese), entries of a list
    choices: tuple[Choice, ...] = ()
    material: bool = True  # a change touches what a buyer relies on, so a review looks at it closely
    hint_zh: str = ""
    hint_en: str = ""

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of its fields in `OfferingFacts`."""
        return (f"{self.key}_zh", f"{self.key}_en") if self.bilingual else (self.key,)


@dataclass(frozen=True)
class Section:
    """A group of facts that is filled in and reviewed together."""

    slug: str
    title_zh: str
    title_en: str
    facts: tuple[Fact, ...]


SERVICE_LAYERS = (
    Choice("iaas", "基础设施（IaaS）", "Infrastructure (IaaS)"),
    Choice("paas", "平台（PaaS）", "Platform (PaaS)"),
    Choice("saas", "软件（SaaS）", "Software (SaaS)"),
)
CROSS_BORDER = (
    Choice("none", "数据不出境", "Data stays in the country"),
    Choice("on_request", "您书面要求时才出境", "Leaves the country only at your written request"),
    Choice("yes", "部分数据会出境", "Some data leaves the country"),
)
CERTIFICATES = (
    Choice("djbh2", "网络安全等级保护二级", "Cybersecurity grading (MLPS), level 2"),
    Choice("djbh3", "网络安全等级保护三级", "Cybersecurity grading (MLPS), level 3"),
    Choice("trusted_cloud", "可信云", "Trusted Cloud (CAICT)"),
    Choice("iso27001", "ISO 27001 信息安全管理", "ISO 27001 information security"),
    Choice("iso9001", "ISO 9001 质量管理", "ISO 9001 quality management"),
    Choice("icp", "增值电信业务许可：信息服务（ICP）", "Telecom licence: information services (ICP)"),
    Choice("edi", "增值电信业务许可：在线数据与交易处理（EDI）", "Telecom licence: online data and transactions (EDI)"),
    Choice("idc", "增值电信业务许可：互联网数据中心（IDC）", "Telecom licence: internet data center (IDC)"),
    Choice("sms", "增值电信业务许可：短信息服务", "Telecom licence: text messages"),
    Choice("pci_dss", "PCI DSS 支付卡数据安全", "PCI DSS payment card security"),
    Choice("ca", "电子认证服务许可", "Electronic certification licence"),
)
CHANNELS = (
    Choice("phone", "电话", "Phone"),
    Choice("chat", "在线客服", "Online chat"),
    Choice("email", "邮件", "E-mail"),
    Choice("remote", "远程协助", "Remote help"),
    Choice("onsite", "上门", "On site"),
)
FAPIAO = (
    Choice("special", "增值税专用发票", "Special VAT fapiao"),
    Choice("ordinary", "增值税普通发票", "Ordinary VAT fapiao"),
)
PAYMENT_METHODS = (
    Choice("bank_transfer", "对公转账", "Bank transfer"),
    Choice("alipay", "支付宝", "Alipay"),
    Choice("wechat", "微信支付", "WeChat Pay"),
    Choice("card", "银行卡", "Bank card"),
)

SECTIONS = (
    Section("basics", "基本情况", "Basics", (
        Fact("name", "服务名称", "Name", "line", bilingual=True, required=True, most=24),
        Fact("tagline", "一句话好处", "Benefit in one sentence", "line", bilingual=True, required=True, most=50,
             material=False, hint_zh="写客户得到什么，例如：每天自动备份，误删 30 天内能找回",
             hint_en="What the customer gets, e.g. Backed up every day; get deleted files back for 30 days"),
        Fact("description", "详细说明", "Description", "text", bilingual=True, required=True, most=800, material=False),
        Fact("subcategory", "所属小类", "Sub-category", "slug", required=True),
        Fact("service_layer", "服务层次", "Service layer", "choice", required=True, choices=SERVICE_LAYERS),
        Fact("sectors", "适合的行业", "Suited to these sectors", "slugs", most=12, material=False,
             hint_zh="不选表示各行业都适合", hint_en="None chosen means any sector"),
        Fact("keywords", "客户会怎么搜", "What customers search for", "lines", most=12, material=False,
             hint_zh="每行一个词，例如：备份、误删恢复", hint_en="One a line, e.g. backup, recover deleted files"),
    )),
    Section("benefits", "能做什么", "What it does", (
        Fact("benefits", "能帮客户做什么", "What it does for you", "lines", bilingual=True, required=True, least=3,
             most=8, material=False, hint_zh="每行一条，写得出结果的事，不写形容词",
             hint_en="One a line: results, not adjectives"),
        Fact("not_for", "不适合", "Not suited to", "lines", bilingual=True, required=True, most=4, material=False,
             hint_zh="说清哪些情况不该买，可以少一次退订",
             hint_en="Saying who should not buy saves a cancellation"),
        Fact("start_steps", "怎么开始（3 步）", "How to start (3 steps)", "lines", bilingual=True, required=True,
             least=3, most=3, material=False),
        Fact("deadline_setup", "多久能用上", "Time until it works", "line", bilingual=True, required=True, most=30),
        Fact("faq", "常见问题", "Common questions", "questions", most=10, material=False),
    )),
    Section("promises", "承诺", "Promises", (
        Fact("availability", "每月可用性承诺", "Monthly availability promise", "percent",
             hint_zh="百分数，例如 99.9；没有承诺就留空", hint_en="Percent, e.g. 99.9; empty if you promise none"),
        Fact("availability_credit", "达不到怎么赔", "What you get if it is missed", "line", bilingual=True, most=80,
             needed_if=("availability", ())),
    )),
    Section("compliance", "数据与资质", "Data and certificates", (
        Fact("data_location", "数据存放地", "Where data is kept", "places", required=True, most=21),
        Fact("data_location_note", "存放地说明", "Note on the place", "line", bilingual=True, most=60),
        Fact("cross_border", "数据出境", "Data leaving the country", "choice", required=True, choices=CROSS_BORDER),
        Fact("cross_border_note", "出境说明", "What leaves and why", "line", bilingual=True, most=100,
             needed_if=("cross_border", ("on_request", "yes"))),
        Fact("certificates", "资质证书", "Certificates", "certificates", most=12),
    )),
    Section("support", "客服与付款", "Support and payment", (
        Fact("support_hours", "人工客服时间", "Support hours", "line", bilingual=True, required=True, most=40),
        Fact("support_channels", "联系方式", "Ways to reach you", "choices", required=True, choices=CHANNELS),
        Fact("fapiao", "可开发票", "Fapiao", "choices", required=True, choices=FAPIAO),
        Fact("payment_methods", "付款方式", "Payment methods", "choices", required=True, choices=PAYMENT_METHODS),
    )),
    Section("exit", "退出", "Leaving", (
        Fact("export_format", "数据怎么带走", "How to take your data", "line", bilingual=True, required=True, most=80),
        Fact("export_days", "停用后可导出天数", "Days to export after the end", "days", required=True),
        Fact("deletion_days", "停用后多少天内彻底删除", "Days until everything is deleted", "days", required=True),
        Fact("exit_fee", "退出费用（元）", "Exit fee (yuan)", "yuan", required=True,
             hint_zh="不收费填 0", hint_en="0 if there is none"),
    )),
)  # fmt: skip
