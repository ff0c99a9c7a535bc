"""`/vendor/keys`: keys for the provider's machines. A secret is shown once, when it is made."""

from __future__ import annotations

import re

from flask import Blueprint, flash, g, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import Field, SelectMultipleField, StringField, ValidationError
from wtforms.fields.choices import SelectChoice

from market import accounts, resources
from market.web import forms, guards

bp = Blueprint("keys", __name__, url_prefix="/keys")

#: What each scope allows, in words.
SCOPE_NAMES = {
    "events:write": _l("上报用量"),
    "catalogue:read": _l("读取目录和计量项"),
    "subscriptions:read": _l("读取订阅和用量"),
    "provisioning:write": _l("接收并完成开通请求"),
}
_SOURCE = re.compile(r"[A-Za-z0-9._~:/-]{1,200}")


class KeyForm(forms.MarketForm):
    """A new key."""

    name = StringField(_l("用在哪里"), [forms.Filled(_l("写明哪个系统用这个密钥，以后好认")), forms.NotLongerThan(60)])
    source = StringField(_l("用量来源（source）"), [forms.Filled(_l("填写用量来源，例如 /my-firm/storage"))])
    scopes = SelectMultipleField(
        _l("权限"), [forms.Filled(_l("至少选一项"))], choices=[SelectChoice(scope, SCOPE_NAMES[scope]) for scope in accounts.SCOPES]
    )

    def validate_source(self, field: Field) -> None:
        """A source is part of an address, so it has no blanks and no Chinese characters."""
        if field.data and not _SOURCE.fullmatch(field.data.strip()):
            raise ValidationError(_("只用字母、数字和 . _ ~ : / -，最多 200 个字符，例如 /my-firm/storage"))


@bp.get("/")
@guards.require("keys.edit")
def index() -> str:
    """All keys, newest first."""
    return render_template("vendor/keys/index.html", keys=accounts.keys_of(g.organization), scope_names=SCOPE_NAMES)


@bp.route("/new", methods=["GET", "POST"])
@guards.require("keys.edit")
def new() -> str | tuple[str, int]:
    """Make a key; its secret is in the answer and nowhere else."""
    form = KeyForm(data={"source": f"/{g.provider.slug}/main", "scopes": list(accounts.SCOPES)})
    if not form.is_submitted():
        return render_template("vendor/keys/new.html", form=form)
    if not form.validate():
        return render_template("vendor/keys/new.html", form=form), 422
    key, secret = accounts.issue_key(
        g.organization,
        name=form.name.data.strip(), source=form.source.data.strip(), scopes=form.scopes.data,
        by=g.actor, at=resources.clock.now(),
    )  # fmt: skip
    return render_template("vendor/keys/created.html", key=key, secret=secret)


@bp.get("/<int:id>/revoke")
@guards.require("keys.edit")
def confirm(id: int) -> str:
    """What stops when this key stops."""
    return render_template("vendor/keys/revoke.html", key=accounts.key_of(g.organization, id))


@bp.post("/<int:id>/revoke")
@guards.require("keys.edit")
def revoke(id: int) -> Response:
    """Stop a key at once."""
    key = accounts.key_of(g.organization, id)
    accounts.revoke_key(key, by=g.actor, at=resources.clock.now())
    flash(_("密钥“%(name)s”已停用。", name=key.name), "ok")
    return redirect(url_for(".index"), 303)
