"""Pages about an organization's members: `/console/team`, `/vendor/team`, `/admin/team`.

The same for every side; `pages(face)` makes the blueprint that the face's own module serves.
"""

from __future__ import annotations

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import EmailField, RadioField, TextAreaField
from wtforms.validators import ValidationError

from market import accounts, credentials, notifications, resources
from market.accounts import Membership, OrganizationKind, Role
from market.errors import MarketError
from market.web import errors, forms, guards, login, mailing, roles

Answer = Response | str | tuple[str, int]

READ, EDIT = "members.read", "members.edit"


class RoleForm(forms.MarketForm):
    """Which role."""

    role = RadioField(_l("角色"), [forms.Filled(_l("选择一个角色"))], validate_choice=False)

    def validate_role(self, field: RadioField) -> None:
        """One of those on offer."""
        if field.data not in dict(field.choices or ()):
            raise ValidationError(_("选择列表里的角色。"))

    def offer(self) -> RoleForm:
        """The roles that the person asking may give."""
        found = accounts.grantable(g.organization.kind, g.membership.role)
        self.role.choices = [(role.value, roles.LABELS[role]) for role in found]
        return self

    @property
    def purposes(self) -> dict[str, str]:
        """What each role on offer is for."""
        return {role.value: str(words) for role, words in roles.PURPOSES[g.organization.kind].items()}


class InviteForm(RoleForm):
    """Whom to invite, and as what."""

    leading = ("email",)

    email = EmailField(
        _l("邮箱"), [forms.Filled(_l("填写对方的邮箱")), forms.NotLongerThan(254)], render_kw={"autocomplete": "off"}
    )


class RemoveForm(forms.MarketForm):
    """Why; for the record."""

    reason = TextAreaField(_l("原因"), [forms.NotLongerThan(300)])


def pages(face: str) -> Blueprint:
    """The blueprint of one face."""
    bp = Blueprint("team", f"market.{face}.team", url_prefix="/team")
    _add_reading(bp)
    _add_inviting(bp)
    _add_changing(bp)
    _add_leaving(bp)
    return bp


def _add_reading(bp: Blueprint) -> None:
    @bp.get("/")
    @guards.require(READ)
    def index() -> str:
        """Who belongs here; for those who may change it also who is invited, and what for."""
        members = accounts.members_of(g.organization)
        invitations = accounts.open_invitations(g.organization) if g.can(EDIT) else []
        return _page(
            "index",
            members=members,
            standings=credentials.standings([member.user_id for member in members]) if g.can(EDIT) else {},
            invitations=invitations,
            letters=notifications.letters_of(invitations),
            counts={role: sum(member.role is role for member in members) for role in accounts.roles_of(_kind())},
            kept=not resources.settings.smtp_url,
            now=resources.clock.now(),
        )

    @bp.get("/roles", endpoint="roles")
    @guards.require(READ)
    def explain() -> str:
        """What each role may do: the permission table in words."""
        return _page("roles", permissions=accounts.permissions_of(_kind()), columns=accounts.roles_of(_kind()))


def _add_inviting(bp: Blueprint) -> None:
    @bp.get("/invite")
    @guards.require(EDIT)
    def invite() -> str:
        """Whom and as what; an address and a role in the page's own address are filled in."""
        form = InviteForm(email=request.args.get("email", "")[:254], role=request.args.get("role")).offer()
        return _page("invite", form=form)

    @bp.post("/invite")
    @guards.require(EDIT)
    def invite_post() -> Answer:
        """Offer the place; the letter goes out by itself."""
        form = InviteForm().offer()
        if not form.validate_on_submit():
            return _page("invite", form=form), 422
        role = Role(form.role.data)
        if role is accounts.top_of(_kind()) and not login.is_fresh():
            # Whoever holds a stolen session must not be able to make herself an owner.
            back = url_for(".invite", role=role.value, email=form.email.data)
            return redirect(url_for(login.CONFIRM, next=back), 303)
        now = resources.clock.now()
        try:
            credentials.attempt("invitation", account=g.user.id, address=request.remote_addr or "", at=now)
            invitation = accounts.invite(
                g.organization, email=form.email.data, role=role, inviter=g.user, by=g.actor, at=now
            )
        except MarketError as refusal:
            form.refuse(refusal)
            return _page("invite", form=form), refusal.status
        mailing.tell_invited(_("已邀请 %(email)s，邀请链接 7 天内有效。", email=invitation.email))
        return redirect(url_for(".index"), 303)

    @bp.post("/invitations/<int:id>/resend")
    @guards.require(EDIT)
    def resend(id: int) -> Response:
        """Once more, with a new link and another week."""
        now = resources.clock.now()
        try:
            invitation = accounts.resend(g.organization, id, by=g.actor, at=now)
        except accounts.SentJustNow as refusal:
            mailing.tell_invited(errors.translate(refusal), "warn")
            return redirect(url_for(".index"), 303)
        credentials.attempt("invitation", account=g.user.id, address=request.remote_addr or "", at=now)
        mailing.tell_invited(_("已给 %(email)s 换了新的邀请链接，7 天内有效，之前的链接不能用了。", email=invitation.email))
        return redirect(url_for(".index"), 303)

    @bp.post("/invitations/<int:id>/withdraw")
    @guards.require(EDIT)
    def withdraw(id: int) -> Response:
        """Take it back."""
        invitation = accounts.withdraw(g.organization, id, by=g.actor, at=resources.clock.now())
        flash(_("已撤回给 %(email)s 的邀请，链接不能用了。", email=invitation.email), "ok")
        return redirect(url_for(".index"), 303)


def _add_changing(bp: Blueprint) -> None:
    @bp.route("/<int:id>/role", methods=["GET", "POST"])
    @guards.require(EDIT)
    @guards.fresh
    def role(id: int) -> Answer:
        """Another role for a member; counts from her next click on."""
        membership, form = _member(id), RoleForm().offer()
        if not form.is_submitted():
            form.role.data = membership.role.value
            return _page("role", form=form, member=membership)
        if not form.validate():
            return _page("role", form=form, member=membership), 422
        try:
            changed = accounts.change_role(
                g.organization, id, Role(form.role.data), by=g.actor, at=resources.clock.now()
            )
        except MarketError as refusal:
            form.refuse(refusal)
            return _page("role", form=form, member=membership), refusal.status
        flash(_("%(name)s 现在的角色是“%(role)s”。", name=changed.user.name, role=roles.LABELS[changed.role]), "ok")
        return redirect(url_for(".index"), 303)

    @bp.route("/<int:id>/remove", methods=["GET", "POST"])
    @guards.require(EDIT)
    @guards.fresh
    def remove(id: int) -> Answer:
        """Take a member out, after saying what that means."""
        membership, form = _member(id), RemoveForm()
        if not form.is_submitted():
            return _page("remove", form=form, member=membership)
        if not form.validate():
            return _page("remove", form=form, member=membership), 422
        try:
            gone = accounts.remove(
                g.organization, id, reason=form.reason.data or "", by=g.actor, at=resources.clock.now()
            )
        except MarketError as refusal:
            form.refuse(refusal)
            return _page("remove", form=form, member=membership), refusal.status
        flash(_("已移除 %(name)s，并退出了对方所有的登录。", name=gone.name), "ok")
        return redirect(url_for(".index"), 303)


def _add_leaving(bp: Blueprint) -> None:
    @bp.route("/leave", methods=["GET", "POST"])
    @guards.require(READ)
    def leave() -> Answer:
        """Go by oneself, after saying what that means."""
        form = forms.MarketForm()
        if not form.validate_on_submit():
            missed = accounts.missed(g.organization, g.membership)
            return _page("leave", form=form, obstacle=missed and errors.translate(missed))
        name = g.organization.name
        try:
            accounts.leave(g.organization, g.user, by=g.actor, at=resources.clock.now())
        except MarketError as refusal:
            form.refuse(refusal)
            return _page("leave", form=form, obstacle=None), refusal.status
        flash(_("您已退出“%(organization)s”。", organization=name), "ok")
        others = [each for each in login.memberships() if each.organization_id != g.organization.id]
        return redirect(url_for(guards.home_endpoint(others[0]) if others else "storefront.home.index"), 303)


def _page(name: str, **facts: object) -> str:
    face = (request.endpoint or "").partition(".")[0]
    return render_template(
        f"team/{name}.html", face=face, labels=roles.LABELS, purposes=roles.PURPOSES[_kind()],
        grantable=accounts.grantable(_kind(), g.membership.role), **facts,
    )  # fmt: skip


def _member(id: int) -> Membership:
    return accounts.membership_of(g.organization, id)


def _kind() -> OrganizationKind:
    kind: OrganizationKind = g.organization.kind
    return kind

