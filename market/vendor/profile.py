"""`/vendor/profile`: what buyers read about the provider, and its licences."""

from __future__ import annotations

from flask import Blueprint, flash, g, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import StringField

from market import accounts, providers, resources
from market.errors import MarketError
from market.kit.period import local_day
from market.web import firms, forms, guards

bp = Blueprint("profile", __name__, url_prefix="/profile")

#: What a licence's state is called: words, tone, icon.
PAPERS = {
    "valid": (_l("有效"), "ok", "circle-check"),
    "expiring": (_l("快到期"), "warn", "clock"),
    "expired": (_l("已过期"), "bad", "alert-triangle"),
    "unchecked": (_l("还没核对"), "", "circle"),
}


class ProfileForm(forms.MarketForm):
    """What buyers read about the provider."""

    name_zh, name_en = forms.bilingual(_l("服务商名称"), _l("英文名称"), limit=60)
    summary_zh, summary_en = forms.bilingual(_l("简介"), _l("英文简介"), limit=400, required=False, long=True)
    phone = StringField(_l("客服电话"), [forms.NotLongerThan(30)])
    email = StringField(_l("客服邮箱"), [forms.NotLongerThan(100)])
    website = StringField(_l("网站"), [forms.NotLongerThan(200)])


@bp.get("/")
@guards.require("profile.read")
def show() -> str:
    """The profile as it is, with the licences and where they stand."""
    provider, on = providers.provider_by_id(g.provider.id), local_day(resources.clock.now())
    held = [(licence, *PAPERS[providers.licence_state(licence, on)]) for licence in provider.licences]
    facts = firms.texts(accounts.profile_of(provider.organization), on=on)
    return render_template("vendor/profile/show.html", provider=provider, licences=held, city=facts["city_code"])


@bp.route("/edit", methods=["GET", "POST"])
@guards.require("profile.edit")
def edit() -> Response | str | tuple[str, int]:
    """Change what buyers read; it shows at once."""
    form = ProfileForm(obj=g.provider)
    if not form.is_submitted():
        return render_template("vendor/profile/edit.html", form=form)
    if form.validate():
        words = {name: text or "" for name, text in form.data.items() if name != "csrf_token"}
        try:
            providers.edit_profile(g.provider, words, by=g.actor, at=resources.clock.now())
        except MarketError as refusal:
            form.refuse(refusal)
        else:
            flash(_("服务商资料已保存，客户现在看到的就是新的。"), "ok")
            return redirect(url_for(".show"), 303)
    return render_template("vendor/profile/edit.html", form=form), 422
