"""`/console/verification`: sending in the business licence, and what came of it."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response

from market import accounts, documents, resources
from market.accounts import Verification
from market.errors import MarketError
from market.web import firms, forms, guards, uploads
from market.web.formats import date
from market.web.security import largest_body

bp = Blueprint("verification", __name__, url_prefix="/verification")

Answer = Response | str | tuple[str, int]


class LicenceForm(forms.MarketForm):
    """A photograph or scan of the licence."""

    document = uploads.DocumentField(_l("营业执照"))


@bp.get("/")
@guards.require("organization.read")
def show() -> str:
    """What to have ready, how long it takes, how far it is."""
    return _page(LicenceForm())


@bp.post("/")
@guards.require("organization.edit")
@largest_body(uploads.ROOM)
def submit() -> Answer:
    """Take the licence in and put it before the administrators."""
    form, now = LicenceForm(), resources.clock.now()
    try:
        if form.validate_on_submit():
            filename, data = form.document.sent()
            accounts.submit_verification(
                g.organization, filename=filename, data=data, user=g.user, by=g.actor, at=now
            )
            flash(_("营业执照已提交，最晚 %(date)s 有结果，会通知您。", date=date(accounts.decide_by(now))), "ok")
            return redirect(url_for(".show"), 303)
    except MarketError as refusal:
        form.refuse(refusal)
    return _page(form), 422


@bp.get("/<int:id>/document")
@guards.require("organization.read")
def document(id: int) -> Response:
    """The licence that was sent in with one of the firm's own applications."""
    application = accounts.verification_of(g.organization, id)
    return uploads.answer(documents.document_by_id(application.document_id))


def _page(form: LicenceForm) -> str:
    now = resources.clock.now()
    known = accounts.verifications_of(g.organization.id)
    return render_template(
        "console/verification/show.html",
        form=form,
        organization=g.organization,
        check=firms.check_view(g.organization, now),
        entries=[entry for one in known for entry in _entries(one)],
        days=accounts.TARGET_DAYS,
        megabytes=documents.LARGEST // (1024 * 1024),
    )


def _entries(application: Verification) -> list[dict[str, Any]]:
    """What happened to one application, newest first."""
    found = [{"at": application.submitted_at, "title": _("提交了营业执照"), "text": _("%(name)s，%(code)s", name=application.name, code=application.uscc)}]
    if application.replaced_at:
        found.insert(0, {"at": application.replaced_at, "title": _("由新提交的材料代替"), "text": ""})
    if application.decided_at and application.verified:
        found.insert(0, {"at": application.decided_at, "title": _("核验通过"), "text": "", "tone": "now"})
    elif application.decided_at:
        found.insert(0, {"at": application.decided_at, "title": _("没有通过"), "reason": application.reason, "tone": "bad"})
    return found
