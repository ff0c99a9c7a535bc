"""The permission table: what each role may do, on one screen.

Guards, menus and the pages that explain the roles read this table and nothing else; what it does not say is
not allowed. A permission is `noun.verb`; `noun.read` changes nothing, and the auditor holds exactly those.

To add one: write a line here (a letter is a cell that is open, `-` one that is closed), put
`@guards.require("noun.verb")` below the route of every view that needs it — a view of a face declares exactly
one — and add English for its words. `tests/test_permissions.py` then walks the new cells by itself.
"""

from __future__ import annotations

from dataclasses import dataclass

from market.accounts.models import OrganizationKind as Kind
from market.accounts.models import Role

#: The roles of each side, and the letter of each one's column.
COLUMNS: dict[Kind, dict[str, Role]] = {
    Kind.BUYER: {"O": Role.OWNER, "P": Role.PURCHASER, "T": Role.TECHNICIAN, "F": Role.FINANCE, "V": Role.VIEWER},
    Kind.PROVIDER: {"O": Role.OWNER, "P": Role.PRODUCT, "F": Role.FINANCE, "D": Role.DEVELOPER},
    Kind.PLATFORM: {"R": Role.REVIEWER, "C": Role.CURATOR, "F": Role.FINANCE, "A": Role.AUDITOR, "S": Role.SUPER},
}

TABLE: dict[Kind, dict[str, tuple[str, str]]] = {
    Kind.BUYER: {  #           Owner, Purchaser, Technician, Finance, Viewer
        "overview.read":       ("OPTFV", "看概览"),
        "subscriptions.read":  ("OPT-V", "看订阅了哪些服务、什么状态"),
        "subscriptions.order": ("OP---", "订购服务，续用，试用后转正式"),
        "subscriptions.change": ("OP---", "换套餐，调整数量，暂停和恢复"),
        "subscriptions.end":   ("OP---", "退订服务"),
        "orders.read":         ("OP---", "看超过额度、要审批的订单"),
        "orders.approve":      ("O----", "批准或不批准要审批的订单"),
        "orders.limit":        ("O----", "设定多少钱以上的订单要审批"),
        "access.read":         ("O-T--", "看服务的登录信息"),
        "access.rotate":       ("O-T--", "请服务商更换登录信息"),
        "reviews.write":       ("OP---", "评价用过的服务"),
        "usage.read":          ("OPT-V", "看用了多少"),
        "usage.confirm":       ("OPT--", "确认每天的用量，提出异议"),
        "money.read":          ("OP-F-", "看金额：价格、费用、预计"),
        "budget.read":         ("OP-F-", "看每月预算"),
        "budget.edit":         ("O--F-", "设定和修改每月预算"),
        "bills.read":          ("OP-F-", "看账单和付款"),
        "bills.pay":           ("O--F-", "付账单"),
        "fapiao.read":         ("O--F-", "看发票和发票抬头"),
        "fapiao.request":      ("O--F-", "申请发票，管理发票抬头"),
        "organization.read":   ("OP-F-", "看企业资料"),
        "organization.edit":   ("O----", "修改企业资料"),
        "members.read":        ("OPTFV", "看有哪些成员，退出企业"),
        "keys.read":           ("OPT--", "看接口密钥"),
        "keys.edit":           ("O-T--", "管理接口密钥"),
        "exports.make":        ("O----", "导出企业的全部数据"),
        "members.edit":        ("O----", "邀请和移除成员，分配角色"),
        "audit.read":          ("OP---", "看操作记录"),
    },
    Kind.PROVIDER: {  #        Owner, Product, Finance, Developer
        "overview.read":       ("OPFD", "看概览"),
        "offerings.read":      ("OP-D", "看服务、套餐和计量项"),
        "offerings.edit":      ("OP--", "编写服务和价格，提交审核"),
        "customers.read":      ("OPFD", "看客户的订阅和用量"),
        "money.read":          ("OPF-", "看金额：每个客户的费用"),
        "reviews.read":        ("OPFD", "看客户的评价"),
        "reviews.answer":      ("OP--", "回复客户的评价"),
        "provisioning.do":     ("OP-D", "开通和停止客户的服务"),
        "events.read":         ("O--D", "看上报的用量和没计入的原因"),
        "events.write":        ("O--D", "上传用量文件，改正并重发没计入的事件"),
        "corrections.make":    ("O--D", "更正已经计入的用量"),
        "corrections.approve": ("O--D", "复核同事提出的大额更正"),
        "days.read":           ("OPFD", "看客户对每天用量的异议"),
        "days.answer":         ("OP-D", "回复客户对用量的异议"),
        "fapiao.read":         ("O-F-", "看客户申请的发票"),
        "fapiao.issue":        ("O-F-", "登记开好的发票，说明开不了的原因"),
        "keys.read":           ("O--D", "看接口密钥"),
        "keys.edit":           ("O--D", "管理接口密钥和通知地址"),
        "profile.read":        ("OPFD", "看服务商资料"),
        "profile.edit":        ("OP--", "修改服务商资料"),
        "members.read":        ("OPFD", "看有哪些成员，退出服务商"),
        "exports.make":        ("O---", "导出公司的全部数据"),
        "members.edit":        ("O---", "邀请和移除成员，分配角色"),
        "audit.read":          ("OP-D", "看操作记录"),
    },
    Kind.PLATFORM: {  #        Reviewer, Curator, Finance, Auditor, Super
        "overview.read":       ("RCFAS", "看概览"),
        "reviews.read":        ("RC-AS", "看服务和它们的上架审核"),
        "reviews.decide":      ("R---S", "决定上架，暂停服务"),
        "feedback.read":       ("R--AS", "看客户的评价、访客反馈的问题和要找的服务"),
        "feedback.decide":     ("R---S", "答复反馈的问题和要找的服务，隐藏违法的评价"),
        "recommended.read":    ("-C-AS", "看推荐目录的评审"),
        "recommended.decide":  ("-C--S", "提名、评分和决定推荐目录"),
        "providers.read":      ("R-FAS", "看服务商和他们的证照"),
        "providers.decide":    ("R---S", "决定入驻，暂停服务商"),
        "organizations.read":  ("R-FAS", "看企业和他们的成员"),
        "verifications.read":  ("R--AS", "看企业核验的申请和执照"),
        "verifications.decide": ("R---S", "决定企业核验"),
        "provisioning.read":   ("R-FAS", "看服务商没按时办和没办成的任务"),
        "payments.read":       ("--FAS", "看付款"),
        "payments.confirm":    ("--F-S", "确认到账"),
        "bills.read":          ("--FAS", "看所有账单"),
        "bills.close":         ("--F-S", "月结"),
        "credits.read":        ("--FAS", "看冲减单、余额和退款"),
        "credits.propose":     ("--F-S", "提出冲减账单，作废冲减单"),
        "credits.approve":     ("--F-S", "复核同事提出的大额冲减"),
        "refunds.settle":      ("--F-S", "登记退款"),
        "dunning.read":        ("--FAS", "看催款：欠款、步骤和暂缓"),
        "dunning.act":         ("--F-S", "催款，暂缓催款"),
        "dunning.edit":        ("----S", "修改催款步骤"),
        "ledger.read":         ("--FAS", "看账簿：账户和分录"),
        "fapiao.read":         ("--FAS", "看所有发票申请"),
        "policies.read":       ("RCFAS", "看平台规则和隐私政策的各个版本"),
        "policies.edit":       ("----S", "公布平台规则和隐私政策的新版本"),
        "members.read":        ("RCFAS", "看有哪些管理员，退出平台"),
        "members.edit":        ("----S", "邀请和移除管理员，分配角色"),
        "audit.read":          ("R-FAS", "看操作记录"),
    },
}  # fmt: skip

#: Everything an API key can be allowed to do, and what a firm that buys may allow its own.
SCOPES = ("events:write", "catalogue:read", "subscriptions:read", "usage:read", "provisioning:write")
_SCOPES_OF = {Kind.PROVIDER: SCOPES, Kind.BUYER: ("usage:read",), Kind.PLATFORM: ()}


@dataclass(frozen=True)
class Permission:
    """One line of the table: a permission in words, and who holds it."""

    name: str
    words: str
    roles: frozenset[Role]


def permissions_of(kind: Kind) -> tuple[Permission, ...]:
    """The lines of one side, in the table's order."""
    return tuple(_PERMISSIONS[kind].values())


def may(kind: Kind, role: Role, permission: str) -> bool:
    """Whether `role` in an organization of this kind holds `permission`."""
    known = _PERMISSIONS[kind].get(permission)
    return known is not None and role in known.roles


def roles_of(kind: Kind) -> tuple[Role, ...]:
    """The roles that exist in an organization of this kind, in the order of the columns."""
    return tuple(COLUMNS[kind].values())


def scopes_of(kind: Kind) -> tuple[str, ...]:
    """What a key of an organization of this kind can be allowed to do."""
    return _SCOPES_OF[kind]


def top_of(kind: Kind) -> Role:
    """The role that may do everything and that never dies out: the owner, and the office's super."""
    return Role.SUPER if kind is Kind.PLATFORM else Role.OWNER


def grantable(kind: Kind, role: Role) -> tuple[Role, ...]:
    """The roles that `role` may give to others: those that may do nothing it may not."""
    own = _held(kind, role)
    return tuple(each for each in roles_of(kind) if _held(kind, each) <= own)


def _held(kind: Kind, role: Role) -> frozenset[str]:
    return frozenset(each.name for each in permissions_of(kind) if role in each.roles)


def _line(kind: Kind, name: str, cells: str, words: str) -> Permission:
    columns = COLUMNS[kind]
    if len(cells) != len(columns) or any(
        cell not in (letter, "-") for cell, letter in zip(cells, columns, strict=True)
    ):
        raise ValueError(f"{kind} {name}: {cells!r} does not fit the columns {''.join(columns)}")
    return Permission(name, words, frozenset(columns[cell] for cell in cells if cell != "-"))


_PERMISSIONS = {
    kind: {name: _line(kind, name, *line) for name, line in lines.items()} for kind, lines in TABLE.items()
}
