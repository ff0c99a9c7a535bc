"""`/vendor/events/corrections`: taking back or replacing what was counted, and a colleague's second look."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import RadioField, SelectField, TextAreaField
from wtforms.fields.choices import SelectChoice

from market import billing, metering, resources, subscriptions
from market.errors import MarketError
from market.metering import UsageEvent, corrections
from market.metering.corrections import (
    Author,
    Change,
    CorrectionStatus,
    Judged,
    Named,
    Reason,
    UsageCorrection,
)
from market.web import corrections as words
from market.web import forms, guards, paging

bp = Blueprint("corrections", __name__, url_prefix="/corrections")

Answer = Response | str | tuple[str, int]


class WhyForm(forms.MarketForm):
    """Why something is corrected; the customer reads it."""

    reason = SelectField(
        _l("哪里错了"), [forms.Filled(_l("选择哪里错了"))],
        choices=[SelectChoice("", _l("选择…")), *(SelectChoice(each.value, label) for each, label in words.REASONS.items())],
    )  # fmt: skip
    note = TextAreaField(_l("说明"), [forms.Filled(_l("写明哪里错了，客户会看到")), forms.NotLongerThan(corrections.NOTE_LIMIT)])


class CorrectForm(WhyForm):
    """One event taken back or replaced."""

    request_key = forms.TokenField()
    kind = RadioField(
        _l("怎么更正"), [forms.Filled(_l("选择怎么更正"))],
        choices=[SelectChoice("replacement", _l("换成对的内容")), SelectChoice("reversal", _l("撤销，不计这条用量"))],
        default="replacement",
    )  # fmt: skip
    content = TextAreaField(_l("对的内容（data）"), render_kw={"spellcheck": "false"})


class RejectForm(forms.MarketForm):
    """Why a proposal is not agreed to."""

    answer = TextAreaField(_l("为什么不通过"), [forms.Filled(_l("写明原因，提出的同事会看到")), forms.NotLongerThan(500)])


class WithdrawForm(RejectForm):
    """Why the author takes a proposal back."""

    answer = TextAreaField(_l("为什么撤回"), [forms.Filled(_l("写明为什么撤回，留在记录里")), forms.NotLongerThan(500)])


@bp.get("/")
@guards.require("events.read")
def index() -> str:
    """All corrections, or those that wait for a second person."""
    waiting = request.args.get("waiting") == "1"
    found = paging.page_of(corrections.corrections_of(g.provider, waiting=waiting))
    return render_template(
        "vendor/corrections/index.html", found=found, waiting=waiting, words=words,
        waiting_count=corrections.waiting_count(g.provider), limits=resources.settings,
    )  # fmt: skip


@bp.get("/<int:id>")
@guards.require("events.read")
def show(id: int) -> str:
    """One correction: what, why, who, and what it does."""
    correction = corrections.correction_of(g.provider, id)
    return _page(correction, _deciding(correction)(formdata=None))


@bp.post("/<int:id>/approve")
@guards.require("corrections.approve")
def approve(id: int) -> Answer:
    """The second look: it counts."""
    correction = corrections.correction_of(g.provider, id)
    try:
        corrections.approve(
            correction, user=g.user, by=g.actor, now=resources.clock.now(), stands=billing.month_stands,
            closed_until=billing.closed_until,
        )  # fmt: skip
    except MarketError as refusal:
        form = _deciding(correction)(formdata=None)
        form.refuse(refusal)
        return _page(correction, form), refusal.status
    flash(_("更正已生效，账单已经重算，客户会看到。"), "ok")
    return redirect(url_for(".show", id=id), 303)


@bp.post("/<int:id>/reject")
@guards.require("corrections.approve")
def reject(id: int) -> Answer:
    """Not like this; or the author takes it back."""
    correction = corrections.correction_of(g.provider, id)
    form = _deciding(correction)()
    if correction.status is CorrectionStatus.PROPOSED and not form.validate():
        return _page(correction, form), 422
    try:
        corrections.reject(correction, answer=form.answer.data or "", user=g.user, by=g.actor, now=resources.clock.now())
    except MarketError as refusal:
        form.refuse(refusal)
        return _page(correction, form), refusal.status
    flash(_("已撤回，用量不变。") if correction.author_id == g.user.id else _("没有通过，用量不变。"), "ok")
    return redirect(url_for(".show", id=id), 303)


@bp.get("/of/<int:event_id>")
@guards.require("corrections.make")
def new(event_id: int) -> Answer:
    """An event and how it should have been."""
    event = metering.event_of(g.provider, event_id)
    return _form(event, CorrectForm(formdata=None, content=json.dumps(event.data, ensure_ascii=False, indent=2)))


@bp.post("/of/<int:event_id>")
@guards.require("corrections.make")
def create(event_id: int) -> Answer:
    """Say what it would do, or do it."""
    event, form = metering.event_of(g.provider, event_id), CorrectForm()
    form.validate()
    data = _object(form) if form.kind.data == "replacement" else None
    if form.has_errors:
        return _form(event, form), 422
    trial = request.form.get("do") == "check"
    change = Change(f"fix-{form.request_key.data}", event.source, Named(event.event_id, event.source), data)
    judged = make([change], form, dry_run=trial)[0]
    if judged.status is None:
        form.refuse(refused(judged))
        return _form(event, form), 422
    if trial:
        return _form(event, form, judged)
    assert judged.correction is not None
    flash(done([judged]), "ok")
    return redirect(url_for(".show", id=judged.correction.id), 303)


def _deciding(correction: UsageCorrection) -> type[RejectForm]:
    return WithdrawForm if correction.author_id == g.user.id else RejectForm


def make(changes: Sequence[Change], form: WhyForm, *, dry_run: bool) -> list[Judged]:
    """Correct as the person who is signed in."""
    return corrections.correct(
        g.provider, changes, reason=Reason(form.reason.data), note=form.note.data or "", author=Author(g.actor, user=g.user),
        now=resources.clock.now(), stands=billing.month_stands, closed_until=billing.closed_until, dry_run=dry_run,
    )  # fmt: skip


def done(judged: Sequence[Judged]) -> str:
    """What was done, in a sentence."""
    if any(each.status is CorrectionStatus.PROPOSED for each in judged):
        return _("更正已提交。改动较大，要请另一位同事复核；复核之前用量不变。")
    return _("更正已生效，账单已经重算，客户会看到。")


def refused(judged: Judged) -> MarketError:
    """Why one of them cannot be made."""
    params: dict[str, Any] = dict(judged.params)
    return MarketError(judged.message, **params)


def _object(form: CorrectForm) -> dict[str, Any] | None:
    """The data as written; a mistake is told at its box."""
    try:
        data = metering.load((form.content.data or "").encode("utf-8", "surrogatepass"))
    except metering.EventRefused:
        data = None
    if not isinstance(data, dict):
        form.content.errors = [_("内容不是完整的 JSON 对象，请检查括号、引号和逗号。")]
        return None
    return data


def _form(event: UsageEvent, form: CorrectForm, judged: Judged | None = None) -> str:
    trial = judged.correction if judged else None
    return render_template(
        "vendor/corrections/new.html", event=event, form=form, trial=trial, large=judged is not None and judged.status is CorrectionStatus.PROPOSED,
        subscription=subscriptions.of_provider(g.provider, event.subscription_id), before=corrections.about(event.id),
        limits=resources.settings, effects=[*words.effects(trial, corrections.meters_of([trial])), *words.money(trial), *words.later(trial)] if trial else [],
    )  # fmt: skip


def _page(correction: UsageCorrection, form: RejectForm) -> str:
    meters = corrections.meters_of([correction])
    return render_template(
        "vendor/corrections/show.html", correction=correction, form=form, words=words,
        effects=[*words.effects(correction, meters), *words.money(correction), *words.later(correction)],
        waiting=correction.status is CorrectionStatus.PROPOSED, own=correction.author_id == g.user.id,
    )  # fmt: skip
