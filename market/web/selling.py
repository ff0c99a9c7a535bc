"""What has changed on the seller's side of a subscription, for its page: a new price, or nothing more for sale."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from flask import Flask
from flask_babel import gettext as _

from market.catalog import OfferingStatus, PlanStatus
from market.providers import ProviderStatus
from market.subscriptions import LIVE, Subscription, prices
from market.web import agreements, formats, guards
from market.web.navigation import url_if


@dataclass(frozen=True)
class Told:
    """A notice: what, why, and what can be done."""

    title: str
    text: str
    tone: str = "info"
    label: str = ""
    url: str = ""


def init_app(app: Flask) -> None:
    """Templates ask for the notices of a subscription."""
    app.jinja_env.globals["standing_notices"] = lambda subscription: [*notices(subscription)]


def notices(subscription: Subscription) -> Iterator[Told]:
    """What its firm should know, the most pressing first; plan with offering, and provider, are loaded."""
    if subscription.status not in LIVE:
        return
    announced = prices.notice_about(subscription)
    if announced is not None:
        yield price_told(announced)
    plan, offering = subscription.plan, subscription.plan.offering
    if subscription.provider.status is not ProviderStatus.APPROVED:
        yield Told(
            _("平台暂停了这家服务商"),
            _("它现在不能接新客户。您的服务和价格照旧，账单照常；有问题请联系服务商或平台客服。"), "warn",
        )  # fmt: skip
    elif offering.status is OfferingStatus.RETIRED:
        yield Told(_("服务商已下架这项服务"), _("不再卖给新客户。您照旧按原来的条款使用，随时可以退订。"))
    elif offering.status is OfferingStatus.SUSPENDED:
        yield Told(_("这项服务暂停卖给新客户"), _("您照旧使用，不受影响。"))
    elif plan.status is PlanStatus.RETIRED and announced is None:
        yield Told(_("您用的这一版套餐已停售"), _("您照旧按它计费。服务商要改您的价格，会提前通知您。"))


def price_told(notice: prices.PriceNotice) -> Told:
    """An announced price, with what the firm has said to it."""
    change = notice.price_change
    day, last = formats.date(change.effective_at), formats.date(agreements.last_day(change.effective_at))
    url = url_if("console.prices.show", id=notice.id) or ""
    if notice.answer is prices.NoticeAnswer.LEAVING:
        return Told(_("您没有接受新价格，用到 %(date)s 停用", date=last), _("之后不再收费。"), "info", _("看改价"), url)
    if notice.answer is prices.NoticeAnswer.ACCEPTED:
        return Told(_("%(date)s 起按新价格算", date=day), _("您已接受。生效前还可以改主意。"), "info", _("看改价"), url)
    label = _("看改价，决定要不要接受") if guards.can("subscriptions.order") else _("看改价")
    return Told(_("服务商宣布改价，%(date)s 起生效", date=day), _("在那之前价格不变。可以接受，也可以在生效那天退出。"), "warn", label, url)
