"""`/vendor/offerings/<id>/private-plans`: what was agreed on with single firms, and who has taken it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import TextAreaField

from market import accounts, billing, catalog, resources, subscriptions
from market.accounts import Organization, OrganizationKind
from market.catalog import Offering, Plan, PlanInvalid
from market.errors import Invalid, MarketError, NotFound
from market.vendor import plan_form, progress
from market.vendor.plan_boxes import KINDS
from market.vendor.plan_form import PlanEditor
from market.vendor.plans import lines_of
from market.web import agreements, formats, forms, guards

bp = Blueprint("private_plans", __name__, url_prefix="/<int:offering_id>/private-plans")

Answer = Response | str | tuple[str, int]
_BETWEEN = re.compile(r"[\s,，、;；]+")


class FirmsForm(forms.MarketForm):
    """The firms by their unified codes, one a line. `key` makes a double click one plan."""

    key = forms.TokenField()
    codes = TextAreaField(
        _l("给哪些企业（统一社会信用代码）"),
        [forms.Filled(_l("至少写一家企业的统一社会信用代码")), forms.NotLongerThan(5000)],
    )

    def firms(self) -> list[Organization]:
        """The firms of the codes. Raises Invalid that says which code nobody has."""
        codes = dict.fromkeys(filter(None, _BETWEEN.split((self.codes.data or "").strip())))
        found = {code: accounts.firm_with(accounts.normal_code(code), OrganizationKind.BUYER) for code in codes}
        if missing := [code for code, firm in found.items() if firm is None]:
            message = _("这里没有代码为 %(codes)s 的企业。请核对；还没注册的，请先注册。", codes=_("、").join(missing[:5]))
            raise Invalid(fields={"codes": message})
        return [firm for firm in found.values() if firm is not None]


@bp.get("/")
@guards.require("offerings.read")
def index(offering_id: int) -> str:
    """Every agreed plan, with its firms and how many have it."""
    offering = catalog.offering_of(g.provider, offering_id)
    plans = catalog.agreed_plans(offering)
    users = subscriptions.running_by_plan(plan.id for plan in plans)
    return render_template(
        "vendor/private_plans/index.html",
        offering=offering,
        name=progress.name(offering),
        rows=[(plan, catalog.audience(plan), users.get(plan.id, 0), agreements.prices(plan)) for plan in plans],
        bases=_bases(offering),
    )


@bp.route("/new", methods=["GET", "POST"])
@guards.require("offerings.edit")
def new(offering_id: int) -> Answer:
    """Write one from a plan on sale: other prices, for these firms only."""
    offering = catalog.offering_of(g.provider, offering_id)
    base, meters, form = _base(offering), catalog.meters_of(g.provider), FirmsForm()
    if request.method != "POST":
        return _page(offering, base, plan_form.from_plan(base, meters), form)
    editor = plan_form.from_request(meters, base.slug)
    action = request.form.get("do", "save")
    if action != "save":
        estimate = editor.example() if action == "example" else None
        html = _page(offering, base, editor, form, estimate)
        return (html, 422) if editor.has_errors else html
    try:
        plan = _agree(offering, base, editor, form)
    except MarketError as refusal:
        _complain(editor, form, refusal)
    if editor.has_errors or form.has_errors:
        return _page(offering, base, editor, form), 422
    flash(_("商定套餐“%(name)s”已生效，名单里的企业现在就能订。", name=formats.local(plan, "name")), "ok")
    return redirect(url_for(".show", offering_id=offering.id, id=plan.id), 303)


@bp.get("/<int:id>")
@guards.require("offerings.read")
def show(offering_id: int, id: int) -> str:
    """One agreed plan: prices, firms, who has taken it."""
    return _sheet(*_mine(offering_id, id), FirmsForm(formdata=None))


@bp.post("/<int:id>/firms")
@guards.require("offerings.edit")
def admit(offering_id: int, id: int) -> Answer:
    """Let more firms have it."""
    offering, plan = _mine(offering_id, id)
    form = FirmsForm()
    try:
        if not form.validate_on_submit():
            return _sheet(offering, plan, form), 422
        for firm in form.firms():
            catalog.admit(plan, firm, by=g.actor, at=resources.clock.now())
    except MarketError as refusal:
        form.refuse(refusal)
        return _sheet(offering, plan, form), refusal.status
    flash(_("已加进名单。"), "ok")
    return redirect(url_for(".show", offering_id=offering_id, id=id), 303)


@bp.post("/<int:id>/firms/<int:firm_id>/remove")
@guards.require("offerings.edit")
def exclude(offering_id: int, id: int, firm_id: int) -> Response:
    """Let one of them have it no longer."""
    _offering, plan = _mine(offering_id, id)
    listed = next((one for one in catalog.audience(plan) if one.organization_id == firm_id), None)
    if listed is None:
        raise NotFound
    catalog.exclude(plan, listed.organization, by=g.actor, at=resources.clock.now())
    flash(_("已移出名单。已经订的照旧用。"), "ok")
    return redirect(url_for(".show", offering_id=offering_id, id=id), 303)


@bp.post("/<int:id>/call-in")
@guards.require("offerings.edit")
def call_in(offering_id: int, id: int) -> Response:
    """Stop selling it."""
    _offering, plan = _mine(offering_id, id)
    catalog.call_in(plan, by=g.actor, at=resources.clock.now())
    flash(_("商定套餐已停售，已经在用的企业不受影响。"), "ok")
    return redirect(url_for(".show", offering_id=offering_id, id=id), 303)


def _agree(offering: Offering, base: Plan, editor: PlanEditor, form: FirmsForm) -> Plan:
    words = editor.words
    right = words.validate()
    right = form.validate() and right
    asked = editor.asked(base.slug)
    catalog.check_plan(offering, **asked)
    firms = form.firms()
    if not right:
        raise Invalid
    return catalog.agree(
        base, key=form.key.data, summary_zh=words.summary_zh.data or "", summary_en=words.summary_en.data or "",
        firms=firms, by=g.actor, at=resources.clock.now(),
        **{name: value for name, value in asked.items() if name != "slug"},
    )  # fmt: skip


def _complain(editor: PlanEditor, form: FirmsForm, refusal: MarketError) -> None:
    """Say it at its box; of several things the form says what it knows itself."""
    if isinstance(refusal, PlanInvalid):
        editor.refuse(refusal)
    elif isinstance(refusal, Invalid) and refusal.fields:
        form.refuse(Invalid(fields={"codes": next(iter(refusal.fields.values()))}))
    elif not editor.has_errors and not form.has_errors:
        form.refuse(refusal)


def _page(
    offering: Offering, base: Plan, editor: PlanEditor, form: FirmsForm, estimate: billing.Estimate | None = None
) -> str:
    if request.method != "POST":
        estimate = editor.example()
    editor.form_errors += [str(text) for text in (*form.form_errors, *form.codes.errors)]
    return render_template(
        "vendor/private_plans/new.html",
        offering=offering,
        name=progress.name(offering),
        editor=editor,
        firms_form=form,
        plan=base,
        on_sale=None,
        kinds=KINDS,
        estimate=estimate,
        lines=lines_of(estimate),
        comments=[],
    )


def _sheet(offering: Offering, plan: Plan, form: FirmsForm) -> str:
    taken = subscriptions.bought_plan(plan)
    return render_template(
        "vendor/private_plans/show.html",
        offering=offering,
        name=progress.name(offering),
        plan=plan,
        prices=agreements.prices(plan),
        firms=catalog.audience(plan),
        taken=taken,
        by_firm={one.organization_id: one for one in reversed(taken)},
        form=form,
    )


def _bases(offering: Offering) -> Sequence[Plan]:
    """The plans on sale to everybody, from which an agreed one is made."""
    return offering.live_plans if offering.status is not catalog.OfferingStatus.RETIRED else []


def _base(offering: Offering) -> Plan:
    """The plan that is asked for, else the first. Raises NotFound."""
    wanted = request.values.get("plan", "")
    base = next((plan for plan in _bases(offering) if wanted in ("", plan.slug)), None)
    if base is None:
        raise NotFound
    return base


def _mine(offering_id: int, id: int) -> tuple[Offering, Plan]:
    offering = catalog.offering_of(g.provider, offering_id)
    return offering, catalog.agreed_plan(offering, id)
