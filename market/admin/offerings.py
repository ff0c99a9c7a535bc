"""`/admin/offerings/<id>`: one service, and the decision to pause it or to take it down."""

from __future__ import annotations

from flask import Blueprint, flash, g, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import RadioField, TextAreaField, ValidationError
from wtforms.fields.choices import SelectChoice

from market import audit, catalog, resources
from market.admin import parts
from market.catalog import Offering, OfferingStatus
from market.web import formats, forms, guards

bp = Blueprint("offerings", __name__, url_prefix="/offerings")


class StopForm(forms.MarketForm):
    """Pause or withdraw, and why."""

    verb = RadioField(
        _l("要做什么"),
        [forms.Filled(_l("选择要做什么。"))],
        choices=[SelectChoice("suspend", _l("暂停展示，以后可以恢复")), SelectChoice("retire", _l("下架，以后不能恢复"))],
        validate_choice=False,
    )
    reason = TextAreaField(_l("原因"), [forms.Filled(_l("写明原因，服务商会原样看到。")), forms.NotLongerThan(1000)])

    def validate_verb(self, field: RadioField) -> None:
        """Only what was offered."""
        if field.data not in [choice.value for choice in field.choices]:
            raise ValidationError(_("选择要做什么。"))


@bp.get("/<int:id>")
@guards.require("reviews.read")
def show(id: int) -> str:
    """One service with its versions and its history."""
    return _page(catalog.offering_by_id(id))


@bp.post("/<int:id>/stop")
@guards.require("reviews.decide")
def stop(id: int) -> Response | tuple[str, int]:
    """Pause or withdraw."""
    offering = catalog.offering_by_id(id)
    if offering.status is OfferingStatus.RETIRED:
        raise catalog.Retired
    form = _form(offering)
    if not form.validate():
        return _page(offering, form), 422
    if form.verb.data == "retire":
        catalog.retire(offering, reason=form.reason.data, by=g.actor, at=resources.clock.now())
        flash(_("“%(name)s”已下架，原因留在操作记录里。", name=_name(offering)), "ok")
    else:
        catalog.suspend(offering, reason=form.reason.data, by=g.actor, at=resources.clock.now())
        flash(_("“%(name)s”已暂停展示，原因留在操作记录里。", name=_name(offering)), "ok")
    return redirect(url_for(".show", id=id), 303)


@bp.post("/<int:id>/reinstate")
@guards.require("reviews.decide")
def reinstate(id: int) -> Response:
    """Show it again."""
    offering = catalog.offering_by_id(id)
    catalog.reinstate(offering, by=g.actor, at=resources.clock.now())
    flash(_("“%(name)s”已恢复展示。", name=_name(offering)), "ok")
    return redirect(url_for(".show", id=id), 303)


def _page(offering: Offering, form: StopForm | None = None) -> str:
    return render_template(
        "admin/offerings/show.html",
        offering=offering,
        name=_name(offering),
        form=form or _form(offering),
        reviewed=[revision for revision in reversed(offering.revisions) if revision.submitted_at],
        can_stop=offering.status in (OfferingStatus.LIVE, OfferingStatus.SUSPENDED),
        history_entries=parts.timeline(audit.history(offering)),
    )


def _form(offering: Offering) -> StopForm:
    form = StopForm()
    if offering.status is OfferingStatus.SUSPENDED:
        form.verb.choices = form.verb.choices[1:]
    return form


def _name(offering: Offering) -> str:
    words = offering.live_revision or offering.revisions[-1]
    return formats.local(words.facts, "name") or offering.slug
