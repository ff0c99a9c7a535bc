"""`/console/subscriptions/<id>/pause`: let the monthly fees rest for a while, and go on."""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, flash, g, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import HiddenField, RadioField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import ValidationError

from market import billing, resources, subscriptions
from market.console import change_options
from market.errors import MarketError
from market.kit.period import local_day
from market.subscriptions import Subscription, SubscriptionStatus
from market.web import changing, formats, forms, guards

bp = Blueprint("pauses", __name__)

Answer = Response | str | tuple[str, int]

#: What can be paused: what is used and paid for.
PAUSABLE = frozenset({SubscriptionStatus.ACTIVE})


class PauseForm(forms.MarketForm):
    """From when, and perhaps until when."""

    when = RadioField(
        _l("从什么时候起暂停"),
        [forms.Filled(_l("选择从什么时候起暂停"))],
        choices=[SelectChoice("now", _l("明天 0 点起")), SelectChoice("period_end", _l("期末以后"))],
        default="now",
    )
    until = forms.DayField(_l("暂停到哪天"))
    reason = TextAreaField(_l("备注"), [forms.NotLongerThan(300)])
    based_on = HiddenField()

    def validate_until(self, field: forms.DayField) -> None:
        """A whole day of pause at least."""
        if field.data and field.data <= local_day(resources.clock.now()):
            raise ValidationError(_("选今天以后的一天；今天已经计费，照常可用"))


@bp.get("/<int:id>/pause")
@guards.require("subscriptions.change")
def show(id: int) -> Answer:
    """What a pause means for use and bills, before anything is decided."""
    subscription = subscriptions.subscription_of(g.organization, id)
    if subscription.status not in PAUSABLE:
        return redirect(url_for("console.subscriptions.show", id=id), 303)
    return _page(subscription, PauseForm())


@bp.post("/<int:id>/pause")
@guards.require("subscriptions.change")
def place(id: int) -> Answer:
    """Pause, and go on by itself where a day was given."""
    subscription, form = subscriptions.subscription_of(g.organization, id), PauseForm()
    if subscription.status not in PAUSABLE:
        return redirect(url_for("console.subscriptions.show", id=id), 303)
    if not form.validate_on_submit():
        return _page(subscription, form), 422
    if any(one.kind is subscriptions.ChangeKind.PAUSE for one in change_options.just_asked(subscription, g.user, resources.clock.now())):
        return redirect(url_for("console.subscriptions.show", id=id), 303)
    if form.based_on.data != change_options.mark(subscription):
        form.form_errors.append(change_options.what_happened(subscription))
        return _page(subscription, form), 409
    at, by = resources.clock.now(), g.actor
    try:
        asked = subscriptions.pause(subscription, when=form.when.data, by=by, at=at, reason=form.reason.data or "")
        if form.until.data:
            back = form.until.data + timedelta(days=1)
            subscriptions.resume(subscription, when=back, by=by, at=at, reason="pause_over")
    except subscriptions.NotPaused:
        form.until.errors = [_("要在暂停开始的那天或以后")]
        return _page(subscription, form), 422
    except MarketError as refusal:
        form.refuse(refusal)
        return _page(subscription, form), refusal.status
    flash(_("已安排暂停：%(date)s 起不再收月费。", date=formats.date(asked.effective_at)), "ok")
    return redirect(url_for("console.subscriptions.show", id=id), 303)


class ResumeForm(forms.MarketForm):
    """From which day it goes on; empty: today."""

    on = forms.DayField(_l("哪天恢复"))


@bp.get("/<int:id>/resume")
@guards.require("subscriptions.change")
def back(id: int) -> Answer:
    """Choose the day on which a pause, running or planned, is over."""
    subscription = subscriptions.subscription_of(g.organization, id)
    if not rests(subscription):
        return redirect(url_for("console.subscriptions.show", id=id), 303)
    return _resume_page(subscription, ResumeForm())


@bp.post("/<int:id>/resume")
@guards.require("subscriptions.change")
def resume(id: int) -> Answer:
    """Go on from today, or from the day given."""
    subscription, form = subscriptions.subscription_of(g.organization, id), ResumeForm()
    if not form.validate_on_submit():
        return _resume_page(subscription, form), 422
    now = resources.clock.now()
    try:
        asked = subscriptions.resume(subscription, when=form.on.data or "now", by=g.actor, at=now)
    except MarketError as refusal:
        if not form.on.data:
            raise
        form.refuse(refusal)
        return _resume_page(subscription, form), refusal.status
    if asked.effective_at > now:
        flash(_("已安排 %(date)s 恢复使用，从那天起照常计费。", date=formats.date(asked.effective_at)), "ok")
    else:
        flash(_("已恢复使用，今天起照常计费。"), "ok")
    return redirect(url_for("console.subscriptions.show", id=id), 303)


def rests(subscription: Subscription) -> bool:
    """Whether there is a pause, running or planned, that could be given an end."""
    planned = any(
        one.kind is subscriptions.ChangeKind.PAUSE and one.status is subscriptions.ChangeStatus.PLANNED
        for one in subscription.changes
    )
    return subscription.status in (SubscriptionStatus.ACTIVE, SubscriptionStatus.PAUSED) and (
        planned or subscription.status is SubscriptionStatus.PAUSED
    )


def _resume_page(subscription: Subscription, form: ResumeForm) -> str:
    return render_template(
        "console/changes/resume.html", subscription=subscription, form=form, planned=changing.planned_of(subscription)
    )


def _page(subscription: Subscription, form: PauseForm) -> str:
    found: tuple[billing.ChangePreview, ...] = ()
    try:
        found = tuple(one for one in billing.preview_pause(subscription, at=resources.clock.now()) if one)
    except MarketError as refusal:
        if not form.has_errors:
            form.refuse(refusal)
    form.based_on.data = change_options.mark(subscription)
    return render_template(
        "console/changes/pause.html",
        subscription=subscription,
        form=form,
        previews={str(one.when): one for one in found},
        monthly=subscriptions.recurring(subscription.plan, subscription.quantity),
    )
