"""Reviews on screen: who wrote one, as far as she wants that told, and the form for the grounds of hiding words."""

from __future__ import annotations

from collections.abc import Sequence

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import HiddenField, TextAreaField

from market import accounts
from market.errors import NotFound
from market.quality import Review, ReviewReply, ReviewWording
from market.web import formats, forms

STARS = {
    5: _l("5 星：很满意"),
    4: _l("4 星：满意"),
    3: _l("3 星：一般"),
    2: _l("2 星：不满意"),
    1: _l("1 星：很不满意"),
}


class Writers:
    """What those who wrote reviews are called in public; places and sectors are looked up once."""

    def __init__(self) -> None:
        self._cities = {city.code: city for city in accounts.cities()}
        self._sectors = {sector.slug: sector for sector in accounts.sectors()}

    def __call__(self, review: Review) -> str:
        """The firm's name where it agreed to that, else where it is and what it does."""
        firm = review.organization
        if review.named:
            return firm.name
        city, sector = self._cities.get(firm.city_code or ""), self._sectors.get(firm.sector_slug or "")
        known = [formats.local(each, "name") for each in (city, sector) if each]
        return _("一家企业（%(known)s）", known=_("，").join(known)) if known else _("一家企业")


class HideForm(forms.MarketForm):
    """Which words, and why."""

    which = HiddenField()
    reason = TextAreaField(_l("理由"))


def said(review: Review, which: str) -> ReviewWording | ReviewReply:
    """The wording or the reply that a form names: `wording.2`. Raises NotFound."""
    kind, _dot, number = which.partition(".")
    rows: dict[str, Sequence[ReviewWording | ReviewReply]] = {"wording": review.wordings, "reply": review.replies}
    for row in rows.get(kind, ()):
        if str(row.number) == number:
            return row
    raise NotFound
