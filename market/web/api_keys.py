"""Pages about an organization's API keys: `/vendor/keys`, `/console/keys`. A secret is shown once, when it is made.

`pages(face)` makes the blueprint that the face's own module serves. A provider's key reports and reads; a buyer's
reads her own usage, so it has neither a source nor a test mode.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import Field, RadioField, SelectMultipleField, StringField, ValidationError
from wtforms.fields.choices import SelectChoice

from market import accounts, resources
from market.accounts import ApiKey, OrganizationKind
from market.errors import MarketError
from market.kit.period import local_day, local_midnight
from market.web import forms, guards
from market.web.scopes import SCOPES

Answer = Response | str | tuple[str, int]

READ, EDIT = "keys.read", "keys.edit"

#: How long a new key works. `date` asks for the day.
LIVES = {"never": None, "90": timedelta(days=90), "365": timedelta(days=365)}
OVERLAPS = {str(int(overlap.total_seconds() // 3600)): overlap for overlap in accounts.KEY_OVERLAPS}
_SOURCE = re.compile(r"[A-Za-z0-9._~:/-]{1,200}")


class KeyForm(forms.MarketForm):
    """A new key."""

    request_key = forms.TokenField()
    name = StringField(_l("用在哪里"), [forms.Filled(_l("写明哪个系统用这个密钥，以后好认")), forms.NotLongerThan(60)])
    mode = RadioField(
        _l("正式还是测试"),
        [forms.Filled(_l("选择正式还是测试"))],
        choices=[
            SelectChoice("live", _l("正式：上报的用量会计费")),
            SelectChoice("test", _l("测试：接口照常回答，上报的用量只判定、不保存，不能办理开通")),
        ],
        default="live",
    )
    source = StringField(_l("用量来源（source）"), [forms.Filled(_l("填写用量来源，例如 /my-firm/storage"))])
    scopes = SelectMultipleField(
        _l("权限"),
        [forms.Filled(_l("至少选一项"))],
        choices=[SelectChoice(scope, SCOPES[scope].name) for scope in accounts.scopes_of(OrganizationKind.PROVIDER)],
    )
    life = RadioField(
        _l("用到什么时候"),
        [forms.Filled(_l("选择用到什么时候"))],
        choices=[
            SelectChoice("never", _l("一直有效，直到停用")),
            SelectChoice("90", _l("90 天")),
            SelectChoice("365", _l("1 年")),
            SelectChoice("date", _l("到下面这一天")),
        ],
        default="never",
    )
    expires_on = forms.DayField(_l("最后一天"))

    def expires_at(self, now: datetime) -> datetime | None:
        """The first instant at which the key no longer works; the chosen day is the last on which it does."""
        if self.life.data != "date":
            life = LIVES[self.life.data]
            return now + life if life else None
        last: date = self.expires_on.data
        return local_midnight(min(last, date(9999, 12, 30)) + timedelta(days=1))

    def validate_source(self, field: Field) -> None:
        """A source is part of an address, so it has no blanks and no Chinese characters."""
        if field.data and not _SOURCE.fullmatch(field.data.strip()):
            raise ValidationError(_("只用字母、数字和 . _ ~ : / -，最多 200 个字符，例如 /my-firm/storage"))

    def validate_expires_on(self, field: Field) -> None:
        """The day counts only where it is asked for."""
        if self.life.data == "date" and field.data is None:
            raise ValidationError(_("填写最后一天，写成 2026-12-01 的样子"))


class RotationForm(forms.MarketForm):
    """How long the old key works beside the new one."""

    overlap = RadioField(
        _l("旧密钥还能用多久"),
        [forms.Filled(_l("选择旧密钥还能用多久"))],
        choices=[SelectChoice("24", _l("24 小时")), SelectChoice("168", _l("7 天"))],
        default="24",
    )


@dataclass(frozen=True)
class Wish:
    """What a valid form asks for."""

    name: str
    source: str
    scopes: list[str]
    test: bool


def pages(face: str) -> Blueprint:
    """The blueprint of one face."""
    bp = Blueprint("keys", f"market.{face}.keys", url_prefix="/keys")
    _add_making(bp)
    _add_replacing(bp)
    _add_stopping(bp)
    return bp


def _add_making(bp: Blueprint) -> None:
    @bp.get("/")
    @guards.require(READ)
    def index() -> str:
        """All keys, newest first."""
        now = resources.clock.now()
        return _page("index", keys=accounts.keys_of(g.organization), state_of_key=lambda key: state_of_key(key, now))

    @bp.route("/new", methods=["GET", "POST"])
    @guards.require(EDIT)
    @guards.fresh
    def new() -> Answer:
        """Make a key; its secret is in the answer and nowhere else."""
        form = _form()
        if not form.is_submitted():
            return _form_page(form)
        if not form.validate():
            return _form_page(form), 422
        now, wish = resources.clock.now(), _wish(form)
        try:
            key, secret = accounts.issue_key(
                g.organization, name=wish.name, source=wish.source, scopes=wish.scopes, test=wish.test,
                expires_at=form.expires_at(now), request_key=form.request_key.data, by=g.actor, at=now,
            )  # fmt: skip
        except MarketError as refusal:
            form.refuse(refusal)
            return _form_page(form), refusal.status
        return _page("created", key=key, secret=secret, replaced=None)


def _add_replacing(bp: Blueprint) -> None:
    @bp.get("/<int:id>/rotate")
    @guards.require(EDIT)
    @guards.fresh
    def rotation(id: int) -> str:
        """What happens when a key is replaced."""
        return _page("rotate", key=accounts.key_of(g.organization, id), form=RotationForm())

    @bp.post("/<int:id>/rotate")
    @guards.require(EDIT)
    @guards.fresh
    def rotate(id: int) -> Answer:
        """A successor now; the old key stops by itself."""
        key, form = accounts.key_of(g.organization, id), RotationForm()
        if not form.validate():
            return _page("rotate", key=key, form=form), 422
        try:
            successor, secret = accounts.rotate_key(
                key, overlap=OVERLAPS[form.overlap.data], by=g.actor, at=resources.clock.now()
            )
        except MarketError as refusal:
            form.refuse(refusal)
            return _page("rotate", key=key, form=form), refusal.status
        return _page("created", key=successor, secret=secret, replaced=key)


def _add_stopping(bp: Blueprint) -> None:
    @bp.get("/<int:id>/revoke")
    @guards.require(EDIT)
    def confirm(id: int) -> str:
        """What stops when this key stops."""
        return _page("revoke", key=accounts.key_of(g.organization, id))

    @bp.post("/<int:id>/revoke")
    @guards.require(EDIT)
    def revoke(id: int) -> Response:
        """Stop a key at once: in an emergency nobody is asked for a password first."""
        key = accounts.key_of(g.organization, id)
        accounts.revoke_key(key, by=g.actor, at=resources.clock.now())
        flash(_("密钥“%(name)s”已停用。", name=key.name), "ok")
        return redirect(url_for(".index"), 303)


def state_of_key(key: ApiKey, now: datetime) -> str:
    """How a key stands: active, expiring, replaced, expired or revoked."""
    if key.revoked_at is not None:
        return "revoked"
    if not key.works(now):
        return "expired"
    if key.successor is not None:
        return "replaced"
    return "expiring" if key.expires_at and key.expires_at - now <= accounts.KEY_NOTICE else "active"


def _form() -> KeyForm:
    """The form with what this side of the marketplace is asked for."""
    scopes = list(_scopes())
    if _reports():
        return KeyForm(data={"source": f"/{g.provider.slug}/main", "scopes": scopes})
    form = KeyForm()
    for name in ("source", "mode", "scopes"):
        delattr(form, name)
    return form


def _wish(form: KeyForm) -> Wish:
    name = form.name.data.strip()
    if not _reports():
        return Wish(name, "", list(_scopes()), test=False)
    return Wish(name, form.source.data.strip(), form.scopes.data, test=form.mode.data == "test")


def _scopes() -> tuple[str, ...]:
    return accounts.scopes_of(g.organization.kind)


def _reports() -> bool:
    """Whether this side has usage to report, and not only to read."""
    return "events:write" in _scopes()


def _form_page(form: KeyForm) -> str:
    return _page("new", form=form, today=local_day(resources.clock.now()).isoformat())


def _page(name: str, **facts: object) -> str:
    face = (request.endpoint or "").partition(".")[0]
    return render_template(f"keys/{name}.html", face=face, reports=_reports(), scopes=SCOPES, **facts)
