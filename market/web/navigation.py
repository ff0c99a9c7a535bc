"""Menus: entries name an endpoint; one that does not exist or is not allowed is not shown."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Flask, current_app, g, request, url_for
from flask_babel import LazyString
from flask_babel import lazy_gettext as _l


@dataclass(frozen=True)
class Entry:
    """A place in a menu. `permission` is what one must hold to see it."""

    endpoint: str
    label: LazyString
    icon: str = ""
    permission: str = ""
    values: tuple[tuple[str, str], ...] = ()

    @property
    def url(self) -> str:
        return url_for(self.endpoint, _external=False, **dict(self.values))

    @property
    def current(self) -> bool:
        """Whether the page shown belongs to this entry's module."""
        if not request.endpoint or not request.endpoint.startswith(self.endpoint.rpartition(".")[0] + "."):
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
    Entry("console.subscriptions.index", _l("我的订阅"), "package", "subscriptions.read"),
    Entry("console.usage.index", _l("用量与费用"), "chart-line", "usage.read"),
    Entry("console.bills.index", _l("账单"), "file-invoice", "bills.read"),
    Entry("console.team.index", _l("成员与权限"), "users"),
    Entry("console.activity.index", _l("操作记录"), "history", "audit.read"),
    Entry("console.organization.show", _l("企业资料"), "building"),
)
VENDOR = (
    Entry("vendor.overview.index", _l("概览"), "home"),
    Entry("vendor.offerings.index", _l("我的服务"), "package", "offerings.read"),
    Entry("vendor.meters.index", _l("计量项"), "scale", "offerings.read"),
    Entry("vendor.customers.index", _l("客户与开通"), "users", "customers.read"),
    Entry("vendor.usage.index", _l("用量"), "chart-line", "usage.read"),
    Entry("vendor.events.index", _l("用量上报"), "activity", "events.read"),
    Entry("vendor.keys.index", _l("接口密钥"), "key", "keys.edit"),
    Entry("vendor.webhooks.index", _l("通知地址"), "webhook", "keys.edit"),
    Entry("vendor.revenue.index", _l("收入"), "wallet", "revenue.read"),
    Entry("vendor.activity.index", _l("操作记录"), "history", "audit.read"),
    Entry("vendor.profile.show", _l("服务商资料"), "building"),
)
ADMIN = (
    Entry("admin.overview.index", _l("概览"), "home"),
    Entry("admin.reviews.index", _l("上架审核"), "clipboard-check", "reviews.read"),
    Entry("admin.recommended.index", _l("推荐目录"), "award", "recommended.read"),
    Entry("admin.providers.index", _l("服务商名录"), "building-store", "providers.read"),
    Entry("admin.organizations.index", _l("企业名录"), "building", "organizations.read"),
    Entry("admin.payments.index", _l("到账确认"), "building-bank", "payments.read"),
    Entry("admin.bills.index", _l("账单"), "file-invoice", "bills.read"),
    Entry("admin.audit.index", _l("操作记录"), "history", "audit.read"),
)
FOOTER: tuple[tuple[LazyString, tuple[Entry, ...]], ...] = (
    (
        _l("买得放心"),
        (
            Entry("storefront.help.show", _l("价格与账单说明"), values=(("topic", "pricing"),)),
            Entry("storefront.help.show", _l("退订与数据导出"), values=(("topic", "leaving"),)),
            Entry("storefront.recommended.index", _l("推荐目录怎么评")),
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
            Entry("storefront.help.show", _l("平台规则"), values=(("topic", "rules"),)),
            Entry("storefront.help.show", _l("隐私政策"), values=(("topic", "privacy"),)),
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
        main_menu=lambda: shown(MAIN),
        side_menu=side_menu,
        footer_menu=footer_menu,
    )


def endpoint_exists(endpoint: str) -> bool:
    """Whether a page of this name has been built."""
    return endpoint in current_app.view_functions


def url_if(endpoint: str, **values: Any) -> str | None:
    """The address of a page if it exists, else None: `{% if url_if(…) %}` keeps a link from being dead."""
    return url_for(endpoint, **values) if endpoint_exists(endpoint) else None


def shown(entries: Sequence[Entry], can: Can | None = None) -> list[Entry]:
    """The entries that exist and that the asker may use."""
    return [
        entry
        for entry in entries
        if endpoint_exists(entry.endpoint)
        and (not entry.permission or (can is not None and can(entry.permission)))
    ]


def side_menu(face: str) -> list[Entry]:
    """The side menu of `console`, `vendor` or `admin` for the person asking."""
    entries = {"console": CONSOLE, "vendor": VENDOR, "admin": ADMIN}[face]
    return shown(entries, g.get("can"))


def footer_menu() -> list[tuple[LazyString, list[Entry]]]:
    """The footer's columns; an empty one is left out."""
    columns = [(title, shown(entries)) for title, entries in FOOTER]
    return [(title, entries) for title, entries in columns if entries]
