"""`/admin/providers`: who sells, under which licences, and the decision to take in or to stop."""

from __future__ import annotations

from datetime import date

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import TextAreaField

from market import audit, catalog, providers, resources, subscriptions
from market.admin import parts
from market.kit.period import local_day
from market.providers import Provider, ProviderStatus
from market.web import formats, forms, guards, paging

bp = Blueprint("providers", __name__, url_prefix="/providers")


class ReasonForm(forms.MarketForm):
    """Why a provider is refused or suspended."""

    reason = TextAreaField(_l("原因"), [forms.Filled(_l("写明原因，服务商会原样看到。")), forms.NotLongerThan(1000)])


@bp.get("/")
@guards.require("providers.read")
def index() -> str:
    """All of them, those that wait first; `?status=suspended` narrows."""
    wanted = request.args.get("status", "")
    status = ProviderStatus(wanted) if wanted in set(ProviderStatus) else None
    return render_template(
        "admin/providers/index.html",
        providers=paging.page_of(providers.all_providers(status)),
        counts=providers.count_by_status(),
        status=status,
        live=catalog.live_counts(),
        nearest=_nearest,
        today=local_day(resources.clock.now()),
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


def _page(provider: Provider, form: ReasonForm | None = None) -> str:
    today = local_day(resources.clock.now())
    return render_template(
        "admin/providers/show.html",
        provider=provider,
        form=form or ReasonForm(),
        offerings=catalog.offerings_of(provider),
        firms=subscriptions.firms_of(provider),
        licences=[(licence, providers.licence_state(licence, today)) for licence in provider.licences],
        history_entries=parts.timeline(audit.history(provider)),
    )


def _nearest(provider: Provider) -> providers.Licence | None:
    """The licence that ends first."""
    dated = [licence for licence in provider.licences if licence.valid_until is not None]
    return min(dated, key=lambda licence: licence.valid_until or date.max, default=None)
