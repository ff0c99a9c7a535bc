"""Menus and links: what does not exist is not shown, nor what the asker may not open.

What a page asks for is declared at the page (`guards.require`); no menu repeats it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from flask import Flask, current_app, g, request, url_for
from flask_babel import LazyString
from flask_babel import lazy_gettext as _l


@dataclass(frozen=True)
class Entry:
    """A place in a menu."""

    endpoint: str
    label: LazyString
    icon: str = ""
    values: tuple[tuple[str, str], ...] = ()
    #: What it is called for those who lack a permission: that permission, and the other name.
    without: tuple[str, LazyString] | None = None
    #: Modules without an entry of their own whose pages belong here.
    also: tuple[str, ...] = ()

    @property
    def url(self) -> str:
        return url_for(self.endpoint, _external=False, **dict(self.values))

    @property
    def current(self) -> bool:
        """Whether the page shown belongs to this entry's module, or to one that stands with it."""
        modules = (self.endpoint.rpartition(".")[0], *self.also)
        if not (request.endpoint or "").startswith(tuple(f"{module}." for module in modules)):
            return False
        return not self.values or all(
            (request.view_args or {}).get(key) == value for key, value in self.values
        )


MAIN = (
    Entry("storefront.offerings.index", _l("全部服务")),
    Entry("storefront.recommended.index", _l("推荐目录")),
    Entry("storefront.solutions.index", _l("按需求找")),
    Entry("storefront.providers.index", _l("服务商名录")),
)
CONSOLE = (
    Entry("console.overview.index", _l("概览"), "home"),
    Entry(
        "console.subscriptions.index", _l("我的订阅"), "package",
        also=("console.access", "console.contracts", "console.prices", "console.setup"),
    ),
    Entry("console.approvals.index", _l("订单审批"), "clipboard-check"),
    Entry("console.usage.index", _l("用量与费用"), "chart-line", without=("money.read", _l("用量")), also=("console.days",)),
    Entry("console.replay.index", _l("换个套餐要多少钱"), "scale"),
    Entry(
        "console.bills.index", _l("账单"), "file-invoice",
        also=("console.balance", "console.credit_notes", "console.payments", "console.receipts"),
    ),
    Entry("console.fapiao.index", _l("发票"), "receipt"),
    Entry("console.reviews.index", _l("我的评价"), "star-filled"),
    Entry("console.team.index", _l("成员与权限"), "users"),
    Entry("console.activity.index", _l("操作记录"), "history"),
    Entry("console.exports.index", _l("导出全部数据"), "download"),
    Entry("console.keys.index", _l("接口密钥"), "key"),
    Entry("console.organization.show", _l("企业资料"), "building", also=("console.verification",)),
)
VENDOR = (
    Entry("vendor.overview.index", _l("概览"), "home"),
    Entry("vendor.offerings.index", _l("我的服务"), "package"),
    Entry("vendor.meters.index", _l("计量项"), "scale"),
    Entry("vendor.tasks.index", _l("待办任务"), "list-check", without=("provisioning.do", _l("同事的任务"))),
    Entry("vendor.customers.index", _l("我的客户"), "users", also=("vendor.contracts",)),
    Entry("vendor.usage.index", _l("用量"), "chart-line"),
    Entry("vendor.events.index", _l("用量上报"), "activity"),
    Entry("vendor.days.index", _l("用量核对"), "clipboard-check"),
    Entry("vendor.reviews.index", _l("客户评价"), "star-filled"),
    Entry("vendor.fapiao.index", _l("客户要的发票"), "receipt"),
    Entry("vendor.keys.index", _l("接口密钥"), "key"),
    Entry("vendor.webhooks.index", _l("通知地址"), "webhook"),
    Entry("vendor.lines.index", _l("账单明细"), "file-invoice"),
    Entry("vendor.credit_notes.index", _l("冲减"), "wallet"),
    Entry("vendor.revenue.index", _l("收入"), "wallet"),
    Entry("vendor.team.index", _l("成员与权限"), "users"),
    Entry("vendor.activity.index", _l("操作记录"), "history"),
    Entry("vendor.exports.index", _l("导出全部数据"), "download"),
    Entry("vendor.profile.show", _l("服务商资料"), "building"),
)
ADMIN = (
    Entry("admin.overview.index", _l("概览"), "home"),
    Entry("admin.reviews.index", _l("上架审核"), "clipboard-check"),
    Entry("admin.recommended.index", _l("推荐目录"), "award"),
    Entry("admin.reports.index", _l("反馈的问题"), "speakerphone"),
    Entry("admin.requirements.index", _l("要找的服务"), "search"),
    Entry("admin.opinions.index", _l("客户评价"), "star-filled"),
    Entry("admin.providers.index", _l("服务商名录"), "building-store", also=("admin.offerings",)),
    Entry("admin.organizations.index", _l("企业名录"), "building"),
    Entry("admin.verifications.index", _l("企业核验"), "shield-check"),
    Entry("admin.provisioning.index", _l("开通超时和失败"), "clock"),
    Entry("admin.payments.index", _l("到账确认"), "building-bank", without=("payments.confirm", _l("转账一览"))),
    Entry("admin.bills.index", _l("账单"), "file-invoice", also=("admin.month_end",)),
    Entry("admin.credit_notes.index", _l("冲减与退款"), "wallet"),
    Entry("admin.dunning.index", _l("催款"), "bell"),
    Entry("admin.ledger.index", _l("账簿"), "book"),
    Entry("admin.fapiao.index", _l("发票申请"), "receipt"),
    Entry("admin.team.index", _l("管理员与权限"), "users"),
    Entry("admin.policies.index", _l("规则与政策"), "scale"),
    Entry("admin.audit.index", _l("操作记录"), "history"),
)
ACCOUNT = (
    Entry("account.profile.show", _l("个人资料"), "user"),
    Entry("account.email.show", _l("邮箱"), "mail"),
    Entry("account.password.edit", _l("密码"), "lock"),
    Entry("account.sessions.index", _l("登录记录"), "devices"),
    Entry("account.second_step.show", _l("两步验证"), "device-mobile"),
    Entry("account.passkeys.index", _l("通行密钥"), "fingerprint"),
    Entry("account.privacy.show", _l("我的数据"), "database"),
)
FOOTER: tuple[tuple[LazyString, tuple[Entry, ...]], ...] = (
    (
        _l("买得放心"),
        (
            Entry("storefront.help.show", _l("价格与账单说明"), values=(("topic", "pricing"),)),
            Entry("storefront.help.show", _l("退订与数据导出"), values=(("topic", "leaving"),)),
            Entry("storefront.recommended.index", _l("推荐目录怎么评")),
            Entry("storefront.requirements.new", _l("没找到？写下您要做的事")),
        ),
    ),
    (
        _l("财务"),
        (
            Entry("storefront.help.show", _l("对公转账指引"), values=(("topic", "payment"),)),
            Entry("storefront.help.show", _l("账单和发票的区别"), values=(("topic", "fapiao"),)),
        ),
    ),
    (
        _l("给服务商"),
        (
            Entry("storefront.providers.index", _l("服务商名录")),
            Entry("storefront.help.show", _l("上架与审核"), values=(("topic", "listing"),)),
            Entry("vendor.overview.index", _l("服务商后台")),
        ),
    ),
    (
        _l("平台规则"),
        (
            Entry("storefront.policies.show", _l("平台规则"), values=(("subject", "rules"),)),
            Entry("storefront.policies.show", _l("隐私政策"), values=(("subject", "privacy"),)),
            Entry("storefront.audit_heads.index", _l("操作记录的封存码")),
            Entry("storefront.help.index", _l("帮助中心")),
        ),
    ),
)

Can = Callable[[str], bool]


def init_app(app: Flask) -> None:
    """Give templates the menus and the two helpers that keep links alive."""
    app.jinja_env.globals.update(
        endpoint_exists=endpoint_exists,
        url_if=url_if,
        main_menu=lambda: existing(MAIN),
        side_menu=side_menu,
        footer_menu=footer_menu,
    )


def endpoint_exists(endpoint: str) -> bool:
    """Whether a page of this name has been built."""
    return endpoint in current_app.view_functions


def permission_of(endpoint: str) -> str:
    """The permission that a page declares; empty when it declares none."""
    return str(getattr(current_app.view_functions[endpoint], "permission", ""))


def url_if(endpoint: str, **values: Any) -> str | None:
    """The address of a page if it exists and, within one's own face, may be opened; else None.

    `{% if url_if(…) %}` keeps a link from being dead.
    """
    return url_for(endpoint, **values) if endpoint_exists(endpoint) and _opens(endpoint) else None


def existing(entries: Sequence[Entry]) -> list[Entry]:
    """The entries whose pages have been built."""
    return [entry for entry in entries if endpoint_exists(entry.endpoint)]


def shown(entries: Sequence[Entry], can: Can) -> list[Entry]:
    """The entries that exist and that somebody who `can` may open."""
    asked = [(entry, permission_of(entry.endpoint)) for entry in existing(entries)]
    mine = [entry for entry, permission in asked if not permission or can(permission)]
    return [replace(each, label=each.without[1]) if each.without and not can(each.without[0]) else each for each in mine]


def side_menu(face: str) -> list[Entry]:
    """The side menu of `console`, `vendor`, `admin` or `account` for the person asking."""
    entries = {"console": CONSOLE, "vendor": VENDOR, "admin": ADMIN, "account": ACCOUNT}[face]
    return shown(entries, g.get("can") or (lambda permission: False))


def footer_menu() -> list[tuple[LazyString, list[Entry]]]:
    """The footer's columns; an empty one is left out."""
    columns = [(title, existing(entries)) for title, entries in FOOTER]
    return [(title, entries) for title, entries in columns if entries]


def _opens(endpoint: str) -> bool:
    # What a person may do in another face, or on a page without a guard, that page will say.
    face = (request.endpoint or "").partition(".")[0]
    can: Can | None = g.get("can")
    permission = permission_of(endpoint)
    return not permission or can is None or endpoint.partition(".")[0] != face or can(permission)
