"""`/compare`: two to four services side by side, each priced by its own charges for one usage that is typed once.

Everything stands in the address, so a comparison can be sent to a colleague. What the address asks for and cannot be
had is named above the table, which shows the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode

from flask import Blueprint, render_template, request, url_for
from flask_babel import gettext as _

from market import catalog, quality, recommended, resources
from market.catalog import Offering, Plan
from market.kit import period as periods
from market.storefront import compared_rows
from market.storefront.cards import cards, today
from market.storefront.compared_use import Priced, Usage
from market.storefront.offerings import plans_of
from market.web import formats

bp = Blueprint("compare", __name__, url_prefix="/compare")

LEAST, MOST = 2, 4
#: How many names an address may hold at all; what is beyond is not even looked up.
_READ = 12
LONGEST_SLUG = 100
#: How many others the page offers beside the only one that is chosen.
_OFFERED = 12


@dataclass
class Picked:
    """What the address asks for: what is compared, and what is wrong with the rest, in words."""

    offerings: list[Offering] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    missing: bool = False

    @property
    def slugs(self) -> list[str]:
        """The addresses of what is compared."""
        return [offering.slug for offering in self.offerings]


@bp.get("/")
def index() -> str | tuple[str, int]:
    """The comparison, or how to make one; 404 where nothing of what is asked for exists, 422 for a usage nobody can read."""
    picked = _pick(request.args.getlist("s"))
    if len(picked.offerings) < LEAST:
        html = render_template(
            "storefront/compare/pick.html", picked=picked, cards=cards(picked.offerings), others=cards(_alike(picked)), least=LEAST, most=MOST
        )
        return (html, 404) if picked.missing and not picked.offerings else html
    plans = {offering.slug: plans_of(offering) for offering in picked.offerings}
    usage = Usage(plans, picked.offerings, request.args, periods.month_of(resources.clock.now()))
    chosen = [_choose(offering, plans[offering.slug], usage) for offering in picked.offerings]
    ids = [offering.id for offering in picked.offerings]
    groups = compared_rows.groups(
        picked.offerings, chosen, usage, recommended.listed_for(ids, today()), quality.summaries(ids)
    )
    only = request.args.get("only") == "1"
    html = render_template(
        "storefront/compare/index.html", picked=picked, plans=plans, usage=usage, chosen=chosen, groups=groups, only=only,
        without=[_without(picked, offering, usage) for offering in picked.offerings], most=MOST,
        here=resources.settings.base_url + _address(picked.slugs, usage),
        asked={offering.slug: request.args.get(_plan_key(offering), "") for offering in picked.offerings},
    )  # fmt: skip
    return (html, 422) if usage.has_errors else html


def _pick(asked: Sequence[str]) -> Picked:
    """The first four that are on sale, each once; the rest is told."""
    picked = Picked()
    wanted = list(dict.fromkeys(slug.strip()[:LONGEST_SLUG] for slug in asked[:_READ] if slug.strip()))
    if len(wanted) < len([slug for slug in asked[:_READ] if slug.strip()]):
        picked.problems.append(_("同一项服务写了两次，只比一次。"))
    found = catalog.offerings_by_slugs(wanted)
    for slug in wanted:
        offering = found.get(slug)
        if offering is None:
            picked.missing = True
            picked.problems.append(_("没有找到“%(slug)s”这项服务，可能链接不完整。", slug=slug[:40]))
            continue
        name = formats.local(catalog.shown_revision(offering).facts, "name")
        if not catalog.can_be_bought(offering):
            picked.problems.append(_("“%(service)s”现在不能新订阅，没有放进来比。", service=name))
        elif len(picked.offerings) == MOST:
            picked.problems.append(_("一次最多比 %(most)s 项，“%(service)s”没有放进来。", most=MOST, service=name))
        else:
            picked.offerings.append(offering)
    return picked


def _alike(picked: Picked) -> list[Offering]:
    """What could be put beside the one that is chosen: its own kind first, then its category."""
    if not picked.offerings:
        return []
    own = picked.offerings[0]
    kind = catalog.shown_revision(own).facts["subcategory"]
    others = [one for one in catalog.live_offerings(own.category_slug) if one.id != own.id]
    return sorted(others, key=lambda one: catalog.shown_revision(one).facts["subcategory"] != kind)[:_OFFERED]


def _choose(offering: Offering, plans: Sequence[Plan], usage: Usage) -> Priced | None:
    """The plan that the address names, else the one that costs least in the first year."""
    wanted = request.args.get(_plan_key(offering), "")
    named = [plan for plan in plans if plan.slug == wanted]
    priced = [found for plan in (named or plans) if (found := usage.price(plan))]
    return min(priced, key=lambda one: one.year_fen, default=None)


def _plan_key(offering: Offering) -> str:
    return f"p.{offering.slug}"


def _without(picked: Picked, offering: Offering, usage: Usage) -> str:
    return _address([slug for slug in picked.slugs if slug != offering.slug], usage)


def _address(slugs: Sequence[str], usage: Usage) -> str:
    """The address of this comparison with the usage that was typed and the plans that were named."""
    carried = {name: value for name, value in usage.carried.items() if name in request.args}
    named = {f"p.{slug}": value for slug in slugs if (value := request.args.get(f"p.{slug}", ""))}
    words = [*(("s", slug) for slug in slugs), *carried.items(), *named.items()]
    return f"{url_for('storefront.compare.index')}?{urlencode(words)}"
