"""`/offerings/<slug>/subscribe`: one page to check everything and order; `/subscribed/<id>`: what happens next.

An order that waits for an owner is followed in the console (`console/approvals.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import BooleanField, Field, HiddenField
from wtforms.form import BaseForm
from wtforms.validators import ValidationError

from market import billing, catalog, rating, resources, subscriptions
from market.catalog import Charge, Offering, Plan
from market.errors import Invalid, MarketError, NotFound
from market.kit import quantity
from market.kit.quantity import plural
from market.storefront.calculator import UNITS, units_hint
from market.web import agreements, contracts, errors, formats, forms, guards, htmx, setting_up

bp = Blueprint("subscribe", __name__)
bp.before_request(guards.buyer)

Answer = Response | str | tuple[str, int]
#: Tells htmx that nothing more will change.
STOP_POLLING = 286


class OrderForm(forms.MarketForm):
    """What is sent with an order. `guesses` are the buyer's own figures, one for each metered charge."""

    request_key = forms.TokenField()
    accepted = HiddenField()
    #: Filled when the page said that the order will wait for an owner.
    waits = HiddenField()
    agree = BooleanField(
        _l("我看过了价格、条款和退出方式，同意订阅"), [forms.Filled(_l("先看一遍价格和条款，再勾选同意"))]
    )

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self.plan = plan
        self.guesses = _guesses(plan)
        if plan.trial_days:
            # A trial costs nothing and ends by itself: the button, which says so, is agreement enough.
            del self.agree

    def validate(self, extra_validators: Any = None) -> bool:
        mine = super().validate(extra_validators)
        return self.guesses.validate() and mine

    def __iter__(self) -> Iterator[Any]:
        yield from super().__iter__()
        yield from self.guesses

    @property
    def units(self) -> int:
        """How many are asked for; the fewest there can be while the box holds no number."""
        if UNITS not in self.guesses._fields:
            return 1
        typed: int | None = self.guesses[UNITS].data
        return self.plan.quantity_minimum if typed is None else typed

    @property
    def uses(self) -> dict[str, Decimal]:
        """The guesses that can be reckoned with."""
        given = (each for each in self.guesses if each.name != UNITS and each.data is not None)
        return {each.name: _usable(Decimal(each.data)) for each in given}

    def unit_of(self, box: Field) -> str:
        """What a box counts in."""
        if box.name == UNITS:
            return formats.local(self.plan, "quantity_unit")
        charge = next((each for each in self.plan.charges if each.slug == box.name), None)
        return formats.local(charge.meter, "unit") if charge else _("笔")

    @property
    def has_errors(self) -> bool:
        return bool(self.form_errors or any(field.errors for field in self))

    def refuse(self, refusal: MarketError) -> None:
        if isinstance(refusal, subscriptions.QuantityUnsuitable) and UNITS in self.guesses._fields:
            self.guesses[UNITS].errors = [errors.translate(refusal)]
            return
        if not (isinstance(refusal, Invalid) and set(refusal.fields) <= set(self.guesses._fields)):
            super().refuse(refusal)
            return
        for name, message in refusal.fields.items():
            self.guesses[name].errors = [message]

    def typed(self) -> dict[str, str]:
        """The figures as they stand in the boxes."""
        return {field.name: field._value() for field in self.guesses}


def _guesses(plan: Plan) -> BaseForm:
    """A box for how many, where it is sold by number, and one for each metered charge.

    Filled from the address or the form, else with the fewest and with what is typical.
    """
    metered = [charge for charge in plan.charges if charge.meter is not None]
    units = forms.CountField(
        _("要多少%(unit)s", unit=plural(formats.local(plan, "quantity_unit"))),
        [forms.Filled(), _suits(plan)],
        id="units",
        default=plan.quantity_minimum,
        description=units_hint(plan),
    )
    boxes = BaseForm(
        ({UNITS: units} if plan.quantity_unit_zh else {})
        | {name: box for charge in metered for name, box in _boxes_of(charge).items()}
    )
    boxes.process(request.form if request.method == "POST" else request.args)
    return boxes


def _boxes_of(charge: Charge) -> dict[str, Any]:
    """How much of it, and how many transactions where each of them costs something."""
    name, id = formats.local(charge, "name"), f"use-{charge.slug}"
    much = forms.QuantityField(
        name, [_not_negative], id=id, default=quantity.parse(charge.typical or "0"), description=formats.local(charge, "hint")
    )
    many = forms.CountField(
        _("每月笔数（%(use)s）", use=name), id=f"{id}-count", default=charge.typical_count or None,
        description=_("按每笔金额相同估算"),
    )  # fmt: skip
    return {charge.slug: much} | ({catalog.count_key(charge): many} if catalog.counts_transactions(charge) else {})


def _not_negative(_form: BaseForm, field: forms.QuantityField) -> None:
    if field.data is not None and field.data < 0:
        raise ValidationError(_("%(label)s不能小于 0", label=field.label.text))


def _suits(plan: Plan) -> Callable[[BaseForm, forms.CountField], None]:
    """The check that the plan is sold in the number typed."""

    def check(_form: BaseForm, field: forms.CountField) -> None:
        if field.data is not None:
            try:
                subscriptions.suitable(plan, field.data)
            except subscriptions.QuantityUnsuitable as refusal:
                raise ValidationError(errors.translate(refusal)) from refusal

    return check


@bp.get("/offerings/<slug>/subscribe")
@guards.require("subscriptions.order")
def show(slug: str) -> Answer:
    """Everything on one page; `?plan=` and one parameter per charge come from the calculator."""
    offering, plan, gone = _chosen(slug)
    form = OrderForm(plan)
    form.guesses.validate()
    if gone:
        form.form_errors.append(_("这个套餐已经停售。下面是现在在售的“%(plan)s”。", plan=formats.local(plan, "name")))
    return _check_page(offering, plan, form)


@bp.post("/offerings/<slug>/subscribe")
@guards.require("subscriptions.order")
def place(slug: str) -> Answer:
    """Order once, however often the button is pressed."""
    offering, plan, gone = _chosen(slug)
    form = OrderForm(plan)
    if gone:
        form.refuse(subscriptions.NotForSale())
        return _check_page(offering, plan, form), subscriptions.NotForSale.status
    if "recalculate" in request.form:
        return redirect(f"{url_for('.show', slug=slug)}?{urlencode({'plan': plan.slug} | form.typed())}", 303)
    if not form.validate_on_submit():
        return _check_page(offering, plan, form), 422
    try:
        order = subscriptions.order(
            g.organization, plan, request_key=form.request_key.data, estimate=form.typed(), quantity=form.units, user=g.user,
            by=g.actor, at=resources.clock.now(), accepted_hash=form.accepted.data,
            may_wait=bool(form.waits.data),
        )  # fmt: skip
    except MarketError as refusal:
        form.refuse(refusal)
        if form.agree:
            form.agree.data = False
        return _check_page(offering, plan, form), refusal.status
    if order.subscription_id is None:
        return redirect(url_for("console.approvals.show", id=order.id), 303)
    return redirect(url_for(".done", id=order.subscription_id), 303)


@bp.get("/offerings/<slug>/subscribe/contract")
@guards.require("subscriptions.order")
def contract(slug: str) -> str:
    """The terms in full before anybody agrees to them, to read and print. 404 for a plan that is gone."""
    offering, plan, gone = _chosen(slug)
    if gone:
        raise NotFound
    agreed = subscriptions.terms(plan, catalog.shown_revision(offering))
    return render_template(
        "storefront/subscribe/contract.html",
        offering=offering,
        plan=plan,
        agreed=contracts.worded(agreed),
        fingerprint=subscriptions.terms_hash(agreed),
        organization=g.organization,
    )


@bp.get("/subscribed/<int:id>")
@guards.require("subscriptions.order")
def done(id: int) -> Answer:
    """What happens next, and how far it is by now."""
    subscription = subscriptions.subscription_of(g.organization, id)
    opening = subscription.status in subscriptions.OPENING
    body = render_template(
        "storefront/subscribe/done.html",
        subscription=subscription,
        facts=subscription.revision.facts,
        opening=opening,
        progress=setting_up.progress(subscription, resources.clock.now()),
        contract=subscriptions.contracts_of(subscription)[-1],
        last_day=agreements.last_day,
    )
    return (body, STOP_POLLING) if htmx.is_fragment() and not opening else body


def _chosen(slug: str) -> tuple[Offering, Plan, bool]:
    """The offering, the plan asked for, and whether that one is gone, so that the first one stands in for it."""
    offering = catalog.offering_by_slug(slug)
    plans = catalog.plans_for(offering, g.organization)
    if not plans:
        raise NotFound
    wanted = request.values.get("plan", "")
    named = next((plan for plan in plans if plan.slug == wanted), None)
    return offering, named or plans[0], bool(wanted and named is None)


def _check_page(offering: Offering, plan: Plan, form: OrderForm) -> str:
    now, revision = resources.clock.now(), catalog.shown_revision(offering)
    form.accepted.data = subscriptions.terms_hash(subscriptions.terms(plan, revision))
    units = form.units if _had(plan, form.units) else plan.quantity_minimum
    estimate = billing.estimate(plan, form.uses, at=now, units=units)
    waits = subscriptions.approval_due(g.organization, g.user, estimate.total_fen)
    form.waits.data = "yes" if waits else ""
    return render_template(
        "storefront/subscribe/show.html",
        offering=offering,
        plan=plan,
        form=form,
        facts=revision.facts,
        prices=agreements.prices(plan),
        promises=agreements.promises(revision.facts),
        leaving=agreements.leaving(revision.facts),
        estimate=estimate,
        first=billing.first_bill(plan, form.uses, g.organization, at=now, units=units),
        reasons=_reasons(plan),
        units=units,
        room=subscriptions.room(offering, g.organization),
        waits=waits,
        waiting=subscriptions.orders_waiting_for(g.organization, offering),
        organization=g.organization,
        running=subscriptions.running_for(g.organization, offering),
        may_edit=guards.can("organization.edit"),
        can_be_bought=catalog.can_be_bought(offering),
        grace_days=resources.settings.grace_days,
        payment_days=resources.settings.payment_days,
    )


def _had(plan: Plan, units: int) -> bool:
    try:
        return bool(subscriptions.suitable(plan, units))
    except subscriptions.QuantityUnsuitable:
        return False


def _reasons(plan: Plan) -> list[str]:
    """Why nothing is due today, charge by charge: when each is paid instead."""
    if plan.trial_days:
        return [_("试用期不收费，不转为正式订阅就一直不收。")]
    terms = [rating.parse(charge.terms) for charge in plan.charges]
    intervals = {each.interval for each in terms if isinstance(each, rating.Flat)}
    words = {
        "month": _("月费：不预收，用完这个月再出账。"),
        "year": _("年费：算在开通当月的账单里。"),
        "once": _("一次性费用：算在第一份账单里。"),
    }
    used = [_("用量费：用多少算多少，月底出账。")] if any(not isinstance(each, rating.Flat) for each in terms) else []
    return [*(text for interval, text in words.items() if interval in intervals), *used]


def _usable(guess: Decimal | None) -> Decimal:
    return guess if guess is not None and guess >= 0 else Decimal(0)
