"""`/register`: a person and her firm come in, in minutes; `/finish-registration`: what the link in the letter opens.

The form answers the same for every address and every firm, in words and in time: who is known here is told by letter.
"""

from __future__ import annotations

import secrets

from flask import Blueprint, flash, make_response, redirect, render_template, request, session, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import BooleanField, EmailField, PasswordField, StringField

from market import accounts, credentials, notifications, policies, resources
from market.accounts import Applicant, Membership, Profile, Registration
from market.errors import Invalid, MarketError, NotFound
from market.kit.period import local_day
from market.web import firms, forms, login, proof, transactions
from market.web.errors import translate
from market.web.formats import language

bp = Blueprint("register", __name__)

Answer = Response | str
#: In the signed cookie: the word of this browser with the address that was typed, the word of an opened link, and that
#: of the link that finished it with where it led.
ASKED, LINK, DONE = "registering", "registration_link", "registration_done"


class RegisterForm(firms.FirmForm):
    """A person and her firm; the rules live in `accounts.check_registration`."""

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


class FinishForm(forms.MarketForm):
    """Asked for where the form was not filled in."""

    password = PasswordField(_l("注册时设的密码"), render_kw={"autocomplete": "current-password"})


@bp.after_request
def tell_nobody(response: Response) -> Response:
    """The addresses of links are passed on to no other page, and no cache keeps who registers."""
    if "token" in (request.view_args or {}):
        response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = "no-store"
    return response


@bp.get("/register")
def show() -> Answer:
    """Open an account for a firm; asked again for a part while somebody types."""
    form = RegisterForm(formdata=firms.asked_live())
    return _page(form)


@bp.post("/register")
def register() -> Answer:
    """Keep it and send a letter, whoever has the address or the firm; or say at once all that must be changed."""
    form = RegisterForm()
    if request.form.get("act") == "size":
        return _page(form)
    _prepare(form)
    if not form.city_code.data and (city := accounts.city_of_code(form.code.data or "")):
        form.city_code.data = city.code  # one thing less to fill in; the hint and the last page name it
    filled, at = form.validate_on_submit(), resources.clock.now()
    try:
        accounts.check_registration(form.applicant(), form.facts(), at=at)
        if filled:
            return _keep(form)
    except credentials.TooManyAttempts as wait:
        form.refuse(wait)
        return make_response(_page(form), 429, {"Retry-After": str(wait.retry_after)})
    except MarketError as refusal:
        form.refuse(refusal)
    return make_response(_page(form), 422)


def _keep(form: RegisterForm) -> Response:
    """The same work for every address: nothing is looked up, and the slow hash holds no transaction."""
    applicant, browser = form.applicant(), secrets.token_urlsafe(16)
    proof.take("registration", account=accounts.emails.normal(applicant.email))
    hashed = proof.hashed(applicant.password)
    accounts.apply(
        applicant, form.facts(), hashed, browser=browser, destination=login.safe_next(""), at=resources.clock.now()
    )
    session[ASKED] = [browser, accounts.emails.normal(applicant.email)]
    return redirect(url_for(".sent"), 303)


@bp.get("/register/sent")
def sent() -> Answer:
    """Look into your mailbox; and honestly, whether mail leaves this place at the moment."""
    if ASKED not in session:
        return redirect(url_for(".show"), 303)
    return render_template("storefront/register/sent.html", email=session[ASKED][1])


@bp.get("/register/letter")
def letter() -> Answer:
    """The letter itself, where no mail leaves the house: for the browser in which the form was filled in, and no other."""
    if resources.settings.smtp_url:
        raise NotFound
    if ASKED not in session:
        return redirect(url_for(".show"), 303)
    browser, email = session[ASKED]
    return render_template("storefront/register/letter.html", email=email, letters=notifications.registration_letters(browser))


@bp.get("/finish-registration/<token>")
def open_link(token: str) -> Response:
    """The link of a letter: the last step in the browser that asked for it, elsewhere a question.

    Mail programs open links by themselves, but without the cookie of that browser; with both nothing is left to ask.
    """
    if login.viewer() and session.get(DONE, [""])[0] == token:
        return redirect(session[DONE][1], 303)
    try:
        if not _asked_here(accounts.registration_of_token(token, at=resources.clock.now())):
            session[LINK] = token  # so that the word leaves the address at once
            return redirect(url_for(".question"), 303)
        with transactions.apart():
            answer = _finish(accounts.registration_of_token(token, at=resources.clock.now()))
        session[DONE] = [token, answer.location]
        return answer
    except accounts.RegistrationGone as refusal:
        proof.take("link")  # who tries out words is slowed down
        return _gone(refusal)
    except MarketError as refusal:
        return _gone(refusal)


@bp.get("/finish-registration")
def question() -> Answer:
    """Another browser: the password, and a button."""
    if LINK not in session:
        return redirect(url_for(".show"), 303)
    try:
        return _question(_pending(), FinishForm())
    except accounts.RegistrationGone as refusal:
        return _gone(refusal)


@bp.post("/finish-registration")
def finish() -> Answer:
    """The mailbox is hers: sign in and go on to what she came for. Or her firm is known, and a letter says what is next."""
    form = FinishForm()
    try:
        pending = _pending()
        if not form.validate_on_submit() or not (_asked_here(pending) or _knows_password(pending, form)):
            return make_response(_question(_pending(), form), 422)
        return _finish(_pending())
    except credentials.TooManyAttempts as wait:
        form.refuse(wait)
        return make_response(_question(_pending(), form), 429, {"Retry-After": str(wait.retry_after)})
    except MarketError as refusal:
        return _gone(refusal)


@bp.get("/register/passed-on")
def passed_on() -> Answer:
    """The mailbox is confirmed; the rest is in the next letter."""
    return render_template("storefront/register/passed_on.html")


def _pending() -> Registration:
    """What the link that was opened in this browser is about. Raises RegistrationGone."""
    return accounts.registration_of_token(str(session.get(LINK, "")), at=resources.clock.now())


def _finish(pending: Registration) -> Response:
    """She is in, and where she was going. Raises RegistrationGone and EmailTaken."""
    at, address, destination = resources.clock.now(), request.remote_addr or "", pending.destination
    membership = accounts.finish(pending, at=at, address=address)
    session.pop(LINK, None)
    if membership is None:
        return redirect(url_for(".passed_on"), 303)
    policies.agree(membership.user, at=at, address=address)
    return _enter(membership, destination)


def _asked_here(pending: Registration) -> bool:
    """Whether the form was filled in in this browser. Elsewhere anybody may have typed somebody else's address."""
    return ASKED in session and accounts.same_browser(pending, session[ASKED][0])


def _knows_password(pending: Registration, form: FinishForm) -> bool:
    right = proof.by_hash(pending.password_hash, form.password.data or "", account=f"registration {pending.id}")
    if not right:
        form.refuse(Invalid(fields={"password": "密码和注册时设的不一样。请再试一次，密码区分大小写。"}))
    return right


def _question(pending: Registration, form: FinishForm) -> str:
    return render_template(
        "storefront/register/finish.html", form=form, pending=pending, asked_here=_asked_here(pending),
        firm=firms.texts(Profile(**pending.firm), on=local_day(pending.created_at)),
    )


def _gone(refusal: MarketError) -> Response:
    """Why the link does not work, and the way on."""
    facts = {"title": _(refusal.title or "这个注册链接不能用了"), "text": translate(refusal)}
    return make_response(render_template("storefront/register/gone.html", **facts), refusal.status)


def _enter(membership: Membership, destination: str) -> Response:
    login.sign_in(membership.user)
    login.act_for(membership)
    size = firms.size_view(membership.organization, on=local_day(resources.clock.now()))
    if size.known:
        flash(_("已注册。贵企业是%(size)s：%(reason)s。", size=size.label, reason=size.reason), "ok")
    return redirect(destination or url_for("console.overview.index"), 303)


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
