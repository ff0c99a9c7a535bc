"""`/invitations/<token>`: what somebody finds who opens the link in an invitation's letter."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import BooleanField, PasswordField, StringField

from market import accounts, policies, resources
from market.accounts import Invitation, InvitationGone, Membership
from market.errors import MarketError, NotFound
from market.web import forms, guards, login, proof, roles
from market.web.errors import translate
from market.web.formats import language

bp = Blueprint("invitations", __name__, url_prefix="/invitations")

Answer = Response | str | tuple[str, int]


class JoinForm(forms.MarketForm):
    """What is asked of somebody new; the letter has proved the address."""

    name = StringField(
        _l("您的姓名"),
        [forms.Filled(_l("填写您的姓名，账单和审批记录会用到")), forms.NotLongerThan(60)],
        render_kw={"autocomplete": "name"},
    )
    password = PasswordField(
        _l("密码"),
        [forms.Filled(_l("设一个密码，至少 10 个字符")), forms.NotLongerThan(200)],
        render_kw={"autocomplete": "new-password"},
    )
    agree = BooleanField(
        _l("我看过并同意平台规则和隐私政策"), [forms.Filled(_l("先看一遍平台规则和隐私政策，同意后勾选"))]
    )


@bp.get("/<token>")
def show(token: str) -> Answer:
    """Who invites whom to what, and the one thing that this visitor can do now."""
    try:
        invitation = _invitation(token)
    except MarketError as refusal:
        return _gone(refusal)
    return _page(token, invitation, JoinForm())


@bp.post("/<token>/accept")
def accept(token: str) -> Answer:
    """Join, as the person who is signed in."""
    user = login.viewer()
    if user is None:
        return redirect(url_for(".show", token=token), 303)
    try:
        joined = accounts.accept(
            _invitation(token), user, at=resources.clock.now(), address=request.remote_addr or ""
        )
    except MarketError as refusal:
        return _gone(refusal)
    return _enter(joined)


@bp.get("/<token>/accept")
@bp.get("/<token>/join")
def back(token: str) -> Answer:
    """Somebody who reloads the page that told her what to change: back to the invitation, if there is one."""
    try:
        _invitation(token)
    except MarketError as refusal:
        return _gone(refusal)
    return redirect(url_for(".show", token=token), 303)


@bp.post("/<token>/join")
def join(token: str) -> Answer:
    """Join with a new account, and be in."""
    if login.viewer() is not None:
        return redirect(url_for(".show", token=token), 303)
    form = JoinForm()
    try:
        invitation = _invitation(token)
        if not form.validate_on_submit():
            return _page(token, invitation, form), 422
        accounts.check_newcomer(invitation.email, form.name.data, form.password.data)
        # The slow hash is computed while no transaction is open, so the invitation is looked up once more.
        hashed = proof.hashed(form.password.data)
        at, address = resources.clock.now(), request.remote_addr or ""
        invitation = _invitation(token)
        joined = accounts.accept_as_new(
            invitation, name=form.name.data, password_hash=hashed, locale=language(), at=at, address=address
        )
    except (InvitationGone, NotFound) as refusal:
        return _gone(refusal)
    except MarketError as refusal:
        form.refuse(refusal)
        return _page(token, invitation, form), refusal.status
    policies.agree(joined.user, at=at, address=address)
    login.sign_in(joined.user)
    return _enter(joined)


def _invitation(token: str) -> Invitation:
    """The open invitation behind the link; who tries out words is slowed down."""
    try:
        return accounts.invitation_of_token(token, at=resources.clock.now())
    except NotFound:
        proof.take("link")
        raise


def _enter(joined: Membership) -> Response:
    login.act_for(joined)
    flash(_("您已加入“%(organization)s”，角色是“%(role)s”。", organization=joined.organization.name, role=roles.LABELS[joined.role]), "ok")
    return redirect(url_for(guards.home_endpoint(joined)), 303)


def _page(token: str, invitation: Invitation, form: JoinForm) -> str:
    return render_template(
        "storefront/invitations/show.html", token=token, invitation=invitation, form=form,
        known=accounts.user_by_email(invitation.email) is not None,
        purpose=roles.PURPOSES[invitation.organization.kind][invitation.role],
    )  # fmt: skip


def _gone(refusal: MarketError) -> tuple[str, int]:
    """A link that opens nothing, in words, with what to do instead."""
    forged = isinstance(refusal, NotFound)
    title = _("没有找到这份邀请") if forged else _(refusal.title or "现在不能加入")
    text = _("链接可能不完整。请从邀请信里重新打开，或请邀请您的人再寄一次。") if forged else translate(refusal)
    return render_template("storefront/invitations/gone.html", title=title, text=text), refusal.status
