"""The second person's look at what a colleague has asked for, a credit or a grant: what both pages share."""

from __future__ import annotations

from collections.abc import Callable

from flask_babel import lazy_gettext as _l
from wtforms import TextAreaField

from market.errors import MarketError
from market.web import forms


class RejectForm(forms.MarketForm):
    """Why it is not agreed to, or taken back."""

    answer = TextAreaField(_l("原因"), [forms.Filled(_l("写明原因，提出的同事会看到")), forms.NotLongerThan(500)])


def refused(refusal: MarketError, page: Callable[[RejectForm], str], form: RejectForm | None = None) -> tuple[str, int]:
    """The page once more, with why the decision could not be made and what was typed."""
    form = form or RejectForm(formdata=None)
    form.refuse(refusal)
    return page(form), refusal.status
