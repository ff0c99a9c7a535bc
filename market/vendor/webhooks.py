"""`/vendor/webhooks`: where the provider's system listens, and the secret that signs what is sent there."""

from __future__ import annotations

from flask import Blueprint, flash, g, make_response, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import StringField

from market import providers, resources
from market.errors import MarketError
from market.web import forms, guards

bp = Blueprint("webhooks", __name__, url_prefix="/webhooks")

Answer = Response | str | tuple[str, int]


class WebhookForm(forms.MarketForm):
    """The address; empty removes it."""

    webhook_url = StringField(_l("通知地址"), [forms.NotLongerThan(500)])


@bp.get("/")
@guards.require("keys.edit")
def index() -> str:
    """The address and what is sent to it."""
    return _page(WebhookForm(formdata=None, webhook_url=g.provider.webhook_url))


@bp.post("/")
@guards.require("keys.edit")
def save() -> Answer:
    """Set the address; a first one comes with a secret, shown once."""
    form = WebhookForm()
    if not form.validate():
        return _page(form), 422
    try:
        secret = providers.set_webhook(
            g.provider, form.webhook_url.data or "", by=g.actor, at=resources.clock.now()
        )
    except MarketError as refusal:
        form.refuse(refusal)
        return _page(form), refusal.status
    if secret:
        return _shown_once(secret)
    flash(_("通知地址已保存。") if g.provider.webhook_url else _("通知地址已删除，新订单改为人工开通。"), "ok")
    return redirect(url_for(".index"), 303)


@bp.post("/rotate")
@guards.require("keys.edit")
def rotate() -> Answer:
    """Replace the secret; the new one is shown once."""
    return _shown_once(providers.rotate_secret(g.provider, by=g.actor, at=resources.clock.now()))


def _shown_once(secret: str) -> Response:
    answer = make_response(render_template("vendor/webhooks/secret.html", secret=secret))
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _page(form: WebhookForm) -> str:
    return render_template("vendor/webhooks/index.html", form=form, provider=g.provider)
