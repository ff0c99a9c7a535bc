"""`/rules` and `/privacy`: the texts in force, what is coming and when, and every earlier version at its own address."""

from __future__ import annotations

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from market import policies, resources
from market.policies import PolicyVersion, Subject
from market.web import formats, guards, login, policy_notices

bp = Blueprint("policies", __name__)

RULES, PRIVACY = ({"subject": subject.value} for subject in Subject)


@bp.get("/rules", defaults=RULES)
@bp.get("/privacy", defaults=PRIVACY)
def show(subject: str) -> str:
    """The text in force; before the first version's day that version."""
    about, now = Subject(subject), resources.clock.now()
    known = policies.versions(about)
    version = policies.in_force(about, now) or (known[-1] if known else None)
    return _page(about, version)


@bp.get("/rules/<int:number>", defaults=RULES)
@bp.get("/privacy/<int:number>", defaults=PRIVACY)
def version(subject: str, number: int) -> str:
    """One version, with what it changed."""
    about = Subject(subject)
    return _page(about, policies.version_by_number(about, number))


@bp.post("/rules/<int:number>/answer", defaults=RULES)
@bp.post("/privacy/<int:number>/answer", defaults=PRIVACY)
def answer(subject: str, number: int) -> Response:
    """Whoever is signed in has seen a version, and agrees to it or not yet."""
    found = policies.version_by_number(Subject(subject), number)
    if (to_sign_in := guards.signed_in()) is not None:
        return to_sign_in
    agreed = request.form.get("agreed") == "1"
    policies.answer(found, g.user, agreed=agreed, at=resources.clock.now(), address=request.remote_addr or "")
    if agreed:
        flash(_("已记下：您同意%(policy)s第 %(number)d 版。", policy=policy_notices.title(found.subject), number=number), "ok")
    return redirect(login.safe_next(url_for(".version", subject=subject, number=number)), 303)


def _page(subject: Subject, shown: PolicyVersion | None) -> str:
    now = resources.clock.now()
    current = policies.in_force(subject, now)
    known = policies.versions(subject)
    before = next((each for each in known if shown and each.number == shown.number - 1), None)
    texts = [formats.local(each, "text") if each else "" for each in (before, shown)]
    return render_template(
        "storefront/policies/show.html",
        subject=subject,
        title=policy_notices.title(subject),
        shown=shown,
        current=current,
        coming=policies.coming(subject, now),
        versions=known,
        before=before,
        blocks=policies.blocks(texts[1]),
        changes=policies.changes(*texts) if before else [],
        contact=resources.settings.mail_from,
        notice_days=policies.NOTICE.days,
    )
