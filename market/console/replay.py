"""`/console/replay`: what the last months' use would have cost on every comparable plan, and why.

Plans are sorted by what they cost and by nothing else. Everything that is typed stands in the address of pages that
only the firm's own people can open; an uploaded file is read and forgotten.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, g, render_template, request, url_for
from flask_babel import gettext as _

from market import billing, catalog, resources, subscriptions
from market.billing import Lately, Replay, Usage, listed
from market.catalog import Offered
from market.console.replay_form import UsageFileForm, subcategories
from market.errors import NotFound
from market.subscriptions import Subscription
from market.web import charts, formats, guards, paging
from market.web import replays as words
from market.web.replays import Guesses, Row
from market.web.security import largest_body
from market.web.usage_files import ROOM

bp = Blueprint("replay", __name__, url_prefix="/replay")

Answer = str | tuple[str, int]

PAGE_SIZE = 20
#: Plans in the drawing, beside the firm's own.
DRAWN = 7
#: Plans shown for a file, which is not kept for a second page.
FILE_ROWS = 50


@bp.get("/")
@guards.require("money.read")
def index() -> str:
    """Every subscription of the firm with the cheapest thing that could be had instead."""
    now = resources.clock.now()
    mine = [one for one in subscriptions.subscriptions_of(g.organization) if one.started_at]
    known = billing.lately(g.organization, mine, now=now)
    measured = [each for each in known if each.months]
    best = {each.subscription.id: words.rows(each)[:1] for each in measured}
    saving = -sum(min(rows[0].year_fen or 0, 0) for rows in best.values() if rows)
    return render_template(
        "console/replay/index.html",
        known=measured,
        early=[each.subscription for each in known if not each.months],
        best=best,
        total_fen=sum(each.own.total_fen for each in measured),
        year_fen=sum(each.own.year_fen for each in measured),
        saving_fen=saving,
        months_named=words.months_named,
        signed=words.signed,
        why_none=_why_none,
        subcategories=subcategories(),
        taken=now,
    )


@bp.get("/<int:id>")
@guards.require("money.read")
def show(id: int) -> Answer:
    """One subscription against everything comparable; 422 for guesses that cannot be read."""
    plain = _mine(id)
    boxes = words.guesses(plain.replays, request.args)
    known = plain.guessing(boxes.values)
    by = "months" if request.args.get("sort") == "months" else "year"
    rows = words.rows(known, by=by)
    html = render_template(
        "console/replay/show.html",
        known=known,
        subscription=known.subscription,
        own=words.own_row(known),
        page=paging.page_of_list(rows, size=PAGE_SIZE),
        bars=_bars([words.own_row(known), *rows[:DRAWN]], by),
        by=by,
        sorts=_sorts(by, boxes),
        verdict=words.verdict(known),
        boxes=boxes,
        others=_others(known.others),
        billed=words.billed(known),
        named=words.months_named(known.months),
        pauses=words.pauses(known.usage),
        signed=words.signed,
        taken=resources.clock.now(),
    )
    return (html, 422) if boxes.has_errors else html


@bp.get("/<int:id>/plans/<int:plan_id>")
@guards.require("money.read")
def plan(id: int, plan_id: int) -> Answer:
    """Line by line, why another plan costs more or less."""
    plain = _mine(id)
    boxes = words.guesses(plain.replays, request.args)
    known = plain.guessing(boxes.values)
    for offered, found in known.rivals:
        if offered.plan.id == plan_id:
            row = words.row(offered, found, known.own.total_fen, known.own.year_fen)
            return render_template(
                "console/replay/plan.html",
                known=known,
                own=words.own_row(known),
                row=row,
                differences=billing.differences(known.own, found),
                thing=words.thing,
                basis=words.basis,
                pauses=words.pauses(known.usage),
                when=words.when,
                signed=words.signed,
                language=formats.language(),
                named=words.months_named(known.months),
                back=_address(".show", id=id, **boxes.carried),
                taken=resources.clock.now(),
            )
    raise NotFound


@bp.get("/guess")
@guards.require("money.read")
def guess() -> Answer:
    """Plans of a sub-category for a guess of monthly use, without anything measured."""
    chosen = request.args.get("subcategory", "")
    groups = subcategories()
    if chosen not in {slug for _name, those in groups for slug, _sub in those}:
        chosen = ""
    offered = catalog.plans_on_sale([chosen], to=g.organization) if chosen else []
    usage = Usage(billing.months_before(g.organization, resources.clock.now())[-1:], ())
    boxes = words.guesses(billing.replay(usage, [each.plan for each in offered]), request.args)
    found = billing.replay(usage.guessing(boxes.values), [each.plan for each in offered])
    rows, others = _sorted(offered, found)
    html = render_template(
        "console/replay/guess.html",
        groups=groups,
        chosen=chosen,
        boxes=boxes,
        page=paging.page_of_list(rows, size=PAGE_SIZE),
        others=_others(others),
        **_common(),
    )
    return (html, 422) if boxes.has_errors else html


@bp.get("/upload")
@guards.require("money.read")
def upload() -> str:
    """What a file looks like, and the form for one."""
    return _upload_page(UsageFileForm(formdata=None), chosen=request.args.get("subcategory", ""))


@bp.post("/upload")
@guards.require("money.read")
@largest_body(ROOM)
def upload_post() -> Answer:
    """The same plans for the use in a file, or in the box that holds what was read before; nothing is stored."""
    form = UsageFileForm()
    if not form.validate():
        return _upload_page(form, chosen=form.subcategory.data or ""), 422
    offered = catalog.plans_on_sale([form.subcategory.data], to=g.organization)
    plans = [each.plan for each in offered]
    usage = form.read(plans, g.organization, now=resources.clock.now())
    if usage is None:
        return _upload_page(form, chosen=form.subcategory.data), 422
    boxes = words.guesses(billing.replay(usage, plans), request.form)
    rows, others = _sorted(offered, billing.replay(usage.guessing(boxes.values), plans))
    html = _upload_page(form, chosen=form.subcategory.data, usage=usage, rows=rows[:FILE_ROWS], others=_others(others), boxes=boxes)
    return (html, 422) if boxes.has_errors else html


def _mine(id: int) -> Lately:
    (known,) = billing.lately(g.organization, [_started(id)], now=resources.clock.now())
    return known


def _started(id: int) -> Subscription:
    subscription = subscriptions.subscription_of(g.organization, id)
    if subscription.started_at is None:
        raise NotFound
    return subscription


def _sorted(offered: list[Offered] | Any, found: list[Replay]) -> tuple[list[Row], list[tuple[Offered, Replay]]]:
    """Rows cheapest first, each held against the cheapest; and what cannot be compared."""
    pairs = list(zip(offered, found, strict=True))
    known = sorted((each for each in pairs if each[1].comparable), key=lambda each: (each[1].year_fen, each[1].total_fen))
    cheapest = known[0][1] if known else None
    rows = [words.row(*each, cheapest.total_fen if cheapest else None, cheapest.year_fen if cheapest else None) for each in known]
    return rows, [each for each in pairs if not each[1].comparable]


def _others(those: list[tuple[Offered, Replay]]) -> list[tuple[Offered, str, list[str]]]:
    return [(offered, words.name_of(offered), words.why_not(found)) for offered, found in those]


def _bars(rows: list[Row], by: str) -> list[charts.Bar]:
    amounts = [(row, row.replay.total_fen if by == "months" else row.replay.year_fen) for row in rows]
    return [
        charts.Bar(_("%(name)s（现在）", name=row.name) if row.replay.own else row.name, fen, formats.money(fen))
        for row, fen in sorted(amounts, key=lambda each: each[1])
    ]


def _sorts(by: str, boxes: Guesses) -> list[tuple[str, str, bool]]:
    here: dict[str, Any] = {**(request.view_args or {}), **boxes.carried}
    return [
        (_("按一年的费用"), _address(".show", **here), by == "year"),
        (_("按这几个月的费用"), _address(".show", **here, sort="months"), by == "months"),
    ]


def _address(endpoint: str, **words: Any) -> str:
    return url_for(endpoint, **words)


def _why_none(known: Lately) -> str:
    """Why there is nothing to put beside a subscription."""
    if not [each for each in known.replays if not known.in_use(each)]:
        return _("没有同类的套餐在售")
    return _("同类套餐要先估几个数才能比")


def _common() -> dict[str, Any]:
    return {"signed": words.signed, "language": formats.language(), "taken": resources.clock.now()}


def _upload_page(form: UsageFileForm, *, chosen: str, usage: Usage | None = None, **found: Any) -> str:
    offered = catalog.plans_on_sale([chosen], to=g.organization) if chosen else []
    return render_template(
        "console/replay/upload.html",
        form=form,
        chosen=chosen,
        groups=subcategories(),
        usage=usage,
        things=listed.things([each.plan for each in offered]),
        limits=listed,
        named=words.months_named(usage.months) if usage else "",
        **({"rows": [], "others": [], "boxes": Guesses([])} | found),
        **_common(),
    )
