"""`/admin/providers`: who sells, under which licences, and the decision to take in or to stop."""

from __future__ import annotations

from datetime import date

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import HiddenField, TextAreaField
from wtforms.form import BaseForm

from market import audit, catalog, providers, resources, subscriptions
from market.admin import parts
from market.errors import MarketError
from market.kit.period import local_day
from market.providers import Provider, ProviderStatus
from market.web import errors, formats, forms, guards, paging

bp = Blueprint("providers", __name__, url_prefix="/providers")


class ReasonForm(forms.MarketForm):
    """Why a provider is refused or suspended."""

    reason = TextAreaField(_l("原因"), [forms.Filled(_l("写明原因，服务商会原样看到。")), forms.NotLongerThan(1000)])


class RecheckForm(forms.MarketForm):
    """What was looked at again; the licences' last days are boxes of their own (`Days`)."""

    note = TextAreaField(_l("核对了什么"), [forms.Filled(_l("写一两句核对了什么，以后查得到。"))])
    seen = HiddenField()


@bp.get("/")
@guards.require("providers.read")
def index() -> str:
    """All of them, those that wait first; `?status=suspended` narrows, `?show=recheck` begins with what is overdue."""
    wanted, rechecking = request.args.get("status", ""), request.args.get("show") == "recheck"
    status = ProviderStatus(wanted) if wanted in set(ProviderStatus) else None
    today = local_day(resources.clock.now())
    overdue, near = providers.count_rechecks(today)
    return render_template(
        "admin/providers/index.html",
        providers=paging.page_of(providers.rechecks() if rechecking else providers.all_providers(status)),
        counts=providers.count_by_status(),
        status=status,
        rechecking=rechecking,
        overdue=overdue,
        near=near,
        soon=today + providers.RECHECK_NEAR,
        live=catalog.live_counts(),
        nearest=_nearest,
        today=today,
    )


@bp.get("/<int:id>")
@guards.require("providers.read")
def show(id: int) -> str:
    """One provider with its papers, what it sells and what happened to it."""
    return _page(providers.provider_by_id(id))


@bp.post("/<int:id>/approve")
@guards.require("providers.decide")
def approve(id: int) -> Response:
    """Take in, or back in after a suspension."""
    provider = providers.provider_by_id(id)
    verb = providers.reinstate if provider.status is ProviderStatus.SUSPENDED else providers.approve
    verb(provider, by=g.actor, at=resources.clock.now())
    flash(_("“%(name)s”现在可以销售服务。", name=formats.local(provider, "name")), "ok")
    return redirect(url_for(".show", id=id), 303)


@bp.post("/<int:id>/refuse")
@guards.require("providers.decide")
def refuse(id: int) -> Response | tuple[str, int]:
    """Do not take in."""
    provider, form = providers.provider_by_id(id), ReasonForm()
    if not form.validate():
        return _page(provider, form), 422
    providers.refuse(provider, reason=form.reason.data, by=g.actor, at=resources.clock.now())
    flash(_("已拒绝“%(name)s”入驻。", name=formats.local(provider, "name")), "ok")
    return redirect(url_for(".show", id=id), 303)


@bp.post("/<int:id>/suspend")
@guards.require("providers.decide")
def suspend(id: int) -> Response | tuple[str, int]:
    """Hide its offerings from new buyers."""
    provider, form = providers.provider_by_id(id), ReasonForm()
    if not form.validate():
        return _page(provider, form), 422
    providers.suspend(provider, reason=form.reason.data, by=g.actor, at=resources.clock.now())
    flash(_("已暂停“%(name)s”，它的服务不再对新顾客展示。", name=formats.local(provider, "name")), "ok")
    return redirect(url_for(".show", id=id), 303)


@bp.post("/<int:id>/recheck")
@guards.require("providers.decide")
def recheck(id: int) -> Response | tuple[str, int]:
    """Identity and licences have been looked at again."""
    provider, form = providers.provider_by_id(id), RecheckForm()
    days = Days(provider)
    filled = form.validate_on_submit()
    form.form_errors += days.problems()
    try:
        if filled and not form.form_errors:
            seen = int(form.seen.data) if (form.seen.data or "").isdecimal() and len(form.seen.data) < 10 else 0
            providers.recheck(
                provider, note=form.note.data, until=days.until(), seen=seen, by=g.actor, at=resources.clock.now()
            )
            flash(_("已复核“%(name)s”，下次最晚 %(date)s。", name=formats.local(provider, "name"), date=formats.date(provider.recheck_due_on)), "ok")
            return redirect(url_for(".show", id=id), 303)
    except MarketError as refusal:
        days.refuse(refusal)
        form.refuse(refusal)
    return _page(provider, recheck=form, days=days), 422


class Days:
    """A box for the last day of each licence."""

    def __init__(self, provider: Provider) -> None:
        held = {f"until-{licence.id}": licence for licence in provider.licences}
        self.boxes = BaseForm(
            {
                name: forms.DayField(_("%(name)s的有效期至", name=formats.local(licence, "name")), id=name)
                for name, licence in held.items()
            }
        )
        stated = {name: licence.valid_until for name, licence in held.items()}
        self.boxes.process(request.form if request.method == "POST" else None, data=stated)
        self.held = held

    def problems(self) -> list[str]:
        """What is wrong with the boxes, each of which must hold a day or nothing."""
        self.boxes.validate()
        return [str(message) for box in self.boxes for message in box.errors]

    def until(self) -> dict[int, date | None]:
        """Licence → its last day; one whose box was not sent is left out."""
        return {licence.id: self.boxes[name].data for name, licence in self.held.items() if name in request.form}

    def refuse(self, refusal: MarketError) -> None:
        """Put what the domain says about a licence at its box."""
        for name, message in errors.field_messages(refusal).items():
            if name in self.boxes:
                self.boxes[name].errors = [message]


def _page(
    provider: Provider, form: ReasonForm | None = None, recheck: RecheckForm | None = None, days: Days | None = None
) -> str:
    today = local_day(resources.clock.now())
    rechecks = recheck or RecheckForm(formdata=None)
    rechecks.seen.data = str(provider.version)
    return render_template(
        "admin/providers/show.html",
        provider=provider,
        form=form or ReasonForm(),
        recheck=rechecks,
        days=(days or Days(provider)).boxes,
        next_due=providers.next_day(today),
        soon=today + providers.RECHECK_NEAR,
        today=today,
        offerings=catalog.offerings_of(provider),
        firms=subscriptions.firms_of(provider),
        licences=[(licence, providers.licence_state(licence, today)) for licence in provider.licences],
        history_entries=parts.timeline(audit.history(provider)),
    )


def _nearest(provider: Provider) -> providers.Licence | None:
    """The licence that ends first."""
    dated = [licence for licence in provider.licences if licence.valid_until is not None]
    return min(dated, key=lambda licence: licence.valid_until or date.max, default=None)
