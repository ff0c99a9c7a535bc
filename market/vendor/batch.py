"""`/vendor/tasks/batch`: several tasks answered with one button, each with a verdict of its own."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import TextAreaField

from market import db, resources, subscriptions
from market.errors import MarketError
from market.subscriptions import ProvisioningRequest
from market.vendor import tasks
from market.web import errors, forms, guards, transactions
from market.web import tasks as words

bp = Blueprint("batch", __name__, url_prefix="/batch")

Answer = Response | str | tuple[str, int]

MOST = 50


class BatchForm(forms.MarketForm):
    """One reason for all that cannot be done; the details of each task are boxes of their own."""

    reason = TextAreaField(_l("为什么办不成"), [forms.NotLongerThan(500)])


@bp.get("/")
@guards.require("provisioning.do")
def show() -> Answer:
    """The chosen tasks, each with its box."""
    chosen = _chosen()
    if not chosen:
        flash(_("先勾选要一起办的任务。"), "info")
        return redirect(url_for("vendor.tasks.index"), 303)
    return _page(chosen, {}, BatchForm(formdata=None))


@bp.post("/complete")
@guards.require("provisioning.do")
def complete() -> Answer:
    """All of them are done."""

    def answer(task: ProvisioningRequest) -> None:
        access = tasks.access_of(request.form.get(f"access-{task.id}", ""))
        subscriptions.complete(task, access=access, by=g.actor, at=resources.clock.now())

    return _each(answer, lambda count: _("办好了 %(count)s 项。", count=count))


@bp.post("/fail")
@guards.require("provisioning.do")
def fail() -> Answer:
    """None of them can be done, for one reason."""
    form = BatchForm()

    def answer(task: ProvisioningRequest) -> None:
        subscriptions.fail(task, reason=form.reason.data or "", by=g.actor, at=resources.clock.now())

    return _each(answer, lambda count: _("%(count)s 项已告诉客户办不成。", count=count))


def _each(answer: Callable[[ProvisioningRequest], None], said: Callable[[int], str]) -> Answer:
    """Answer each task by itself: what is refused stays on the page with its reason, the rest is done."""
    form, refused = BatchForm(), {}
    chosen = _chosen()
    if not form.validate_on_submit():
        return _page(chosen, {}, form), 422
    for task in chosen:
        try:
            with db.session.begin_nested():
                answer(task)
        except MarketError as refusal:
            refused[task.id] = " ".join(errors.field_messages(refusal).values()) or errors.translate(refusal)
    done = len(chosen) - len(refused)
    if not refused:
        flash(said(done), "ok")
        return redirect(url_for("vendor.tasks.index"), 303)
    transactions.keep()  # what was not refused is done
    left = [task for task in chosen if task.id in refused]
    form.form_errors.append(_("%(done)s 项办好了，%(left)s 项没有，原因写在各项下面。", done=done, left=len(left)))
    return _page(left, refused, form), 422


def _chosen() -> list[ProvisioningRequest]:
    """The open tasks of this provider that the address or the form names."""
    named = [text for text in request.values.getlist("task") if text.isascii() and text.isdigit() and len(text) < 12]
    return list(subscriptions.chosen(g.provider, [int(text) for text in named[:MOST]]))


def _page(chosen: list[ProvisioningRequest], refused: dict[int, str], form: BatchForm) -> str:
    return render_template(
        "vendor/batch/show.html",
        tasks=chosen,
        refused=refused,
        form=form,
        kinds=words.KINDS,
        with_access=tasks.WITH_ACCESS,
        explained=words.explained,
        typed={task.id: request.form.get(f"access-{task.id}", "") for task in chosen},
        now_at=resources.clock.now(),
    )
