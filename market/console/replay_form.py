"""What is asked for on the pages of a replay: where in the catalogue, and a file."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import SelectField

from market import catalog
from market.web import formats, forms, usage_files


class UsageFileForm(usage_files.UsageFileForm):
    """Use as a file, and where to look for plans."""

    leading = ("subcategory",)
    subcategory = SelectField(_l("哪一类服务"), [forms.Filled(_l("选择一类服务"))], validate_choice=False)


def subcategories() -> list[tuple[str, list[tuple[str, str]]]]:
    """Each kind of service with its sub-categories: slug and name."""
    return [
        (formats.local(branch.category, "name"), [(child.slug, formats.local(child, "name")) for child in branch.children])
        for branch in catalog.categories()
    ]
