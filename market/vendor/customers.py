"""`/vendor/customers`: who buys what and what it comes to, and one customer's subscription."""

from __future__ import annotations

from flask import Blueprint, g, render_template, request
from flask import Response as FlaskResponse
from flask_babel import lazy_gettext as _l

from market import billing, resources, subscriptions
from market.metering import corrections
from market.subscriptions import OPEN_REQUESTS, RequestStatus, Standing, Wanted
from market.vendor import customer_sheet, menu
from market.web import agreements, changing, completeness, formats, guards, paging, row_numbers, trail
from market.web import corrections as words
from market.web import tasks as task_words
from market.web.standing import standing

bp = Blueprint("customers", __name__, url_prefix="/customers")

#: Tasks that somebody may still want done.
UNFINISHED = OPEN_REQUESTS | {RequestStatus.FAILED}

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
        open_requests=menu.open_tasks(),
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
    number, state = request.args.get("offering", type=row_numbers.read), request.args.get("state", "")
    text = request.args.get("q", "").replace("\0", "").strip()[:LONGEST_TEXT]
    return Wanted(text, number, next((each for each in Standing if each.value == state), None))


@bp.get("/<int:id>")
@guards.require("customers.read")
def show(id: int) -> str:
    """One customer's subscription and what is asked for it."""
    now, subscription = resources.clock.now(), subscriptions.of_provider(g.provider, id)
    return render_template(
        "vendor/customers/show.html",
        subscription=subscription,
        facts=subscription.revision.facts,
        prices=agreements.prices(subscription.plan),
        tasks=[
            task for task in subscriptions.requests_about(subscription).values() if task.status in UNFINISHED
        ],
        kinds=task_words.KINDS,
        story=[
            {
                "at": event.at,
                "title": trail.title(event),
                "text": changing.told(event, subscription),
                "reason": trail.reason(event.reason, own=True),
            }
            for event in subscriptions.timeline(subscription)
        ],
        contracts=subscriptions.contracts_of(subscription),
        now_at=now,
        told=standing(subscription, now),
        coming=changing.planned_of(subscription),
        so_far=billing.so_far([subscription], cutoff=now).get(id, 0) if g.can("money.read") else None,
        billed=billing.last_billed([id]).get(id) if g.can("money.read") else None,
        last_day=agreements.last_day,
        trail=trail,
        corrected=words.entries(corrections.made([subscription.id])),
        missing=completeness.missing([subscription.id]),
    )

