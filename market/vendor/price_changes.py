"""`/vendor/offerings/<id>/price-changes`: telling those on an old version of a plan that a new price comes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import SelectField
from wtforms.fields.choices import SelectChoice

from market import catalog, resources
from market.catalog import Offering, Plan
from market.errors import MarketError
from market.kit.period import local_midnight
from market.subscriptions import Subscription, prices
from market.vendor import progress
from market.web import agreements, formats, forms, guards, repricing

bp = Blueprint("price_changes", __name__, url_prefix="/<int:offering_id>/price-changes")

Answer = Response | str | tuple[str, int]
#: How many customers are shown one by one.
MOST = 100


class PriceChangeForm(forms.MarketForm):
    """From which version to which, from when, and why."""

    old = SelectField(_l("哪一版的老客户"), validate_choice=False)
    new = SelectField(_l("改成哪一版"), validate_choice=False)
    effective_on = forms.DayField(_l("从哪一天起"), [forms.Filled()])
    reason_zh, reason_en = forms.bilingual(_l("为什么改价"), _l("为什么改价（英文）"), limit=prices.LONGEST_REASON, required=False, long=True)

    def choose(self, olds: Sequence[tuple[Plan, int]], news: Sequence[Plan]) -> None:
        """Fill the lists."""
        self.old.choices = [
            SelectChoice(str(plan.id), _("%(plan)s，%(count)s 份在用", plan=_named(plan), count=count)) for plan, count in olds
        ]
        self.new.choices = [SelectChoice(str(plan.id), _named(plan)) for plan in news]


@dataclass(frozen=True)
class Preview:
    """Who is told, and what it means to them; `effects` are those of the first customers."""

    told: Sequence[Subscription]
    effects: dict[int, repricing.Effect]

    @property
    def more_fen(self) -> int:
        """By how much all months together change."""
        return sum(each.more_fen for each in self.effects.values())

    @property
    def dearer(self) -> int:
        """For how many it becomes dearer."""
        return sum(each.more_fen > 0 for each in self.effects.values())


@bp.get("/")
@guards.require("offerings.read")
def index(offering_id: int) -> str:
    """What was announced, and which old versions are still in use."""
    offering = catalog.offering_of(g.provider, offering_id)
    return render_template(
        "vendor/price_changes/index.html",
        offering=offering,
        name=progress.name(offering),
        changes=prices.changes_of(offering),
        in_use=prices.versions_in_use(offering),
        named=_named,
        can_announce=bool(_news(offering)),
    )


@bp.route("/new", methods=["GET", "POST"])
@guards.require("offerings.edit")
def new(offering_id: int) -> Answer:
    """Choose, look at what it means, announce."""
    offering = catalog.offering_of(g.provider, offering_id)
    olds, news = prices.versions_in_use(offering), _news(offering)
    form = PriceChangeForm()
    form.choose(olds, news)
    old = _chosen([plan for plan, _count in olds], form.old.data or request.args.get("old", ""))
    target = _chosen(news, form.new.data or "")
    if old is None or target is None:
        return _page(offering, form, None, None), 200 if request.method == "GET" else 422
    if request.method == "GET":
        form.old.data, form.new.data = str(old.id), str(_successor(old, news).id)
        form.effective_on.data = prices.soonest_day(old, resources.clock.now())
        return _page(offering, form, old, _successor(old, news))
    if not form.validate_on_submit():
        return _page(offering, form, old, target), 422
    if request.form.get("do") != "announce":
        return _page(offering, form, old, target)
    try:
        change = prices.announce(
            old, target, effective_on=form.effective_on.data, reason_zh=form.reason_zh.data or "",
            reason_en=form.reason_en.data or "", user=g.user, by=g.actor, at=resources.clock.now(),
        )  # fmt: skip
    except MarketError as refusal:
        form.refuse(refusal)
        return _page(offering, form, old, target), refusal.status
    flash(_("已宣布。每家企业都会收到信，在控制台也看得到。"), "ok")
    return redirect(url_for(".show", offering_id=offering.id, id=change.id), 303)


@bp.get("/<int:id>")
@guards.require("offerings.read")
def show(offering_id: int, id: int) -> str:
    """One announcement, and what each firm has said."""
    offering = catalog.offering_of(g.provider, offering_id)
    change, now = prices.change_of(offering, id), resources.clock.now()
    notices = prices.notices_of(change)
    return render_template(
        "vendor/price_changes/show.html",
        offering=offering,
        name=progress.name(offering),
        change=change,
        named=_named,
        old=agreements.prices(change.from_plan),
        new=agreements.prices(change.to_plan),
        notices=notices,
        answers=Counter(notice.answer.value for notice in notices),
        is_open=change.status is prices.PriceChangeStatus.ANNOUNCED and change.effective_at > now,
    )


@bp.post("/<int:id>/withdraw")
@guards.require("offerings.edit")
def withdraw(offering_id: int, id: int) -> Response:
    """Take it back before its day."""
    offering = catalog.offering_of(g.provider, offering_id)
    prices.withdraw(prices.change_of(offering, id), by=g.actor, at=resources.clock.now())
    flash(_("改价已撤回，价格不变。每家企业都会收到信。"), "ok")
    return redirect(url_for(".show", offering_id=offering.id, id=id), 303)


def _page(offering: Offering, form: PriceChangeForm, old: Plan | None, target: Plan | None) -> str:
    now = resources.clock.now()
    return render_template(
        "vendor/price_changes/new.html",
        offering=offering,
        name=progress.name(offering),
        form=form,
        old=old,
        new=target,
        old_prices=agreements.prices(old) if old else [],
        new_prices=agreements.prices(target) if target else [],
        preview=_preview(old, target, form.effective_on.data, now) if old and target else None,
        soonest=prices.soonest_day(old, now) if old else None,
        most=MOST,
    )


def _preview(old: Plan, target: Plan, on: date | None, now: datetime) -> Preview:
    told = prices.affected(old, local_midnight(on or prices.soonest_day(old, now)))
    return Preview(told, repricing.effects(told[:MOST], old, target, now))


def _news(offering: Offering) -> list[Plan]:
    """What old subscribers can be brought to: what is on sale, to all or by agreement."""
    agreed = [plan for plan in catalog.agreed_plans(offering) if plan.status is catalog.PlanStatus.PUBLISHED]
    return [*offering.live_plans, *agreed]


def _successor(old: Plan, news: Sequence[Plan]) -> Plan:
    """The version on sale of the same plan, else the first one."""
    return next((plan for plan in news if plan.slug == old.slug), news[0])


def _chosen(plans: Sequence[Plan], wanted: str) -> Plan | None:
    """The one asked for; the first when nothing was."""
    if not wanted:
        return plans[0] if plans else None
    return next((plan for plan in plans if str(plan.id) == wanted), None)


def _named(plan: Plan) -> str:
    name = _("%(plan)s（第 %(version)s 版）", plan=formats.local(plan, "name"), version=plan.version_number)
    return _("%(name)s，商定", name=name) if plan.private else name
