"""The texts of e-mails: `templates/email/<event>.<language>.txt`, the subject on the first line."""

from __future__ import annotations

from functools import cache
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from market import resources
from market.config import ROOT
from market.kit import money

LANGUAGES = ("zh", "en")


def write(event: str, language: str, **facts: Any) -> tuple[str, str]:
    """Subject and body of the letter about `event`. Amounts are fen."""
    settings = resources.settings
    site = settings.site_name_en if language == "en" else settings.site_name_zh
    template = _texts().get_template(f"{event}.{language}.txt")
    text = template.render(site=site, base_url=settings.base_url, **facts)
    subject, _, body = text.partition("\n")
    return " ".join(subject.split()), body.strip() + "\n"


@cache
def _texts() -> Environment:
    texts = Environment(  # noqa: S701  # plain text, not HTML: escaping would change what people read
        loader=FileSystemLoader(ROOT / "templates" / "email"), undefined=StrictUndefined, trim_blocks=True
    )
    texts.filters["money"] = lambda fen: f"¥{money.text(fen)}"
    return texts
