"""`/vendor/offerings/<id>/plans`: the plans of an offering, written with an example bill beside them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from market import billing, catalog, resources, subscriptions
from market.catalog import EDITABLE, Offering, Plan, PlanInvalid, PlanStatus
from market.errors import MarketError, NotFound
from market.vendor import plan_form, progress
from market.vendor.offerings import DOUBLE_CLICK
from market.vendor.plan_boxes import KINDS
from market.vendor.plan_form import PlanEditor
from market.web import agreements, formats, guards

bp = Blueprint("plans", __name__, url_prefix="/<int:offering_id>/plans")

Answer = Response | str | tuple[str, int]


@dataclass(frozen=True)
class Card:
    """A plan as it is or will be on sale, its price in words, an example bill, and who uses the version on sale."""

    plan: Plan
    on_sale: Plan | None
    prices: list[agreements.Price]
    estimate: billing.Estimate | None
    firms: int

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The example bill as the estimate table takes it."""
        return lines_of(self.estimate)


@bp.get("/")
@guards.require("offerings.read")
def index(offering_id: int) -> str:
    """The plans with their example bills, and every version there was."""
    offering = catalog.offering_of(g.provider, offering_id)
    return render_template(
        "vendor/plans/index.html",
        offering=offering,
        name=progress.name(offering),
        cards=_cards(offering),
        comments=progress.comments(offering),
        versions=catalog.plans_of(offering),
        can_write=_writable(offering) and guards.can("offerings.edit"),
        waiting=progress.of(offering).waiting,
    )


@bp.route("/new", methods=["GET", "POST"])
@guards.require("offerings.edit")
def new(offering_id: int) -> Answer:
    """Write a new plan."""
    offering = _to_write(offering_id)
    meters = catalog.meters_of(g.provider)
    if request.method != "POST":
        return _page(offering, plan_form.blank(meters))
    editor = plan_form.from_request(meters)
    same = _same_slug(offering, editor) if request.form.get("do") == "save" else None
    if same is not None and same.status is PlanStatus.DRAFT and same.created_at >= resources.clock.now() - DOUBLE_CLICK:
        return redirect(url_for(".index", offering_id=offering.id), 303)
    if same is not None:
        _complain(offering, editor, None)
        editor.words.slug.errors = [_("这项服务已有代号为“%(slug)s”的套餐，请换一个。", slug=editor.words.slug.data)]
        return _page(offering, editor), 422
    return _write(offering, editor, None)


@bp.route("/<slug>", methods=["GET", "POST"])
@guards.require("offerings.edit")
def edit(offering_id: int, slug: str) -> Answer:
    """Write the draft of a plan; of a published one, its next version."""
    offering = _to_write(offering_id)
    plan, meters = _plan(offering, slug), catalog.meters_of(g.provider)
    if request.method != "POST":
        return _page(offering, plan_form.from_plan(plan, meters), plan)
    return _write(offering, plan_form.from_request(meters, slug), plan)


@bp.route("/<slug>/drop", methods=["GET", "POST"])
@guards.require("offerings.edit")
def drop(offering_id: int, slug: str) -> Answer:
    """Delete a draft or stop selling a plan, after reading what that does."""
    offering = catalog.offering_of(g.provider, offering_id)
    plan, refusal = _plan(offering, slug), None
    if request.method == "POST":
        try:
            catalog.drop_plan(plan, by=g.actor, at=resources.clock.now())
        except MarketError as error:
            refusal = error
        else:
            draft = plan.status is PlanStatus.DRAFT
            flash(_("草稿已删除。") if draft else _("套餐已停售，已经在用的企业不受影响。"), "ok")
            return redirect(url_for(".index", offering_id=offering.id), 303)
    html = render_template(
        "vendor/plans/drop.html", offering=offering, name=progress.name(offering), plan=plan, refusal=refusal,
        firms=subscriptions.running_by_plan([plan.id]).get(plan.id, 0),
    )  # fmt: skip
    return (html, refusal.status) if refusal else html


def lines_of(estimate: billing.Estimate | None) -> list[dict[str, Any]]:
    """An example bill's lines in the reader's language."""
    return [
        {"label": formats.local(line.charge, "name"), "formula": line.formula(formats.language()), "fen": line.fen}
        for line in (estimate.lines if estimate else ())
    ]


def _write(offering: Offering, editor: PlanEditor, plan: Plan | None) -> Answer:
    """Show the form again for every button but `save`; then save, or say what is wrong."""
    action = request.form.get("do", "save")
    if action != "save":
        estimate = editor.example() if action == "example" else None
        html = _page(offering, editor, plan, estimate)
        return (html, 422) if editor.has_errors else html
    if not _complain(offering, editor, plan):
        return _page(offering, editor, plan), 422
    saved = _save(offering, editor, plan)
    flash(_("套餐“%(name)s”已保存，下面是它的示例账单。", name=formats.local(saved, "name")), "ok")
    return redirect(url_for(".index", offering_id=offering.id, _anchor=f"plan-{saved.slug}"), 303)


def _complain(offering: Offering, editor: PlanEditor, plan: Plan | None) -> bool:
    """Whether all is right; what is not is said at its box, of the words and the charges in one round."""
    right = editor.words.validate()
    try:
        catalog.check_plan(offering, **_asked(editor, plan))
    except PlanInvalid as refusal:
        editor.refuse(refusal)
        return False
    return right


def _asked(editor: PlanEditor, plan: Plan | None) -> dict[str, Any]:
    return editor.asked(plan.slug if plan else (editor.words.slug.data or "").strip())


def _save(offering: Offering, editor: PlanEditor, plan: Plan | None) -> Plan:
    words, now = editor.words, resources.clock.now()
    saved = catalog.save_plan(
        offering, **_asked(editor, plan), summary_zh=words.summary_zh.data, summary_en=words.summary_en.data,
        position=plan.position if plan else len({each.slug for each in offering.plans}), by=g.actor, at=now,
    )  # fmt: skip
    if catalog.pending_revision(offering) is None:
        # A new price goes live with a revision, so there has to be one to submit.
        catalog.start_revision(offering, by=g.actor, at=now)
    return saved


def _page(
    offering: Offering, editor: PlanEditor, plan: Plan | None = None, estimate: billing.Estimate | None = None
) -> str:
    if request.method != "POST" and plan is not None:
        estimate = editor.example()
    sold = plan if plan is not None and plan.status is PlanStatus.PUBLISHED else None
    on_sale = sold or next((p for p in offering.live_plans if plan is not None and p.slug == plan.slug), None)
    return render_template(
        "vendor/plans/edit.html",
        offering=offering,
        name=progress.name(offering),
        editor=editor,
        plan=plan,
        on_sale=on_sale,
        firms=subscriptions.running_by_plan([on_sale.id]).get(on_sale.id, 0) if on_sale else 0,
        kinds=KINDS,
        estimate=estimate,
        lines=lines_of(estimate),
        comments=progress.comments(offering).get(f"plans.{plan.slug}", []) if plan else [],
    )


def _cards(offering: Offering) -> list[Card]:
    changes = catalog.plan_changes(offering)
    users = subscriptions.running_by_plan(change.before.id for change in changes if change.before)
    return [
        Card(
            change.after, change.before, agreements.prices(change.after), _usual_month(change.after),
            users.get(change.before.id, 0) if change.before else 0,
        )  # fmt: skip
        for change in changes
    ]


def _usual_month(plan: Plan) -> billing.Estimate:
    return billing.estimate(plan, {charge.slug: Decimal(charge.typical) for charge in plan.charges})


def _to_write(offering_id: int) -> Offering:
    """The offering, if its plans can be written now. Raises NotEditable, Retired."""
    offering = catalog.offering_of(g.provider, offering_id)
    if offering.status is catalog.OfferingStatus.RETIRED:
        raise catalog.Retired
    if not _writable(offering):
        raise catalog.NotEditable
    return offering


def _writable(offering: Offering) -> bool:
    pending = catalog.pending_revision(offering)
    retired = offering.status is catalog.OfferingStatus.RETIRED
    return not retired and (pending is None or pending.status in EDITABLE)


def _plan(offering: Offering, slug: str) -> Plan:
    """The version that will be on sale. Raises NotFound."""
    plan = next((plan for plan in catalog.on_sale_after(offering) if plan.slug == slug), None)
    if plan is None:
        raise NotFound
    return plan


def _same_slug(offering: Offering, editor: PlanEditor) -> Plan | None:
    """The newest version of a plan that has the typed slug already."""
    typed = (editor.words.slug.data or "").strip()
    return next((plan for plan in reversed(offering.plans) if plan.slug == typed), None)
