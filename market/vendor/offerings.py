"""`/vendor/offerings`: what the provider sells, from the first word to the storefront and back."""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import RadioField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice

from market import catalog, resources, subscriptions
from market.catalog import (
    EDITABLE,
    FactsInvalid,
    Incomplete,
    Offering,
    OfferingStatus,
    Provisioning,
    SlugTaken,
)
from market.errors import MarketError, NotFound
from market.vendor import progress
from market.vendor.fact_form import FactForm, facts_form
from market.web import formats, forms, guards, mailing

bp = Blueprint("offerings", __name__, url_prefix="/offerings")

Answer = Response | str | tuple[str, int]

#: A second request for the same address within this time is the second half of a double click.
DOUBLE_CLICK = timedelta(minutes=1)
WAYS = [
    SelectChoice(Provisioning.MANUAL.value, _l("人工开通：订单进您的任务列表，办好后填登录信息")),
    SelectChoice(Provisioning.WEBHOOK.value, _l("系统开通：平台通知您的系统，由系统自动办好")),
]


class NewForm(forms.MarketForm):
    """The first things about a new offering; its address and category stay as they are."""

    name_zh, name_en = forms.bilingual(_l("服务名称"), _l("英文名称"), limit=60)
    category_slug = SelectField(_l("大类"), [forms.Filled(_l("选择四大类中的一类"))], validate_choice=False)
    slug = StringField(_l("网址名"), [forms.Filled(_l("填写网址名，例如 cloud-backup"))])
    provisioning = RadioField(_l("怎么开通"), choices=WAYS, default=Provisioning.MANUAL.value)


class ProvisioningForm(forms.MarketForm):
    """How new subscriptions are set up."""

    provisioning = RadioField(_l("怎么开通"), choices=WAYS)


class LimitsForm(forms.MarketForm):
    """How many subscriptions there can be; empty: as many as are ordered."""

    limit_total = forms.CountField(_l("一共开多少份"))
    limit_per_organization = forms.CountField(_l("一家企业最多多少份"))


class StopForm(forms.MarketForm):
    """Why an offering is taken down; it stays in the trail."""

    reason = TextAreaField(_l("原因"), [forms.Filled(_l("写明原因，会留在操作记录里")), forms.NotLongerThan(500)])


@bp.get("/")
@guards.require("offerings.read")
def index() -> str:
    """Everything the provider offers, with its state in words."""
    return render_template("vendor/offerings/index.html", rows=[progress.of(o) for o in catalog.offerings_of(g.provider)])


@bp.route("/new", methods=["GET", "POST"])
@guards.require("offerings.edit")
def new() -> Answer:
    """Start an offering: its first draft."""
    form = NewForm()
    known = [SelectChoice(branch.category.slug, formats.local(branch.category, "name")) for branch in catalog.categories()]
    form.category_slug.choices = [SelectChoice("", forms.CHOOSE), *known]
    if not form.is_submitted():
        return render_template("vendor/offerings/new.html", form=form)
    if form.validate():
        try:
            id = _add(form)
        except MarketError as refusal:
            if (made := _just_made(form.slug.data or "", refusal)) is not None:
                return redirect(url_for(".show", id=made), 303)
            form.refuse(refusal)
        else:
            flash(_("服务已建好，还是草稿。下面一项一项填，随时可以停下。"), "ok")
            return redirect(url_for(".show", id=id), 303)
    return render_template("vendor/offerings/new.html", form=form), 422


@bp.get("/<int:id>")
@guards.require("offerings.read")
def show(id: int) -> str:
    """One offering: where it stands, what is missing, what to do next."""
    return _page(catalog.offering_of(g.provider, id))


@bp.route("/<int:id>/facts/<section>", methods=["GET", "POST"])
@guards.require("offerings.edit")
def edit(id: int, section: str) -> Answer:
    """One section of the facts. Nothing is required here: a draft may be incomplete."""
    offering = catalog.offering_of(g.provider, id)
    found = next((each for each in catalog.SECTIONS if each.slug == section), None)
    if found is None:
        raise NotFound
    revision = catalog.pending_revision(offering)
    if revision is None or revision.status not in EDITABLE:
        raise catalog.NotEditable
    form = facts_form(found, offering, revision.facts)
    if not form.is_submitted() or request.form.get("do", "").startswith("add-"):
        return _section(offering, form)
    if not form.validate():
        return _section(offering, form), 422
    try:
        catalog.edit(revision, form.values(), by=g.actor, at=resources.clock.now())
    except FactsInvalid as refusal:
        form.show(refusal)
        return _section(offering, form), 422
    flash(_("“%(section)s”已保存。", section=formats.local(found, "title")), "ok")
    following = progress.after(found) if request.form.get("do") == "next" else None
    if following is not None:
        return redirect(url_for(".edit", id=id, section=following.slug), 303)
    return redirect(url_for(".show", id=id), 303)


@bp.route("/<int:id>/provisioning", methods=["GET", "POST"])
@guards.require("offerings.edit")
def provisioning(id: int) -> Answer:
    """How new subscriptions are set up; takes effect at once, without a review."""
    offering = catalog.offering_of(g.provider, id)
    form = ProvisioningForm(provisioning=offering.provisioning.value)
    if not form.validate_on_submit():
        html = render_template("vendor/offerings/provisioning.html", form=form, offering=offering, name=progress.name(offering))
        return (html, 422) if form.is_submitted() else html
    catalog.set_provisioning(offering, form.provisioning.data, by=g.actor, at=resources.clock.now())
    flash(_("开通方式已保存，下一笔新订单起生效。"), "ok")
    return redirect(url_for(".show", id=id), 303)


@bp.route("/<int:id>/limits", methods=["GET", "POST"])
@guards.require("offerings.edit")
def limits(id: int) -> Answer:
    """How many there can be, in all and for one firm; takes effect at once, without a review."""
    offering = catalog.offering_of(g.provider, id)
    form = LimitsForm(limit_total=offering.limit_total, limit_per_organization=offering.limit_per_organization)
    right = form.validate_on_submit()
    if right:
        try:
            catalog.set_limits(
                offering, total=form.limit_total.data, per_organization=form.limit_per_organization.data,
                by=g.actor, at=resources.clock.now(),
            )  # fmt: skip
        except MarketError as refusal:
            form.refuse(refusal)
        else:
            flash(_("名额已保存，马上生效。"), "ok")
            return redirect(url_for(".show", id=id), 303)
    taken = subscriptions.places_taken(offering)
    html = render_template("vendor/offerings/limits.html", form=form, offering=offering, name=progress.name(offering), taken=taken)
    return (html, 422) if form.is_submitted() else html


@bp.post("/<int:id>/revise")
@guards.require("offerings.edit")
def revise(id: int) -> Response:
    """Start changing what is published; it stays live meanwhile."""
    offering = catalog.offering_of(g.provider, id)
    if catalog.pending_revision(offering) is None:
        catalog.start_revision(offering, by=g.actor, at=resources.clock.now())
        flash(_("新的一版已经开始，是已发布内容的副本。改好提交之前，客户看到的不变。"), "ok")
    return redirect(url_for(".show", id=id), 303)


@bp.post("/<int:id>/submit")
@guards.require("offerings.edit")
def submit(id: int) -> Answer:
    """Hand the draft in; what is missing is listed instead."""
    offering = catalog.offering_of(g.provider, id)
    revision = catalog.pending_revision(offering)
    if revision is None:
        raise catalog.NotEditable
    if revision.status in EDITABLE:
        try:
            catalog.submit(revision, by=g.actor, at=resources.clock.now())
        except Incomplete:
            return _page(offering, refused=True), 422
    flash(mailing.with_news(_("已提交审核，进展在这里看。")), "ok")
    return redirect(url_for(".show", id=id), 303)


@bp.route("/<int:id>/suspend", methods=["GET", "POST"])
@guards.require("offerings.edit")
def suspend(id: int) -> Answer:
    """Stop selling for a while, after reading what that does."""
    return _stop(id, OfferingStatus.SUSPENDED)


@bp.route("/<int:id>/retire", methods=["GET", "POST"])
@guards.require("offerings.edit")
def retire(id: int) -> Answer:
    """Take it down for good, after reading what that does."""
    return _stop(id, OfferingStatus.RETIRED)


@bp.post("/<int:id>/reinstate")
@guards.require("offerings.edit")
def reinstate(id: int) -> Response:
    """Sell it again."""
    offering = catalog.offering_of(g.provider, id)
    if offering.status is not OfferingStatus.LIVE:
        catalog.reinstate(offering, by=g.actor, at=resources.clock.now())
        flash(_("服务已恢复，客户又能订阅了。"), "ok")
    return redirect(url_for(".show", id=id), 303)


def _add(form: NewForm) -> int:
    words = {"name_zh": form.name_zh.data, "name_en": form.name_en.data}
    try:
        revision = catalog.add_offering(
            g.provider, slug=(form.slug.data or "").strip(), category_slug=form.category_slug.data, facts=words,
            provisioning=form.provisioning.data, by=g.actor, at=resources.clock.now(),
        )  # fmt: skip
    except FactsInvalid as refusal:
        form.refuse(refusal)
        raise
    return revision.offering_id


def _just_made(slug: str, refusal: MarketError) -> int | None:
    """The offering that the first half of a double click made."""
    if not isinstance(refusal, SlugTaken):
        return None
    since = resources.clock.now() - DOUBLE_CLICK
    mine = (each for each in catalog.offerings_of(g.provider) if each.slug == slug.strip() and each.created_at >= since)
    return next((each.id for each in mine), None)


def _section(offering: Offering, form: FactForm) -> str:
    revision = catalog.pending_revision(offering)
    return render_template(
        "vendor/offerings/edit.html",
        offering=offering,
        name=progress.name(offering),
        saved_by=progress.saved_by(offering),
        form=form,
        section=form.section,
        following=progress.after(form.section),
        comments=progress.comments(offering),
        missing=[gap for gap in catalog.missing(revision) if gap.section == form.section.slug] if revision else [],
        revision=revision,
    )


def _page(offering: Offering, *, refused: bool = False) -> str:
    return render_template(
        "vendor/offerings/show.html",
        offering=offering,
        at=(standing := progress.of(offering)),
        gaps=progress.gaps(standing),
        name=progress.name(offering),
        saved_by=progress.saved_by(offering),
        tasks=progress.tasks(offering),
        changes=progress.changes(offering),
        comments=progress.comments(offering),
        place=progress.place_in_queue(offering),
        target_days=catalog.REVIEW_TARGET.days,
        refused=refused,
        section_of=progress.section_of,
        label_of=progress.label_of,
    )


def _stop(id: int, to: OfferingStatus) -> Answer:
    offering, form = catalog.offering_of(g.provider, id), StopForm()
    if offering.status is to:
        return redirect(url_for(".show", id=id), 303)
    act = catalog.suspend if to is OfferingStatus.SUSPENDED else catalog.retire
    if form.validate_on_submit():
        act(offering, reason=form.reason.data, by=g.actor, at=resources.clock.now())
        flash(_("服务已暂停。") if to is OfferingStatus.SUSPENDED else _("服务已下架。"), "ok")
        return redirect(url_for(".show", id=id), 303)
    users = subscriptions.running_by_plan(plan.id for plan in offering.plans)
    html = render_template(
        "vendor/offerings/stop.html", form=form, offering=offering, name=progress.name(offering),
        suspending=to is OfferingStatus.SUSPENDED, firms=sum(users.values()),
    )  # fmt: skip
    return (html, 422) if form.is_submitted() else html
