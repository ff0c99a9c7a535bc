"""`/vendor/webhooks`: where the provider's system listens, the secret that signs, and every attempt with its answer."""

from __future__ import annotations

from flask import Blueprint, flash, g, make_response, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import BooleanField, StringField

from market import db, providers, resources, subscriptions
from market.errors import MarketError
from market.web import forms, guards, paging, trail

bp = Blueprint("webhooks", __name__, url_prefix="/webhooks")

Answer = Response | str | tuple[str, int]

SIZE = 30


class WebhookForm(forms.MarketForm):
    """The address; empty removes it."""

    webhook_url = StringField(_l("通知地址"), [forms.NotLongerThan(500)])


class RotateForm(forms.MarketForm):
    """Whether the old secret goes on for a day; not when strangers know it."""

    at_once = BooleanField(_l("旧密钥马上停用（已经泄露时选）"))


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
    form = RotateForm()
    if not form.validate():
        return _page(WebhookForm(formdata=None, webhook_url=g.provider.webhook_url)), 422
    keep_old = not form.at_once.data
    return _shown_once(providers.rotate_secret(g.provider, by=g.actor, at=resources.clock.now(), keep_old=keep_old))


@bp.post("/test")
@guards.require("keys.edit")
def test() -> Response:
    """Send a message about nothing, when no transaction is open any more, and say what the system answered."""
    trial = subscriptions.trial_of(g.provider, by=g.actor, at=resources.clock.now())
    db.on_commit(lambda: _tell(trial.send()))
    return redirect(url_for(".index"), 303)


def _tell(outcome: subscriptions.Outcome) -> None:
    if outcome.delivered:
        flash(_("测试通知已送到，您的系统回了 %(status)s。", status=outcome.status), "ok")
    else:
        flash(_("测试通知没有送到：%(why)s。", why=trail.reason(outcome.error, own=True)), "warn")


def _shown_once(secret: str) -> Response:
    page = render_template("vendor/webhooks/secret.html", secret=secret, overlap=g.provider.old_secret_until)
    answer = make_response(page)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _page(form: WebhookForm) -> str:
    now, until = resources.clock.now(), g.provider.old_secret_until
    return render_template(
        "vendor/webhooks/index.html",
        form=form,
        rotate=RotateForm(formdata=None),
        provider=g.provider,
        overlap=until if until is not None and until > now else None,
        attempts=paging.page_of(subscriptions.attempts_at(g.provider), size=SIZE),
        trail=trail,
    )
