"""`/console/subscriptions`: what the firm has, one subscription in full, and leaving it in three clicks."""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import RadioField, TextAreaField
from wtforms.fields.choices import SelectChoice

from market import billing, resources, subscriptions
from market.console import access, change_options, changes, next_charge, parts, pauses
from market.errors import MarketError
from market.kit import period
from market.metering import corrections
from market.subscriptions import (
    LIVE,
    OPENING,
    ChangeKind,
    ChangeStatus,
    RequestKind,
    Subscription,
    SubscriptionChange,
    SubscriptionStatus,
)
from market.web import agreements, changing, completeness, formats, forms, guards, setting_up
from market.web import corrections as words
from market.web.standing import standing

bp = Blueprint("subscriptions", __name__, url_prefix="/subscriptions")
for part in (changes, pauses):  # what is done to a subscription is a page of it
    bp.register_blueprint(part.bp)

Answer = Response | str | tuple[str, int]

#: What programs commonly call the parts of their access details; whatever else they call them is shown as sent.
ACCESS_WORDS = {
    "endpoint": _l("地址"),
    "url": _l("网址"),
    "access_key": _l("访问密钥 ID"),
    "secret_key": _l("密钥"),
    "username": _l("用户名"),
    "password": _l("密码"),
}


class CancelForm(forms.MarketForm):
    """When to end, and perhaps why."""

    when = RadioField(
        _l("什么时候停用"),
        [forms.Filled(_l("选择什么时候停用"))],
        choices=[SelectChoice("period_end", _l("用到期末")), SelectChoice("now", _l("现在就停用"))],
        default="period_end",
    )
    reason = TextAreaField(_l("为什么退订"), [forms.NotLongerThan(300)])


@bp.get("/")
@guards.require("subscriptions.read")
def index() -> str:
    """All subscriptions, what runs first; what has ended on a list of its own."""
    now = resources.clock.now()
    mine = subscriptions.subscriptions_of(g.organization)
    over = [one for one in mine if one.status is SubscriptionStatus.ENDED]
    ended = bool(over) and (request.args.get("show") == "ended" or len(over) == len(mine))
    shown = over if ended else [one for one in mine if one.status is not SubscriptionStatus.ENDED]
    month = billing.period_of(g.organization, now)
    lines = billing.draw_up(g.organization, month, cutoff=now) if mine and g.can("money.read") else []
    return render_template(
        "console/subscriptions/index.html",
        subscriptions=shown,
        ended=ended,
        counts=(len(mine) - len(over), len(over)),
        costs=parts.costs(lines),
        states={one.id: standing(one, now) for one in shown},
        last_day=agreements.last_day,
        cutoff=now,
        month=month,
    )


@bp.get("/<int:id>")
@guards.require("subscriptions.read")
def show(id: int) -> str:
    """One subscription: state, next charge, access, prices, story, way out."""
    now, subscription = resources.clock.now(), _mine(id)
    month = billing.period_of(g.organization, now)
    lines = billing.draw_up_one(subscription, month, cutoff=now) if g.can("money.read") else []
    facts = subscription.revision.facts
    ended = subscription.ended_at if subscription.started_at else None
    return render_template(
        "console/subscriptions/show.html",
        subscription=subscription,
        facts=facts,
        told=standing(subscription, now),
        charge=next_charge.next_charge(subscription, g.organization, lines, now=now) if g.can("money.read") else None,
        access=subscriptions.access_of(subscription) if g.can("access.read") and _reachable(subscription, now) else {},
        access_words=ACCESS_WORDS,
        next_step=(formats.local(facts, "start_steps") or [""])[-1],
        prices=agreements.prices(subscription.plan),
        promises=agreements.promises(facts),
        leaving=agreements.leaving(facts, ended),
        story=parts.story(subscription, subscriptions.timeline(subscription)),
        contracts=subscriptions.contracts_of(subscription),
        coming=changing.planned_of(subscription),
        withdraw_url=lambda change_id: url_for(".changes.withdraw", id=id, change_id=change_id),
        rests=pauses.rests(subscription),
        resumes_at=next((one.effective_at for one in subscription.changes if _ends_pause(one)), None),
        changeable=subscription.status in change_options.CHANGEABLE,
        progress=setting_up.progress(subscription, now),
        rotation=access.rotation(subscription) if g.can("access.read") else None,
        opening=subscription.status in OPENING,
        live=subscription.status in LIVE,
        trialing=subscription.status is SubscriptionStatus.TRIALING,
        paid_from=subscriptions.paid_from(subscription),
        last_day=agreements.last_day,
        corrected=words.entries(corrections.made([id]), by={id: formats.local(subscription.provider, "name")}),
        missing=completeness.missing([id]) if g.can("usage.read") else [],
        complete=completeness.told([subscription]) if g.can("usage.read") else [],
    )


@bp.get("/<int:id>/cancel")
@guards.require("subscriptions.end")
def cancel(id: int) -> Answer:
    """What leaving means, now and at the period's end, before anything is decided."""
    subscription = _mine(id)
    if subscription.status is SubscriptionStatus.ENDED:
        return redirect(url_for(".show", id=id), 303)
    return _cancel_page(subscription, CancelForm())


@bp.post("/<int:id>/cancel")
@guards.require("subscriptions.end")
def cancel_post(id: int) -> Answer:
    """End it as chosen."""
    subscription, form = _mine(id), CancelForm()
    if subscription.status is SubscriptionStatus.ENDED:
        return redirect(url_for(".show", id=id), 303)
    if subscription.status in OPENING:
        form.when.data = "now"  # nothing runs yet that could run on to a later day
    if not form.validate_on_submit():
        return _cancel_page(subscription, form), 422
    try:
        subscriptions.cancel(
            subscription, when=form.when.data, reason=form.reason.data or "", by=g.actor, at=resources.clock.now()
        )
    except MarketError as refusal:
        form.refuse(refusal)
        return _cancel_page(subscription, form), refusal.status
    flash(_done(subscription), "ok")
    return redirect(url_for(".show", id=id), 303)


@bp.post("/<int:id>/keep")
@guards.require("subscriptions.order")
def keep(id: int) -> Response:
    """Take a planned end back."""
    subscriptions.keep(_mine(id), by=g.actor, at=resources.clock.now())
    flash(_("已撤销停用，会继续使用。"), "ok")
    return redirect(url_for(".show", id=id), 303)


@bp.post("/<int:id>/convert")
@guards.require("subscriptions.order")
def convert(id: int) -> Response:
    """Go on after the trial."""
    subscriptions.convert(_mine(id), by=g.actor, at=resources.clock.now())
    flash(_("试用结束后会转为正式订阅。剩下的试用天数仍然不收费。"), "ok")
    return redirect(url_for(".show", id=id), 303)


@bp.post("/<int:id>/retry")
@guards.require("subscriptions.order")
def retry(id: int) -> Response:
    """Ask the provider once more."""
    request = subscriptions.requests_about(_mine(id))[RequestKind.PROVISION]
    subscriptions.retry(request, by=g.actor, at=resources.clock.now())
    flash(_("已重新通知服务商开通。"), "ok")
    return redirect(url_for(".show", id=id), 303)


def _ends_pause(change: SubscriptionChange) -> bool:
    return change.kind is ChangeKind.RESUME and change.status is ChangeStatus.PLANNED


def _cancel_page(subscription: Subscription, form: CancelForm) -> str:
    now = resources.clock.now()
    found = billing.preview_end(subscription, at=now) if subscription.status in LIVE else ()
    return render_template(
        "console/subscriptions/cancel.html",
        subscription=subscription,
        form=form,
        previews={preview.when: preview for preview in found},
        opening=subscription.status in OPENING,
        trialing=subscription.status is SubscriptionStatus.TRIALING,
        leaving=agreements.leaving(subscription.revision.facts),
    )


def _done(subscription: Subscription) -> str:
    if subscription.status is SubscriptionStatus.ENDED:
        return _("已停用。停用前的费用在下一份账单里，之后不再收费。") if subscription.started_at else _("订阅已取消，没有产生费用。")
    end = agreements.last_day(subscription.cancel_at or resources.clock.now())
    return _("已安排停用：用到 %(date)s，之后不再收费。", date=formats.date(end))


def _mine(id: int) -> Subscription:
    return subscriptions.subscription_of(g.organization, id)


def _reachable(subscription: Subscription, now: datetime) -> bool:
    """Access details stay readable until the data can no longer be fetched."""
    ended = subscription.ended_at
    if ended is None:
        return subscription.started_at is not None
    days = subscription.revision.facts.get("export_days") or 0
    return (period.local_day(now) - period.local_day(agreements.last_day(ended))).days <= days
