"""`/vendor/tasks`: what the provider is to set up, change and take down, for whom and by when."""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypeVar

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import TextAreaField

from market import resources, subscriptions
from market.errors import Invalid, MarketError
from market.subscriptions import OPEN_REQUESTS, ProvisioningRequest, RequestKind, RequestStatus, View
from market.web import agreements, forms, guards, paging, trail, transactions
from market.web import tasks as words

bp = Blueprint("tasks", __name__, url_prefix="/tasks")

Answer = Response | str | tuple[str, int]
F = TypeVar("F", bound=forms.MarketForm)

SIZE = 30
VIEWS = {View.OPEN: _l("要办的"), View.OVERDUE: _l("已超时"), View.FAILED: _l("没办成"), View.CLOSED: _l("已结束")}
#: What is done by handing something over.
WITH_ACCESS = frozenset({RequestKind.PROVISION, RequestKind.ROTATE, RequestKind.UPDATE, RequestKind.RESUME})


class CompleteForm(forms.MarketForm):
    """Done by hand: how the customer signs in, one entry a line."""

    access = TextAreaField(_l("登录信息"), [forms.NotLongerThan(20_000)])

    def entries(self) -> dict[str, str]:
        """The entries as they are stored. Raises Invalid for a line without a colon."""
        return access_of(self.access.data or "")


class FailForm(forms.MarketForm):
    """Why it cannot be done; the customer reads it."""

    reason = TextAreaField(_l("为什么办不成"), [forms.Filled(_l("写明原因，客户会看到")), forms.NotLongerThan(500)])


def access_of(text: str) -> dict[str, str]:
    """`名称: 内容` line by line, with either colon. Raises Invalid for a line without one."""
    entries = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        label, colon, value = line.replace("：", ":", 1).partition(":")
        if not (colon and label.strip() and value.strip()):
            raise Invalid(fields={"access": "每行写一项，名称和内容用冒号隔开，例如：账号: zhangwei"})
        entries[label.strip()] = value.strip()
    return entries


@bp.get("/")
@guards.require("customers.read")
def index() -> str:
    """What is to be done, by deadline; the overdue, the failed and the closed on pages of their own."""
    now = resources.clock.now()
    view = next((each for each in View if each.value == request.args.get("view")), View.OPEN)
    return render_template(
        "vendor/tasks/index.html",
        view=view,
        views=VIEWS,
        counts=subscriptions.worklist_counts(g.provider, now),
        found=paging.page_of(subscriptions.worklist(g.provider, view, now), size=SIZE),
        kinds=words.KINDS,
        open_states=OPEN_REQUESTS,
        now_at=now,
        trail=trail,
    )


@bp.get("/<int:id>")
@guards.require("customers.read")
def show(id: int) -> str:
    """One task: what, for whom, by when, and the ways to answer it."""
    return _page(_task(id), CompleteForm(formdata=None), FailForm(formdata=None))


def _lapses_at(task: ProvisioningRequest) -> datetime | None:
    """When a failed set-up ends by itself; None for everything else."""
    failed = task.kind is RequestKind.PROVISION and task.status is RequestStatus.FAILED
    return task.finished_at + subscriptions.FAILED_KEPT if failed and task.finished_at else None


def _or_closed(task: ProvisioningRequest, form: F) -> F:
    """The form, or an empty one that says that there is nothing to fill in any more."""
    if task.status in OPEN_REQUESTS:
        return form
    closed = type(form)(formdata=None)
    closed.refuse(subscriptions.RequestClosed())
    return closed


@bp.post("/<int:id>/complete")
@guards.require("provisioning.do")
def complete(id: int) -> Answer:
    """Done by hand."""
    task, form = _task(id), CompleteForm()
    if not form.validate_on_submit():
        return _page(task, _or_closed(task, form), FailForm(formdata=None)), 422
    try:
        subscriptions.complete(task, access=form.entries(), by=g.actor, at=resources.clock.now())
    except MarketError as refusal:
        _keep(refusal)
        form.refuse(refusal)
        return _page(task, form, FailForm(formdata=None)), refusal.status
    flash(words.DONE[task.kind], "ok")
    return _next(task)


@bp.post("/<int:id>/fail")
@guards.require("provisioning.do")
def fail(id: int) -> Answer:
    """Cannot be done, with a reason."""
    task, form = _task(id), FailForm()
    if not form.validate_on_submit():
        return _page(task, CompleteForm(formdata=None), _or_closed(task, form)), 422
    try:
        subscriptions.fail(task, reason=form.reason.data or "", by=g.actor, at=resources.clock.now())
    except MarketError as refusal:
        form.refuse(refusal)
        return _page(task, CompleteForm(formdata=None), form), refusal.status
    opening = task.kind is RequestKind.PROVISION
    flash(_("已记录，客户会看到原因。没有产生费用。") if opening else _("已记录，客户会看到原因。"), "ok")
    return redirect(url_for(".show", id=task.id), 303)


@bp.post("/<int:id>/retry")
@guards.require("provisioning.do")
def retry(id: int) -> Response:
    """Take it up again."""
    again = subscriptions.retry(_task(id), by=g.actor, at=resources.clock.now())
    flash(_("任务已重新打开。"), "ok")
    return redirect(url_for(".show", id=again.id), 303)


@bp.post("/<int:id>/resend")
@guards.require("provisioning.do")
def resend(id: int) -> Response:
    """Tell the provider's system again, now."""
    subscriptions.resend(_task(id), by=g.actor, at=resources.clock.now())
    flash(_("几秒内会再发一次通知，结果在下面的记录里。"), "ok")
    return redirect(url_for(".show", id=id), 303)


def _task(id: int) -> ProvisioningRequest:
    return subscriptions.request_of(g.provider, id)


def _next(task: ProvisioningRequest) -> Response:
    """The work list while there is more to do, else the customer."""
    if subscriptions.open_requests(g.provider):
        return redirect(url_for(".index"), 303)
    return redirect(url_for(".show", id=task.id), 303)


def _keep(refusal: MarketError) -> None:
    """Nobody waits for what was made: that it has to go is stored, although the answer is no."""
    if isinstance(refusal, subscriptions.ConfirmedLate):
        transactions.keep()


def _page(task: ProvisioningRequest, complete: CompleteForm, fail: FailForm) -> str:
    subscription, now = task.subscription, resources.clock.now()
    closed = task.status not in OPEN_REQUESTS
    if closed and complete.has_errors:
        # The boxes are gone with the task, so the summary alone says it.
        complete.access.errors = []
        complete.form_errors = complete.form_errors or [str(subscriptions.RequestClosed.message)]
    facts: dict[str, Any] = subscription.revision.facts
    return render_template(
        "vendor/tasks/show.html",
        task=task,
        subscription=subscription,
        facts=facts,
        prices=agreements.prices(subscription.plan),
        leaving=agreements.leaving(facts, subscription.ended_at)[1:3] if subscription.ended_at else [],
        kind=words.KINDS[task.kind],
        explained=words.explained(task),
        with_access=task.kind in WITH_ACCESS,
        needs_access=task.kind is RequestKind.ROTATE,
        closed=closed,
        lapses_at=_lapses_at(task),
        can_retry=_can_retry(task),
        complete=complete,
        fail=fail,
        form=complete if complete.has_errors else fail,
        attempts=paging.page_of(subscriptions.attempts_at(g.provider, task), size=SIZE),
        listens=bool(g.provider.webhook_url) and g.provider.webhook_stopped_at is None,
        now_at=now,
        trail=trail,
    )


def _can_retry(task: ProvisioningRequest) -> bool:
    wanted = subscriptions.SubscriptionStatus.FAILED
    return task.status is RequestStatus.FAILED and (
        task.kind is not RequestKind.PROVISION or task.subscription.status is wanted
    )
