"""`/register`: a person and her firm come in, in minutes."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import BooleanField, EmailField, PasswordField, StringField

from market import accounts, credentials, policies, resources
from market.accounts import Applicant, Membership
from market.credentials import Purpose, recovery
from market.errors import MarketError
from market.kit.period import local_day
from market.web import firms, forms, login, proof, transactions
from market.web.formats import language

bp = Blueprint("register", __name__)

Answer = Response | str | tuple[str, int]


class RegisterForm(firms.FirmForm):
    """A person and her firm; the rules live in `accounts.register`."""

    leading = ("name", "email", "phone", "password")

    name = StringField(
        _l("您的姓名"),
        [forms.Filled(_l("填写您的姓名，账单和审批记录会用到")), forms.NotLongerThan(60)],
        render_kw={"autocomplete": "name"},
    )
    email = EmailField(
        _l("邮箱"),
        [forms.Filled(_l("填写邮箱，用来登录和收账单")), forms.NotLongerThan(254)],
        render_kw={"autocomplete": "email"},
    )
    phone = StringField(_l("手机或电话"), [forms.NotLongerThan(40)], render_kw={"autocomplete": "tel", "inputmode": "tel"})
    password = PasswordField(
        _l("密码"),
        [forms.Filled(_l("设一个密码，至少 10 个字符")), forms.NotLongerThan(200)],
        render_kw={"autocomplete": "new-password"},
    )
    agree = BooleanField(
        _l("我看过并同意平台规则和隐私政策"), [forms.Filled(_l("先看一遍平台规则和隐私政策，同意后勾选"))]
    )

    def applicant(self) -> Applicant:
        """Who registers."""
        return Applicant(
            name=self.name.data or "", email=self.email.data or "", password=self.password.data or "",
            phone=self.phone.data or "", locale=language(),
        )  # fmt: skip


@bp.get("/register")
def show() -> Answer:
    """Open an account for a firm; asked again for a part while somebody types."""
    form = RegisterForm(formdata=firms.asked_live())
    return _page(form)


@bp.post("/register")
def register() -> Answer:
    """Register, sign in and go on to what she came for; or say at once all that must be changed."""
    form = RegisterForm()
    if request.form.get("act") == "size":
        return _page(form)
    _prepare(form)
    filled, at, address = form.validate_on_submit(), resources.clock.now(), request.remote_addr or ""
    try:
        if filled:
            membership = accounts.register(form.applicant(), form.facts(), at=at, address=address)
            policies.agree(membership.user, at=at, address=address)
            return _enter(membership)
        accounts.check_registration(form.applicant(), form.facts(), at=at)
    except MarketError as refusal:
        counted = _counted(refusal)
        form.refuse(counted)
        return _page(form), 429 if counted is not refusal else 422
    return _page(form), 422


def _counted(refusal: MarketError) -> MarketError:
    """That a person or a firm is known is told only so often, so that nobody goes through a list here."""
    if accounts.tells_of_others(refusal):
        try:
            proof.take("registration")
        except credentials.TooManyAttempts as wait:
            return wait
        _tell_owner()
    return refusal


def _tell_owner() -> None:
    """Whoever has this address learns by letter that somebody typed it here; seldom, lest letters become a nuisance."""
    email = accounts.emails.normal(request.form.get("email", ""))
    if accounts.user_by_email(email) is None:
        return
    try:
        proof.take("letter", account=email)
    except credentials.TooManyAttempts:
        return
    recovery.request_link(Purpose.REGISTER, email=email, locale=language(), at=resources.clock.now())
    transactions.keep()


def _enter(membership: Membership) -> Response:
    login.sign_in(membership.user)
    login.act_for(membership)
    user = membership.user
    recovery.request_link(Purpose.CONFIRM_EMAIL, email=user.email, user=user, at=resources.clock.now())
    size = firms.size_view(membership.organization, on=local_day(resources.clock.now()))
    if size.known:
        flash(_("已注册。贵企业是%(size)s：%(reason)s。", size=size.label, reason=size.reason), "ok")
    return redirect(login.safe_next(url_for("console.overview.index")), 303)


def _prepare(form: RegisterForm) -> None:
    form.prepare(live=url_for(".show"), on=local_day(resources.clock.now()))


def _page(form: RegisterForm) -> str:
    _prepare(form)
    return render_template(
        "storefront/register/show.html",
        form=form,
        size=firms.size_view(form.facts(), on=local_day(resources.clock.now())),
        city_hint=firms.city_hint(form.code.data or "", form.city_code.data),
    )
