"""How far a subscription's set-up is, in steps and words: for the page after ordering, and the subscription's own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _

from market import subscriptions
from market.catalog import Provisioning
from market.subscriptions import (
    OPENING,
    ProvisioningRequest,
    RequestKind,
    RequestStatus,
    Subscription,
    SubscriptionStatus,
)
from market.web import formats, trail


@dataclass(frozen=True)
class Step:
    """One step of the way: `done`, `now`, or still to come."""

    label: str
    at: datetime | None = None
    now: bool = False


@dataclass(frozen=True)
class Progress:
    """Where a set-up stands: headline, steps, and what the buyer may count on or do."""

    subscription: Subscription
    title: str
    steps: list[Step]
    text: str
    failed: bool
    late: bool
    #: How often the page asks again, in seconds.
    every: int


def progress(subscription: Subscription, now: datetime) -> Progress | None:
    """How far the set-up is; None for what is set up or over."""
    if subscription.status not in OPENING:
        return None
    request = subscriptions.requests_about(subscription)[RequestKind.PROVISION]
    by_system = request.mode is Provisioning.WEBHOOK
    failed, late = subscription.status is SubscriptionStatus.FAILED, request.due_at <= now
    return Progress(
        subscription,
        _title(subscription, failed=failed, late=late),
        _steps(subscription, request, failed),
        _failure(request) if failed else _promise(request, late),
        failed,
        late and not failed,
        3 if by_system else 60,
    )


def _title(subscription: Subscription, *, failed: bool, late: bool) -> str:
    if failed:
        return _("没有开通成功，没有产生费用")
    if late:
        return _("还没有开通，已经超过约定的时间")
    promised = formats.local(subscription.revision.facts, "deadline_setup")
    return _("正在开通（%(time)s）", time=promised) if promised else _("正在开通")


def _steps(subscription: Subscription, request: ProvisioningRequest, failed: bool) -> list[Step]:
    """下单, the provider knows, it is set up: the current one is the first that is not done."""
    told = request.heard_at if request.mode is Provisioning.WEBHOOK else request.created_at
    known = request.mode is Provisioning.MANUAL or request.status is RequestStatus.DELIVERED
    by_system = request.mode is Provisioning.WEBHOOK
    return [
        Step(_("已下单"), subscription.ordered_at),
        Step(_received(by_system, known), told if known else None, now=not known and not failed),
        Step(_("开通，可以使用"), None, now=known and not failed),
    ]


def _received(by_system: bool, known: bool) -> str:
    if not by_system:
        return _("已交给服务商的工作人员")
    return _("服务商的系统已收到") if known else _("正在通知服务商的系统")


def _promise(request: ProvisioningRequest, late: bool) -> str:
    if late:
        promised = _("服务商应在 %(date)s 前完成，平台已提醒。", date=formats.datetime(request.due_at))
        return promised + _("您可以再等，也可以取消，没有开通不收费。")
    return _("最晚 %(date)s 完成。开通以后才开始计费。", date=formats.datetime(request.due_at))


def _failure(request: ProvisioningRequest) -> str:
    told = _("原因：%(reason)s", reason=trail.reason(request.last_error))
    if request.finished_at is None:
        return told
    ends = formats.date(request.finished_at + subscriptions.FAILED_KEPT)
    return _("%(told)s。到 %(date)s 还没有重试，会自动取消，不收费。", told=told.rstrip("。."), date=ends)
