"""`/admin/policies`: the versions of the rules and the privacy policy, and announcing the next one."""

from __future__ import annotations

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import IntegerField, TextAreaField
from wtforms.widgets import HiddenInput

from market import policies, resources
from market.errors import Invalid
from market.policies import AnnouncedMeanwhile, Subject
from market.web import formats, forms, guards, policy_notices

bp = Blueprint("policies", __name__, url_prefix="/policies")

Answer = Response | str | tuple[str, int]
RULES, PRIVACY = ({"subject": subject.value} for subject in Subject)


class VersionForm(forms.MarketForm):
    """The next version in both languages; `policies.draft` checks it."""

    text_zh = TextAreaField(_l("中文全文"), render_kw={"lang": "zh-CN"})
    text_en = TextAreaField(_l("英文全文"), render_kw={"lang": "en"})
    changes_zh = TextAreaField(_l("改了什么（中文）"), render_kw={"lang": "zh-CN"})
    changes_en = TextAreaField(_l("改了什么（英文）"), render_kw={"lang": "en"})
    effective_on = forms.DayField(_l("生效日期"))
    #: The newest version that the writer has seen.
    after = IntegerField(widget=HiddenInput())

    @property
    def words(self) -> dict[str, str]:
        """What was written, by the names that the domain uses."""
        return {name: self[name].data or "" for name in ("text_zh", "text_en", "changes_zh", "changes_en")}


@bp.get("/")
@guards.require("policies.read")
def index() -> str:
    """Both policies with every version."""
    now = resources.clock.now()
    return render_template(
        "admin/policies/index.html",
        policies=[(subject, policies.versions(subject), policies.in_force(subject, now)) for subject in Subject],
        now=now,
    )


@bp.get("/rules/new", defaults=RULES)
@bp.get("/privacy/new", defaults=PRIVACY)
@guards.require("policies.edit")
def new(subject: str) -> str:
    """The form, filled with the newest text."""
    about = Subject(subject)
    newest = policies.newest(about)
    form = VersionForm(
        text_zh=newest.text_zh if newest else "",
        text_en=newest.text_en if newest else "",
        effective_on=policies.first_day(resources.clock.now(), newest),
        after=newest.number if newest else 0,
    )
    return _form(about, form)


@bp.post("/rules/preview", defaults=RULES)
@bp.post("/privacy/preview", defaults=PRIVACY)
@guards.require("policies.edit")
def preview(subject: str) -> Answer:
    """What would be announced, beside what holds now; nothing is written."""
    about, form = Subject(subject), VersionForm()
    if not form.validate_on_submit() or request.form.get("again"):
        return _form(about, form), 422 if form.has_errors else 200
    try:
        draft = policies.draft(
            about, form.words, effective_on=form.effective_on.data, after=form.after.data or 0, at=resources.clock.now()
        )
    except (Invalid, AnnouncedMeanwhile) as refusal:
        return _refused(about, form, refusal)
    old = draft.before
    return render_template(
        "admin/policies/preview.html",
        subject=about,
        title=policy_notices.title(about),
        form=form,
        draft=draft,
        compared=[
            (language, policies.blocks(new), policies.changes(before, new) if old else [])
            for language, before, new in (
                ("zh", old.text_zh if old else "", draft.text_zh), ("en", old.text_en if old else "", draft.text_en)
            )
        ],
    )  # fmt: skip


@bp.post("/rules/announce", defaults=RULES)
@bp.post("/privacy/announce", defaults=PRIVACY)
@guards.require("policies.edit")
def announce(subject: str) -> Answer:
    """Announce what was previewed; the owners of every firm are written to by the worker."""
    about, form = Subject(subject), VersionForm()
    if not form.validate_on_submit():
        return _form(about, form), 422
    try:
        version = policies.announce(
            about, form.words, effective_on=form.effective_on.data, after=form.after.data or 0, user=g.user,
            by=g.actor, at=resources.clock.now(),
        )  # fmt: skip
    except (Invalid, AnnouncedMeanwhile) as refusal:
        return _refused(about, form, refusal)
    name, day = policy_notices.title(about), formats.date(version.effective_on)
    flash(_("已公布%(policy)s第 %(number)d 版，%(day)s 起生效。", policy=name, number=version.number, day=day), "ok")
    return redirect(url_for(".index"), 303)


def _refused(subject: Subject, form: VersionForm, refusal: Invalid | AnnouncedMeanwhile) -> tuple[str, int]:
    """What was typed stays; after somebody else's announcement the next try counts from that one."""
    form.refuse(refusal)
    if isinstance(refusal, AnnouncedMeanwhile):
        newest = policies.newest(subject)
        form.after.raw_data, form.after.data = None, newest.number if newest else 0
    return _form(subject, form), refusal.status


def _form(subject: Subject, form: VersionForm) -> str:
    newest = policies.newest(subject)
    return render_template(
        "admin/policies/new.html",
        subject=subject,
        title=policy_notices.title(subject),
        form=form,
        newest=newest,
        first_day=policies.first_day(resources.clock.now(), newest) if newest else None,
    )
