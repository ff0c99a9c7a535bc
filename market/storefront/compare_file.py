"""`/compare/file`: the same comparison for the use in a file of the firm's own, which is read and forgotten."""

from __future__ import annotations

from flask import Blueprint, g, redirect, request, url_for
from werkzeug.wrappers import Response

from market import resources
from market.billing import listed
from market.storefront import compared_replay, lately
from market.storefront.compare import LEAST, Picked, named, page, pick
from market.storefront.compared_replay import By, Compared
from market.storefront.offerings import plans_of_each
from market.web import guards
from market.web.security import largest_body
from market.web.usage_files import ROOM, UsageFileForm

bp = Blueprint("compare_file", __name__, url_prefix="/compare/file")
bp.before_request(guards.buyer)

Answer = Response | str | tuple[str, int]
#: So many things stand in the example of a file.
_SHOWN = 2


@bp.get("/")
@guards.require("money.read")
def show() -> Answer:
    """The form for a file beside what the services say of themselves."""
    picked = pick(request.args.getlist("s"))
    return _page(picked, UsageFileForm(formdata=None)) if len(picked.offerings) >= LEAST else _fewer(picked)


@bp.post("/")
@guards.require("money.read")
@largest_body(ROOM)
def upload() -> Answer:
    """The prices for a file, or for the box that holds what was read before; nothing is stored."""
    picked, form = pick(request.args.getlist("s")), UsageFileForm()
    if len(picked.offerings) < LEAST:
        return _fewer(picked)
    offered = compared_replay.plans_of(picked.offerings, g.organization)
    usage = form.read([each.plan for each in offered], g.organization, now=resources.clock.now()) if form.validate() else None
    if usage is None:
        return _page(picked, form), 422
    compared = compared_replay.of_file(picked.offerings, offered, usage, named(picked), request.form)
    html = _page(picked, form, compared)
    return (html, 422) if compared.boxes.has_errors else html


def _page(picked: Picked, form: UsageFileForm, compared: Compared | None = None) -> str:
    choice = compared_replay.choose(picked.offerings, {}, now=resources.clock.now(), by=By.FILE)
    plans = plans_of_each(picked.offerings)
    things = listed.things(plan for those in plans.values() for plan in those)[:_SHOWN]
    return page(
        picked, choice, plans=plans, compared=compared, form=form, things=things, limits=listed, kind=lately.kind_of(picked.offerings[0]),
        sent=url_for(".upload", s=picked.slugs),
    )  # fmt: skip


def _fewer(picked: Picked) -> Response:
    """To the page that says how many it takes."""
    return redirect(url_for("storefront.compare.index", s=picked.slugs), 303)
