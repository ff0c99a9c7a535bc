"""`/console/subscriptions/<id>/change`: another plan, another quantity, at once, later or for a while; and taking it back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response
from wtforms import BooleanField, HiddenField, RadioField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import ValidationError

from market import resources, subscriptions
from market.catalog import Plan
from market.console import change_options
from market.console.change_options import Way, Wish
from market.errors import MarketError, NotFound
from market.kit.period import local_day
from market.subscriptions import Subscription, SubscriptionChange
from market.web import agreements, changing, formats, forms, guards
from market.web.errors import translate

bp = Blueprint("changes", __name__)

Answer = Response | str | tuple[str, int]

NOW, PERIOD_END, ON_DAY = "now", "period_end", "day"


class ChangeForm(forms.MarketForm):
    """What it is to be, from when, and perhaps until when."""

    plan = RadioField(_l("套餐"), [forms.Filled(_l("选择一个套餐"))], validate_choice=False)
    quantity = forms.CountField(_l("数量"))
    when = RadioField(
        _l("从什么时候起"),
        [forms.Filled(_l("选择从什么时候起"))],
        choices=[
            SelectChoice(NOW, _l("今天起")),
            SelectChoice(PERIOD_END, _l("期末以后")),
            SelectChoice(ON_DAY, _l("指定一天")),
        ],
        validate_choice=False,
    )
    on = forms.DayField(_l("从哪天起"))
    until = forms.DayField(_l("用到哪天"))
    agree = BooleanField(_l("我看过了新套餐的价格和条款，同意更改"))
    reason = TextAreaField(_l("备注"), [forms.NotLongerThan(300)])
    #: What the page showed: for which choice, on top of what, and which terms.
    seen = HiddenField()
    based_on = HiddenField()
    terms = HiddenField()

    def __init__(self, plans: Sequence[Plan], sent: MultiDict[str, str] | None, **data: Any) -> None:
        super().__init__(formdata=sent, **data)
        self.plan.choices = [SelectChoice(str(plan.id), formats.local(plan, "name")) for plan in plans]

    def validate_plan(self, field: RadioField) -> None:
        """One of those on the page: what was there before may be off sale by now."""
        if field.data not in [choice.value for choice in field.choices]:
            raise ValidationError(_("这个套餐现在不能选了，请另选一个"))

    def validate_when(self, field: RadioField) -> None:
        """One of the three."""
        if field.data not in (NOW, PERIOD_END, ON_DAY):
            raise ValidationError(_("选择从什么时候起"))

    def validate_on(self, field: forms.DayField) -> None:
        """A day to come, where one is to be chosen."""
        if self.when.data == ON_DAY and field.data is None:
            raise ValidationError(_("填写从哪天起，例如大促前一天"))
        if self.when.data == ON_DAY and field.data <= local_day(resources.clock.now()):
            raise ValidationError(_("选今天以后的一天；从今天起改，请选“今天起”"))

    def validate_until(self, field: forms.DayField) -> None:
        """Not before it begins."""
        first = self.on.data if self.when.data == ON_DAY else local_day(resources.clock.now())
        if field.data and first and field.data < first:
            raise ValidationError(_("选开始的那天或以后的一天"))

    def typed(self) -> dict[str, str]:
        """What stands in the boxes, for an address."""
        names = ("plan", "quantity", "when", "on", "until")
        return {name: text for name in names if (text := self[name].raw_data and self[name].raw_data[0])}


@bp.get("/<int:id>/change")
@guards.require("subscriptions.change")
def show(id: int) -> Answer:
    """What can be chosen, and what the choice in the address comes to, now and at the period's end."""
    subscription = subscriptions.subscription_of(g.organization, id)
    if subscription.status not in change_options.CHANGEABLE:
        return redirect(url_for("console.subscriptions.show", id=id), 303)
    plans = change_options.plans_of(subscription, g.organization)
    held = {"plan": str(subscription.plan_id), "quantity": subscription.quantity}
    form = ChangeForm(plans, request.args if "plan" in request.args else None, **held)
    if form.plan.data not in [choice.value for choice in form.plan.choices]:
        form.plan.data = held["plan"]
    for box in (form.quantity, form.on, form.until) if "plan" in request.args else ():
        box.validate(form)
    return _page(subscription, plans, form)


@bp.post("/<int:id>/change")
@guards.require("subscriptions.change")
def place(id: int) -> Answer:
    """Change it as it was shown; what was not shown yet is shown first."""
    subscription = subscriptions.subscription_of(g.organization, id)
    plans = change_options.plans_of(subscription, g.organization)
    form = ChangeForm(plans, request.form)
    if "recalculate" in request.form:
        return redirect(f"{url_for('.show', id=id)}?{urlencode(form.typed())}", 303)
    if not form.validate_on_submit():
        return _page(subscription, plans, form), 422
    wish = _wish(subscription, plans, form)
    if form.until.data and wish is not None and wish.plan.id != subscription.plan_id:
        form.until.errors = [_("只有数量能定期限。换套餐请不填这一项，到时候再换回来")]
        return _page(subscription, plans, form), 422
    if wish is not None and change_options.asked_already(subscription, wish, g.user, resources.clock.now()):
        return redirect(url_for("console.subscriptions.show", id=id), 303)
    if form.based_on.data != change_options.mark(subscription):
        form.form_errors.append(change_options.what_happened(subscription))
        return _page(subscription, plans, form), 409
    if wish is None or form.seen.data != wish.told:
        form.form_errors.append(_("您改了选择，下面是新的金额和日期。看过再确认。"))
        return _page(subscription, plans, form), 422
    if wish.plan.id != subscription.plan_id and not form.agree.data:
        form.agree.errors = [_("先看一遍新套餐的价格和条款，再勾选同意")]
        return _page(subscription, plans, form), 422
    try:
        asked = _change(subscription, wish, form)
    except MarketError as refusal:
        _refuse(form, refusal)
        return _page(subscription, plans, form), refusal.status
    flash(_done(asked), "ok")
    return redirect(url_for("console.subscriptions.show", id=id), 303)


@bp.post("/<int:id>/changes/<int:change_id>/withdraw")
@guards.require("subscriptions.change")
def withdraw(id: int, change_id: int) -> Response:
    """Take back what has not begun."""
    subscription = subscriptions.subscription_of(g.organization, id)
    change = subscriptions.change_of(subscription, change_id)
    if change is None:
        raise NotFound
    subscriptions.withdraw_change(change, by=g.actor, at=resources.clock.now())
    flash(_("已撤回，到时候不会更改。"), "ok")
    return redirect(url_for("console.subscriptions.show", id=id), 303)


def _page(subscription: Subscription, plans: Sequence[Plan], form: ChangeForm) -> str:
    now, wish = resources.clock.now(), _wish(subscription, plans, form)
    differs = wish is not None and wish.plan.id != subscription.plan_id
    ways: Sequence[Way] = ()
    if wish is not None and not form.quantity.errors:
        try:
            ways = change_options.ways(subscription, wish, now)
        except subscriptions.NothingChanges:
            wish = None
        except MarketError as refusal:
            _refuse(form, refusal)
            wish = None
    possible = [way for way in ways if way.preview]
    if wish is not None and form.when.data not in [way.when for way in possible]:
        form.when.data = change_options.usual(subscription, wish, now)
    form.seen.data, form.based_on.data = wish.told if wish else "", change_options.mark(subscription)
    form.terms.data = change_options.terms_of(wish.plan) if wish and differs else ""
    return render_template(
        "console/changes/show.html",
        subscription=subscription,
        form=form,
        choices=change_options.choices(subscription, plans),
        wish=wish,
        differs=differs,
        by_number=any(plan.quantity_unit_zh for plan in plans),
        ways=ways,
        possible=possible,
        working=change_options.working,
        unit=formats.local(wish.plan, "quantity_unit") if wish else formats.local(subscription.plan, "quantity_unit"),
        numbers=change_options.numbers_of(wish.plan if wish else subscription.plan),
        prices=agreements.prices(wish.plan) if wish and differs else [],
        held_prices=agreements.prices(subscription.plan),
        planned=changing.planned_of(subscription),
    )


def _wish(subscription: Subscription, plans: Sequence[Plan], form: ChangeForm) -> Wish | None:
    """What is wanted, as far as it can be read; the number only where the plan is sold by number."""
    plan = next((plan for plan in plans if str(plan.id) == form.plan.data), None)
    if plan is None:
        return None
    number = form.quantity.data if plan.quantity_unit_zh else 1
    if number is None and form.quantity.raw_data:
        return None  # what was typed is no number; the box says so
    on = form.on.data if form.when.data == ON_DAY or form.when.data is None else None
    future = on is not None and on > local_day(resources.clock.now())
    units = subscriptions.fitted(plan, subscription.quantity) if number is None else number
    return Wish(plan, units, on if future else None)


def _change(subscription: Subscription, wish: Wish, form: ChangeForm) -> SubscriptionChange:
    """The change, and for a while only also the one back."""
    at, before = resources.clock.now(), subscription.quantity
    when: subscriptions.When = wish.on if form.when.data == ON_DAY and wish.on else form.when.data
    asked = subscriptions.change(
        subscription, plan=wish.plan if wish.plan.id != subscription.plan_id else None,
        quantity=wish.quantity if wish.plan.quantity_unit_zh else None, when=when,
        terms_hash=form.terms.data or None, reason=form.reason.data or "", by=g.actor, at=at,
    )  # fmt: skip
    if form.until.data is not None:
        back = form.until.data + timedelta(days=1)
        subscriptions.change(subscription, quantity=before, when=back, reason="back_again", by=g.actor, at=at)
    return asked


def _refuse(form: ChangeForm, refusal: MarketError) -> None:
    """At the box it is about."""
    if isinstance(refusal, subscriptions.QuantityUnsuitable):
        form.quantity.errors = [translate(refusal)]
    else:
        form.refuse(refusal)


def _done(asked: SubscriptionChange) -> str:
    what, now = changing.words_of(asked), resources.clock.now()
    if asked.effective_at <= now:
        return _("已更改：%(what)s，从今天起计费。", what=what)
    return _("已安排：%(date)s 起%(what)s。在那之前都可以撤回。", date=formats.date(asked.effective_at), what=what)
