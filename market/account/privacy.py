"""`/account/privacy`: what is known of one, taking it away, having it forgotten."""

from __future__ import annotations

from contextlib import suppress

from flask import Blueprint, Response, flash, g, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response as AnyResponse
from wtforms import EmailField

from market import privacy, resources
from market.accounts import OrganizationKind
from market.errors import MarketError, Refused
from market.web import archives, errors, forms, guards, login

bp = Blueprint("privacy", __name__, url_prefix="/privacy")

Answer = AnyResponse | str | tuple[str, int]

#: Where each kind of organization has its members.
MEMBERS = {
    OrganizationKind.BUYER: "console.team.index",
    OrganizationKind.PROVIDER: "vendor.team.index",
    OrganizationKind.PLATFORM: "admin.team.index",
}


class EraseForm(forms.MarketForm):
    """Her own address, typed once more, so that nobody erases herself by a slip."""

    email = EmailField(_l("您的邮箱"), [forms.Filled(_l("填写您的邮箱，确认要注销的是这个账号"))], render_kw={"autocomplete": "off"})


@bp.get("")
def show() -> Answer:
    """What is stored and for how long, the archives, and the way out."""
    exports = privacy.exports_of_person(g.user)
    return archives.answer(render_template("account/privacy/show.html", exports=exports, user=g.user), exports)


@bp.post("/exports")
@guards.fresh
def export() -> AnyResponse:
    """Ask for an archive of what names her. Asking again while one is under way changes nothing."""
    with suppress(privacy.ExportPending):
        privacy.request_export(g.user, None, by=g.actor, at=resources.clock.now())
    return redirect(url_for(".show"), 303)


@bp.post("/exports/<int:id>/file")
@guards.fresh
def file(id: int) -> Response:
    """The archive itself."""
    return archives.download(privacy.export_of_person(g.user, id))


@bp.get("/erase")
@guards.fresh
def erase() -> Answer:
    """What goes, what stays, and what still stands in the way."""
    return _erase_page(EraseForm())


@bp.post("/erase")
@guards.fresh
def erase_post() -> Answer:
    """Erase her, and sign this browser out."""
    form = EraseForm()
    if form.validate_on_submit() and (form.email.data or "").strip().lower() != g.user.email:
        form.email.errors = [_("和您登录用的邮箱不一样。请填写 %(email)s", email=g.user.email)]
    if form.has_errors:
        return _erase_page(form), 422
    try:
        privacy.erase(g.user, by=g.actor, at=resources.clock.now())
    except MarketError as refusal:
        form.refuse(refusal)
        return _erase_page(form), refusal.status
    login.sign_out()
    flash(_("您的账号已注销，个人资料已删除"), "ok")
    return redirect(url_for("storefront.home.index"), 303)


def _erase_page(form: EraseForm) -> str:
    obstacle = privacy.obstacle(g.user)
    way_out = _way_out(obstacle) if obstacle else []
    return render_template(
        "account/privacy/erase.html", form=form, obstacle=obstacle and errors.translate(obstacle), way_out=way_out
    )


def _way_out(obstacle: Refused) -> list[tuple[str, str]]:
    """Where to remove what is in her way: at the firm that is meant, if she acts for it now."""
    meant = (each for each in login.memberships() if each.organization.name == obstacle.params["organization"])
    membership = next((each for each in meant if each is guards.membership_of(each.organization.kind)), None)
    if membership is None:
        return []
    if isinstance(obstacle, privacy.MoneyLeft):
        return [(_("余额"), url_for("console.balance.index"))]
    if isinstance(obstacle, privacy.StillInUse):
        return [(_("我的订阅"), url_for("console.subscriptions.index")), (_("账单"), url_for("console.bills.index"))]
    return [(_("去成员列表"), url_for(MEMBERS[membership.organization.kind]))]
