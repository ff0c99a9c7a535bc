"""`/compare`: two to four services side by side, each priced by its own charges for one usage.

That is what was typed once, or the last months of the visitor's own firm (a file of hers: `compare_file.py`). Which it
is stands in the address, so a comparison can be sent to a colleague. What the address asks for and cannot be had is
named above the table, which shows the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, render_template, request, url_for
from flask_babel import gettext as _

from market import billing, catalog, quality, recommended, resources
from market.billing import Lately
from market.catalog import Offering, Plan
from market.kit import period as periods
from market.storefront import compared_replay, compared_rows
from market.storefront.cards import cards, today
from market.storefront.compared_replay import By, Choice
from market.storefront.compared_use import Priced, Usage
from market.storefront.offerings import plans_of_each
from market.web import formats
from market.web import replays as words
from market.web.replays import Guesses

bp = Blueprint("compare", __name__, url_prefix="/compare")

Answer = str | tuple[str, int]

LEAST, MOST = 2, 4
#: How many names an address may hold at all; what is beyond is not even looked up.
_READ = 12
LONGEST_SLUG = 100
#: What stands in the address of a usage: what was typed, and guesses of what nobody measured.
_TYPED = ("u.", "g.")
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
def index() -> Answer:
    """The comparison, or how to make one; 404 where nothing of what is asked for exists, 422 for a usage nobody can read."""
    picked = pick(request.args.getlist("s"))
    if len(picked.offerings) < LEAST:
        html = render_template(
            "storefront/compare/pick.html", picked=picked, cards=cards(picked.offerings), others=cards(_alike(picked)), least=LEAST, most=MOST
        )
        return (html, 404) if picked.missing and not picked.offerings else html
    choice = compared_replay.choose(picked.offerings, request.args, now=resources.clock.now())
    return _months(picked, choice) if choice.by is By.MINE else _typed(picked, choice)


def _typed(picked: Picked, choice: Choice) -> Answer:
    plans = plans_of_each(picked.offerings)
    usage = Usage(plans, picked.offerings, request.args, periods.month_of(resources.clock.now()))
    chosen = [_choose(offering, plans[offering.slug], usage) for offering in picked.offerings]
    html = page(picked, choice, plans=plans, usage=usage, chosen=chosen, prices=[compared_rows.prices(chosen, usage)])
    return (html, 422) if usage.has_errors else html


def _months(picked: Picked, choice: Choice) -> Answer:
    compared = compared_replay.of_months(picked.offerings, choice, named(picked), request.args, now=resources.clock.now())
    if not compared.tells and request.args.get("use") != By.MINE:
        return _typed(picked, replace(choice, by=By.TYPED))
    html = page(picked, choice, compared=compared, **_lately(compared.known))
    return (html, 422) if compared.boxes.has_errors else html


def _lately(known: Lately | None) -> dict[str, Any]:
    """What is said of the firm's own months beside the amounts."""
    if known is None:
        return {}
    count = len(known.months)
    few = [_("能比的账单月只有 %(count)s 个：用满三个月以后，这里比三个月。", count=count)] if count < billing.MONTHS else []
    return {"own": words.own_row(known), "pauses": words.pauses(known.usage), "told": [*few, *words.billed(known)]}


def page(picked: Picked, choice: Choice, *, prices: Sequence[compared_rows.Group] = (), **found: Any) -> str:
    """The page around a `usage` that was typed, months or a file that were `compared`, the `form` for a file."""
    ids = [offering.id for offering in picked.offerings]
    rest = compared_rows.groups(picked.offerings, recommended.listed_for(ids, today()), quality.summaries(ids))
    form, compared = found.get("form"), found.get("compared")
    plans = found.pop("plans", None) or plans_of_each(picked.offerings)
    return render_template(
        "storefront/compare/index.html", picked=picked, choice=choice, by=By, groups=[*prices, *rest], plans=plans,
        problems=form if form and form.has_errors else found.get("usage") or (compared.boxes if compared else Guesses([])),
        only=request.values.get("only") == "1", named=named(picked), uses=_uses(picked, choice), others=_others(picked, choice),
        without=[_address([slug for slug in picked.slugs if slug != offering.slug]) for offering in picked.offerings],
        here=resources.settings.base_url + _address(picked.slugs, use=choice.by if choice.firm else ""),
        sign_in=url_for("storefront.auth.sign_in", next=_address(picked.slugs, use=By.MINE)),
        months=words.months_named(compared.usage.months) if compared else "",
        signed=words.signed, when=words.when, **found,
    )  # fmt: skip


def pick(asked: Sequence[str]) -> Picked:
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
    wanted = request.args.get(f"p.{offering.slug}", "")
    named = [plan for plan in plans if plan.slug == wanted]
    priced = [found for plan in (named or plans) if (found := usage.price(plan))]
    return min(priced, key=lambda one: one.year_fen, default=None)


def named(picked: Picked) -> dict[str, str]:
    """The plans that the address names, by service."""
    return {slug: value for slug in picked.slugs if (value := request.values.get(f"p.{slug}", ""))}


def _uses(picked: Picked, choice: Choice) -> list[tuple[str, str, bool]]:
    """What the columns can be priced on, for whoever has the choice."""
    if choice.firm is None:
        return []
    mine = [(_("最近几个月的真实用量"), _address(picked.slugs, use=By.MINE), choice.by is By.MINE)] if choice.candidates else []
    file = url_for("storefront.compare_file.show", s=picked.slugs)
    return [
        *mine, (_("自己填一个用量"), _address(picked.slugs, use=By.TYPED), choice.by is By.TYPED), (_("上传用量文件"), file, choice.by is By.FILE)
    ]  # fmt: skip


def _others(picked: Picked, choice: Choice) -> list[tuple[str, str]]:
    """The firm's other subscriptions of the same kind, whose use could be taken instead."""
    rest = [one for one in choice.candidates if one is not choice.subscription][: compared_replay.MOST_OTHERS]
    return [
        (f"{formats.local(one.revision.facts, 'name')} · {formats.local(one.plan, 'name')}", _address(picked.slugs, use=By.MINE, of=one.public_id))
        for one in rest
    ]


def _address(slugs: Sequence[str], *, use: str = "", of: str = "") -> str:
    """The address of this comparison with the usage that was typed and the plans that were named; another `use` of them."""
    typed = {key: value[:LONGEST_SLUG] for key, value in request.args.items() if key.startswith(_TYPED) and len(key) <= LONGEST_SLUG}
    use, of = use or request.args.get("use", ""), of or request.args.get("of", "")
    meant = {"use": use} if use in (By.MINE, By.TYPED) else {}
    meant |= {"of": of[:LONGEST_SLUG]} if of and use == By.MINE else {}
    named = {f"p.{slug}": value for slug in slugs if (value := request.values.get(f"p.{slug}", ""))}
    asked = [*(("s", slug) for slug in slugs), *meant.items(), *typed.items(), *named.items()]
    return f"{url_for('storefront.compare.index')}?{urlencode(asked)}"
