"""What is asked for on the pages of a replay: where in the catalogue, and a file."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import FileField, SelectField, TextAreaField

from market import catalog
from market.web import formats, forms

#: What the box holds at most; a file may be longer.
LONGEST_TEXT = 20_000


class UsageFileForm(forms.MarketForm):
    """Use as a file, and where to look for plans."""

    subcategory = SelectField(_l("哪一类服务"), [forms.Filled(_l("选择一类服务"))], validate_choice=False)
    file = FileField(_l("用量文件"), render_kw={"accept": ".csv,.txt,.ndjson,.jsonl,text/csv"})
    text = TextAreaField(_l("或者直接写在这里"), [forms.NotLongerThan(LONGEST_TEXT)])


def subcategories() -> list[tuple[str, list[tuple[str, str]]]]:
    """Each kind of service with its sub-categories: slug and name."""
    return [
        (formats.local(branch.category, "name"), [(child.slug, formats.local(child, "name")) for child in branch.children])
        for branch in catalog.categories()
    ]
