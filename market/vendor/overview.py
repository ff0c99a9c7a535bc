"""`/vendor/`: what is to be done first, where reviews stand, whether usage arrives."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Blueprint, g, render_template, url_for
from flask_babel import gettext as _

from market import accounts, catalog, metering, resources, subscriptions
from market.billing import fapiao
from market.catalog import OfferingStatus
from market.metering import corrections, reconciliation
from market.providers import ProviderStatus
from market.vendor import progress
from market.vendor.progress import Standing
from market.web import guards
from market.web.navigation import url_if

bp = Blueprint("overview", __name__, url_prefix="/")

#: How far back refused events are counted.
RECENT = timedelta(days=7)


@bp.get("/")
@guards.require("overview.read")
def index() -> str:
    """The start page of a provider."""
    now, rows = resources.clock.now(), [progress.of(offering) for offering in catalog.offerings_of(g.provider)]
    return render_template(
        "vendor/overview/index.html",
        provider=g.provider,
        tasks=_tasks(rows),
        firms=subscriptions.firms_of(g.provider),
        live=sum(row.offering.status is OfferingStatus.LIVE for row in rows),
        total=len(rows),
        last_event=metering.last_event_at(g.provider),
        under_way=[(row, progress.place_in_queue(row.offering) if row.waiting else None) for row in rows if row.pending],
        refused=metering.unresolved_count(g.provider, since=now - RECENT) if guards.can("events.read") else 0,
        requests=subscriptions.open_requests(g.provider) if guards.can("customers.read") else 0,
        disputes=reconciliation.unanswered_count(g.provider) if guards.can("days.answer") else 0,
        fapiao=fapiao.waiting(g.provider) if guards.can("fapiao.issue") else 0,
        corrections=corrections.waiting_count(g.provider) if guards.can("corrections.approve") else 0,
        recent_days=RECENT.days,
        target_days=catalog.REVIEW_TARGET.days,
    )


def _tasks(rows: list[Standing]) -> list[dict[str, Any]]:
    """Everything between joining and the first bill, one verb a row."""
    provider, first = g.provider, rows[-1].offering if rows else None
    submitted = any(row.offering.status is not OfferingStatus.UNLISTED or row.waiting for row in rows)
    tasks = [
        _task(_("通过入驻审核"), provider.status is ProviderStatus.APPROVED, url_for("vendor.profile.show")),
        _task(_("填写服务商资料"), bool(provider.summary_zh and provider.phone), url_for("vendor.profile.show"), _("简介和客服电话，客户会看")),
        _task(_("新建一项服务"), bool(rows), url_for("vendor.offerings.new") if guards.can("offerings.edit") else ""),
        _task(_("写好套餐和价格"), any(row.offering.plans for row in rows),
              url_if("vendor.offerings.plans.index", offering_id=first.id) or "" if first else "", _("带示例账单，和出账用同一套算法")),
        _task(_("提交给平台审核"), submitted, url_if("vendor.offerings.show", id=first.id) or "" if first else "",
              _("通常 %(days)s 天内有结果", days=catalog.REVIEW_TARGET.days)),
    ]  # fmt: skip
    metered = bool(catalog.meters_of(provider))
    machine = [
        _task(_("新建计量项"), metered, url_if("vendor.meters.index") or "", _("按用量收费才需要"), optional=True),
        _task(_("生成接口密钥"), bool(accounts.keys_of(g.organization)), url_for("vendor.keys.index") if guards.can("keys.edit") else "",
              _("您的系统用它上报用量"), optional=True),
        _task(_("填写通知地址"), bool(provider.webhook_url), url_for("vendor.webhooks.index") if guards.can("keys.edit") else "",
              _("让系统自动开通；不填就人工开通"), optional=True),
    ]  # fmt: skip
    return tasks + machine


def _task(label: str, done: bool, url: str, note: str = "", *, optional: bool = False) -> dict[str, Any]:
    return {"label": label, "done": done, "url": url, "note": note, "optional": optional}
