"""The bill as a PDF: typst sets what the view says; no figure and no word is made here.

User text reaches the typesetter only as data, never as markup.
"""

from __future__ import annotations

import json

import typst

from market import assets, resources
from market.billing.view import BillView
from market.billing.wording import Words
from market.config import ROOT

_TEMPLATE = ROOT / "templates" / "documents" / "bill.typ"


def pdf(view: BillView) -> bytes:
    """The bill on A4, in the language of the view. The same view gives the same bytes."""
    words, settings = Words(view.locale), resources.settings
    site = settings.site_name_en if words.english else settings.site_name_zh
    data = view.as_json() | {
        "font": assets.FONT_FAMILY,
        "site": site,
        "letterhead": words.say("letterhead", site=site),
        "pages": words.say("page", page="{page}", pages="{pages}"),
    }
    return bytes(
        typst.compile(
            str(_TEMPLATE),
            font_paths=[str(assets.font_dir())],
            ignore_system_fonts=True,
            sys_inputs={"bill": json.dumps(data, ensure_ascii=False)},
        )
    )


def file_name(view: BillView) -> str:
    """What the file is called when it is saved."""
    return f"{view.number or 'draft'}{'-en' if view.locale == 'en' else ''}.pdf"
