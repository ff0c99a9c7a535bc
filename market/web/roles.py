"""What each role is called on screen, and what it is for in one sentence; the table says what it may do."""

from flask import Flask
from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from market.accounts import OrganizationKind as Kind
from market.accounts import Role

LABELS: dict[Role, LazyString] = {
    Role.OWNER: _l("老板（所有者）"),
    Role.PURCHASER: _l("采购"),
    Role.TECHNICIAN: _l("技术"),
    Role.FINANCE: _l("财务"),
    Role.VIEWER: _l("只看"),
    Role.PRODUCT: _l("产品"),
    Role.DEVELOPER: _l("开发"),
    Role.REVIEWER: _l("审核员"),
    Role.CURATOR: _l("推荐目录管理"),
    Role.AUDITOR: _l("审计"),
    Role.SUPER: _l("超级管理员"),
}
PURPOSES: dict[Kind, dict[Role, LazyString]] = {
    Kind.BUYER: {
        Role.OWNER: _l("什么都能做：订购、付款、管理成员和企业资料。"),
        Role.PURCHASER: _l("订购和退订服务，看费用和账单。不能付款，看不到登录信息。"),
        Role.TECHNICIAN: _l("看服务的登录信息和用量。看不到任何金额，不能订购。"),
        Role.FINANCE: _l("只看账单、付账单、申请发票。不能订购，看不到登录信息。"),
        Role.VIEWER: _l("看有哪些服务、用了多少。看不到金额，什么都不能改。"),
    },
    Kind.PROVIDER: {
        Role.OWNER: _l("什么都能做，包括管理成员。"),
        Role.PRODUCT: _l("编写服务和价格，提交审核，处理开通。不管接口密钥。"),
        Role.FINANCE: _l("看客户的订阅、用量和费用，登记客户要的发票。不能改服务和价格。"),
        Role.DEVELOPER: _l("管理接口密钥和用量上报，处理开通。不能改服务和价格。"),
    },
    Kind.PLATFORM: {
        Role.REVIEWER: _l("审核服务上架，核验服务商和企业。"),
        Role.CURATOR: _l("管理推荐目录：提名、评分、决定。"),
        Role.FINANCE: _l("确认到账，做月结，冲减账单，登记退款。"),
        Role.AUDITOR: _l("什么都能看，什么都不能改。"),
        Role.SUPER: _l("什么都能做，包括管理其他管理员。"),
    },
}


def init_app(app: Flask) -> None:
    """Let templates name a role."""
    app.jinja_env.globals["role_label"] = LABELS.__getitem__
