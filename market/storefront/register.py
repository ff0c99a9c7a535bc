"""`/register`: a person and her firm come in, in minutes."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import EmailField, PasswordField, SelectField, StringField

from market import accounts, resources
from market.errors import MarketError
from market.web import forms, login
from market.web.formats import local

bp = Blueprint("register", __name__)

Answer = Response | str | tuple[str, int]


class RegisterForm(forms.MarketForm):
    """A person and her firm; the rules live in `accounts.register`."""

    organization_name = StringField(
        _l("企业名称"),
        [forms.Filled(_l("填写企业名称，和营业执照上一致")), forms.NotLongerThan(120)],
        render_kw={"autocomplete": "organization"},
    )
    code = StringField(_l("统一社会信用代码"), [forms.Filled(_l("填写营业执照上的 18 位统一社会信用代码"))])
    city_code = SelectField(_l("所在地市"), [forms.Filled(_l("选择企业所在的地市"))], validate_choice=False)
    sector_slug = SelectField(_l("所属行业"), validate_choice=False)
    name = StringField(
        _l("您的姓名"),
        [forms.Filled(_l("填写您的姓名，账单和审批记录会用到")), forms.NotLongerThan(60)],
        render_kw={"autocomplete": "name"},
    )
    email = EmailField(
        _l("邮箱"), [forms.Filled(_l("填写邮箱，用来登录和收账单"))], render_kw={"autocomplete": "email"}
    )
    password = PasswordField(
        _l("密码"),
        [forms.Filled(_l("设一个密码，至少 10 个字符"))],
        render_kw={"autocomplete": "new-password"},
    )

    def fill_choices(self) -> None:
        """Cities and sectors from the database, with an empty first choice."""
        self.city_code.choices = [("", _("请选择"))] + [(c.code, local(c, "name")) for c in accounts.cities()]
        self.sector_slug.choices = [("", _("暂不选择"))] + [
            (s.slug, local(s, "name")) for s in accounts.sectors()
        ]

    def asked(self) -> dict[str, Any]:
        """What was filled in, as `accounts.register` takes it; a box that was not sent is empty."""
        names = ("email", "name", "password", "organization_name", "code", "city_code")
        return {name: self[name].data or "" for name in names} | {"sector_slug": self.sector_slug.data or None}


@bp.get("/register")
def show() -> Answer:
    """Open an account for a firm."""
    form = RegisterForm()
    form.fill_choices()
    return render_template("storefront/register/show.html", form=form)


@bp.post("/register")
def register() -> Answer:
    """Register, sign in and go on to what she came for; or say at once all that must be changed."""
    form = RegisterForm()
    form.fill_choices()
    filled = form.validate_on_submit()
    try:
        if filled:
            at, address = resources.clock.now(), request.remote_addr or ""
            return _enter(accounts.register(**form.asked(), at=at, address=address))
        accounts.check_registration(**form.asked())
    except MarketError as refusal:
        form.refuse(refusal)
    return render_template("storefront/register/show.html", form=form), 422


def _enter(membership: accounts.Membership) -> Response:
    login.sign_in(membership.user)
    login.act_for(membership)
    return redirect(login.safe_next(url_for("console.overview.index")), 303)
