"""The bill as a PDF: typst sets what the view says; no figure and no word is made here.

User text reaches the typesetter only as data, never as markup.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog

from market import assets, resources
from market.billing.view import BillView
from market.billing.wording import Words
from market.config import ROOT
from market.errors import MarketError
from market.late import Library

if TYPE_CHECKING:
    import typst
else:
    typst = Library("typst")

log = structlog.get_logger(__name__)

_TEMPLATE = ROOT / "templates" / "documents" / "bill.typ"


class DocumentUnavailable(MarketError):
    """This installation lacks a part that a PDF needs; the page of the bill has all of it."""

    status, code = 503, "document_unavailable"
    title = "PDF 暂时做不出来"
    message = "PDF 暂时做不出来：字体没有安装。账单页可以直接打印。"


def pdf(view: BillView) -> bytes:
    """The bill on A4, in the language of the view. The same view gives the same bytes.

    Raises DocumentUnavailable, after telling the operator what is missing.
    """
    return typeset(_TEMPLATE, "bill", view.as_json(), Words(view.locale))


def typeset(template: Path, key: str, data: Mapping[str, Any], words: Words) -> bytes:
    """A paper: the template is given `data`, the letterhead and the font as JSON under `key`. Raises DocumentUnavailable."""
    fonts = _parts(template)
    settings = resources.settings
    site = settings.site_name_en if words.english else settings.site_name_zh
    whole = {
        **data,
        "font": assets.FONT_FAMILY,
        "site": site,
        "letterhead": words.say("letterhead", site=site),
        "pages": words.say("page", page="{page}", pages="{pages}"),
    }
    try:
        return bytes(
            typst.compile(
                str(template), font_paths=[str(fonts)], ignore_system_fonts=True,
                sys_inputs={key: json.dumps(whole, ensure_ascii=False)},
            )
        )  # fmt: skip
    except typst.TypstError as error:
        log.error("pdf_unavailable", reason=f"{template} cannot be set: {error}")
        raise DocumentUnavailable("PDF 暂时做不出来：排版文件有错。账单页可以直接打印。") from error


def _parts(template: Path) -> Path:
    """The folder of the font, once everything that the typesetter reads is known to be there."""
    try:
        fonts = assets.font_dir()
    except assets.AssetError as error:
        log.error("pdf_unavailable", reason=str(error))
        raise DocumentUnavailable from error
    if not template.is_file():
        log.error("pdf_unavailable", reason=f"{template} is missing: install the program again.")
        raise DocumentUnavailable("PDF 暂时做不出来：排版文件没有安装。账单页可以直接打印。")
    return fonts


def file_name(view: BillView) -> str:
    """What the file is called when it is saved."""
    return f"{view.number or 'draft'}{'-en' if view.locale == 'en' else ''}.pdf"
