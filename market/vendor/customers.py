"""`/vendor/customers`: who buys what and what it comes to, and one customer's subscription."""

from __future__ import annotations

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask import Response as FlaskResponse
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import TextAreaField

from market import audit, billing, resources, subscriptions
from market.errors import Invalid, MarketError
from market.metering import corrections
from market.subscriptions import (
    OPEN_REQUESTS,
    ProvisioningRequest,
    RequestKind,
    RequestStatus,
    Standing,
    Subscription,
    Wanted,
)
from market.vendor import customer_sheet
from market.web import agreements, completeness, formats, forms, guards, paging, trail
from market.web import corrections as words
from market.web.standing import standing

bp = Blueprint("customers", __name__, url_prefix="/customers")

Answer = Response | str | tuple[str, int]

#: What a provider calls the standings of her customers.
STANDINGS = {
    Standing.OPENING: _l("开通中"),
    Standing.TRIALING: _l("试用中"),
    Standing.ACTIVE: _l("使用中"),
    Standing.LEAVING: _l("将停用"),
    Standing.STOPPED: _l("暂停或停用待处理"),
    Standing.ENDED: _l("已停用"),
}
LONGEST_TEXT = 100
LONGEST_NUMBER = 12


class CompleteForm(forms.MarketForm):
    """Done by hand: how the customer signs in, one entry a line."""

    access = TextAreaField(_l("登录信息"), [forms.NotLongerThan(20_000)])

    def entries(self) -> dict[str, str]:
        """`名称: 内容` line by line, with either colon. Raises Invalid for a line without one."""
        entries = {}
        for line in filter(None, map(str.strip, (self.access.data or "").splitlines())):
            label, colon, value = line.replace("：", ":", 1).partition(":")
            if not (colon and label.strip() and value.strip()):
                raise Invalid(fields={"access": "每行写一项，名称和内容用冒号隔开，例如：账号: zhangwei"})
            entries[label.strip()] = value.strip()
        return entries


class FailForm(forms.MarketForm):
    """Why it cannot be done; the customer reads it."""

    reason = TextAreaField(
        _l("为什么办不成"), [forms.Filled(_l("写明原因，客户会看到")), forms.NotLongerThan(500)]
    )


@bp.get("/")
@guards.require("customers.read")
def index() -> str:
    """Who buys what, narrowed by the address, and what it comes to."""
    now, wanted = resources.clock.now(), _wanted()
    found = paging.page_of(subscriptions.customers_wanted(g.provider, wanted))
    return render_template(
        "vendor/customers/index.html",
        found=found,
        wanted=wanted,
        counts=subscriptions.standings_of(g.provider),
        standings=STANDINGS,
        offerings=[(each.offering_id, formats.local(each.facts, "name")) for each in subscriptions.bought_from(g.provider)],
        so_far=billing.so_far(found, cutoff=now) if g.can("money.read") else {},
        billed=billing.last_billed([one.id for one in found]) if g.can("money.read") else {},
        open_requests=subscriptions.open_requests(g.provider),
        requests=subscriptions.to_do(g.provider),
        open_states=OPEN_REQUESTS,
        now_at=now,
        trail=trail,
        states={one.id: standing(one, now) for one in found},
        cutoff=now,
    )


@bp.get("/customers.csv")
@guards.require("customers.read")
def export() -> FlaskResponse:
    """The same subscriptions as a file."""
    query = subscriptions.customers_wanted(g.provider, _wanted())
    return customer_sheet.sheet(query, with_money=g.can("money.read"), now=resources.clock.now())


def _wanted() -> Wanted:
    """What the address asks for; nonsense asks for nothing."""
    offering, state = request.args.get("offering", ""), request.args.get("state", "")
    number = int(offering) if offering.isascii() and offering.isdigit() and len(offering) < LONGEST_NUMBER else None
    text = request.args.get("q", "").replace("\0", "").strip()[:LONGEST_TEXT]
    return Wanted(text, number, next((each for each in Standing if each.value == state), None))


@bp.get("/<int:id>")
@guards.require("customers.read")
def show(id: int) -> str:
    """One customer's subscription and what is asked for it."""
    return _page(subscriptions.of_provider(g.provider, id), CompleteForm(formdata=None), FailForm(formdata=None))


@bp.post("/requests/<int:id>/complete")
@guards.require("provisioning.do")
def complete(id: int) -> Answer:
    """Done by hand."""
    request, form = subscriptions.request_of(g.provider, id), CompleteForm()
    if not form.validate_on_submit():
        return _refused(request, form, FailForm(formdata=None), 422)
    try:
        subscriptions.complete(request, access=form.entries(), by=g.actor, at=resources.clock.now())
    except MarketError as refusal:
        form.refuse(refusal)
        return _refused(request, form, FailForm(formdata=None), refusal.status)
    opened = request.kind is RequestKind.PROVISION
    flash(_("已开通，客户已经能用了。") if opened else _("已记录：服务已停止。"), "ok")
    return redirect(url_for(".show", id=request.subscription_id), 303)


@bp.post("/requests/<int:id>/fail")
@guards.require("provisioning.do")
def fail(id: int) -> Answer:
    """Cannot be done, with a reason."""
    request, form = subscriptions.request_of(g.provider, id), FailForm()
    if not form.validate_on_submit():
        return _refused(request, CompleteForm(formdata=None), form, 422)
    try:
        subscriptions.fail(request, reason=form.reason.data, by=g.actor, at=resources.clock.now())
    except MarketError as refusal:
        form.refuse(refusal)
        return _refused(request, CompleteForm(formdata=None), form, refusal.status)
    flash(_("已记录，客户会看到原因。没有产生费用。"), "ok")
    return redirect(url_for(".show", id=request.subscription_id), 303)


@bp.post("/requests/<int:id>/retry")
@guards.require("provisioning.do")
def retry(id: int) -> Response:
    """Take it up again."""
    request = subscriptions.request_of(g.provider, id)
    subscriptions.retry(request, by=g.actor, at=resources.clock.now())
    flash(_("任务已重新打开。"), "ok")
    return redirect(url_for(".show", id=request.subscription_id), 303)


def _refused(request: ProvisioningRequest, complete: CompleteForm, fail: FailForm, status: int) -> Answer:
    if request.status not in OPEN_REQUESTS:
        # The boxes are gone with the task, so only that can be said.
        complete, fail, status = CompleteForm(formdata=None), FailForm(formdata=None), subscriptions.RequestClosed.status
        fail.refuse(subscriptions.RequestClosed())
    return _page(subscriptions.of_provider(g.provider, request.subscription_id), complete, fail), status


def _page(subscription: Subscription, complete: CompleteForm, fail: FailForm) -> str:
    requests = subscriptions.requests_about(subscription)
    pending = next((each for each in requests.values() if each.status in OPEN_REQUESTS), None)
    failed = next((each for each in requests.values() if _can_retry(each, subscription)), None)
    return render_template(
        "vendor/customers/show.html",
        subscription=subscription,
        facts=subscription.revision.facts,
        prices=agreements.prices(subscription.plan),
        request_row=pending,
        failed=failed,
        complete=complete,
        fail=fail,
        form=complete if complete.has_errors else fail,
        log=_delivery_log(list(requests.values())),
        story=[
            {"at": event.at, "title": trail.title(event), "reason": trail.reason(event.reason)}
            for event in subscriptions.timeline(subscription)
        ],
        now_at=resources.clock.now(),
        last_day=agreements.last_day,
        trail=trail,
        corrected=words.entries(corrections.made([subscription.id])),
        missing=completeness.missing([subscription.id]),
    )


def _can_retry(request: ProvisioningRequest, subscription: Subscription) -> bool:
    still_wanted = subscription.status is subscriptions.SubscriptionStatus.FAILED
    return request.status is RequestStatus.FAILED and (still_wanted or request.kind is RequestKind.DEPROVISION)


def _delivery_log(requests: list[ProvisioningRequest]) -> list[audit.AuditEvent]:
    """Every attempt to reach the provider's system about this subscription, newest first."""
    events = [event for request in requests for event in audit.history(request)]
    return sorted(events, key=lambda event: event.id, reverse=True)
