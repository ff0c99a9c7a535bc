"""`/recommended`: the recommended catalogue: this edition, its criteria, why each offering is in it, and earlier editions."""

from __future__ import annotations

from flask import Blueprint, render_template, url_for
from flask_babel import gettext as _

from market import recommended
from market.errors import NotFound
from market.storefront.cards import cards, today
from market.web import formats

bp = Blueprint("recommended", __name__, url_prefix="/recommended")


@bp.get("/")
def index() -> str:
    """What is listed today, newest decision first, each with its reason."""
    on = today()
    entries = recommended.listed(on)
    listed = list(zip(cards(entry.offering for entry in entries), entries, strict=True))
    return render_template(
        "storefront/recommended/index.html", edition=recommended.current_edition(on), listed=listed,
        past=recommended.past_editions(on),
    )  # fmt: skip


@bp.get("/<slug>")
def show(slug: str) -> str:
    """An edition that is over: what it listed, with the reason of the time. Raises NotFound for one that is not."""
    edition = recommended.edition_by_slug(slug)
    if edition.ends_on >= today():
        raise NotFound
    return render_template(
        "storefront/recommended/show.html", edition=edition, entries=recommended.once_listed(edition),
        now_listed=recommended.listed_ids(today()), trail=[(_("首页"), url_for("storefront.home.index")), (_("推荐目录"), url_for(".index")), (formats.local(edition, "name"), "")],
    )  # fmt: skip
