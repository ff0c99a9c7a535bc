"""Why a service stands in a list of results: what was asked for is marked, and a line says where it was found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from flask_babel import lazy_gettext as _l
from markupsafe import Markup, escape

from market import catalog
from market.search import Query, highlight
from market.web import formats
from market.web.translation import gettext as _

#: Where a word may have been found, in the order in which it counts.
_PLACES = (_l("名称"), _l("关键词"), _l("类别"), _l("一句话好处"), _l("说明"), _l("服务商"))
_TEXT = 4
_READ = ("benefits", "description", "faq", "start_steps", "export_format", "deadline_setup")


def marked(text: str, query: Query | None) -> str | Markup:
    """A text with what was asked for marked."""
    return _markup(highlight.spans(text, query)) if query and query.terms else text


def why(offering: catalog.Offering | catalog.Sold, facts: Mapping[str, Any], query: Query | None) -> str | Markup:
    """One line: where each word was found; the piece of the description where it stands there."""
    if query is None or not query.terms:
        return ""
    texts = _texts(offering, facts)
    told = [_told(reason) for reason in highlight.reasons(texts, query)]
    shown = [*told[:3]]
    piece = next((found for text in texts[_TEXT] if (found := highlight.excerpt(text, query))), [])
    in_text = any(reason.place == _TEXT for reason in highlight.reasons(texts, query))
    line = Markup(escape(_("；").join(shown)))  # noqa: S704  # escaped here
    return line + _("：") + _markup(piece) if piece and in_text else line


def _told(reason: highlight.Reason) -> str:
    place = str(_PLACES[reason.place]).lower()
    if reason.how in (highlight.How.ALIKE, highlight.How.SOUND, highlight.How.START) and reason.found.lower() != reason.typed:
        return _("%(place)s里有“%(found)s”（您搜的是“%(typed)s”）", place=place, found=reason.found, typed=reason.typed)
    return _("%(place)s里有“%(found)s”", place=place, found=reason.found)


def _texts(offering: catalog.Offering | catalog.Sold, facts: Mapping[str, Any]) -> list[Sequence[str]]:
    """What the index was made from, the visitor's language first, by place."""
    read = [text for key in _READ for text in (*_strings(formats.local(facts, key)), *_all(facts, key))]
    category, provider = offering.category, offering.provider
    return [
        [formats.local(facts, "name"), *_all(facts, "name")],
        list(facts.get("keywords") or []),
        [formats.local(category, "name"), category.name_zh, category.name_en],
        [formats.local(facts, "tagline"), *_all(facts, "tagline")],
        read,
        [formats.local(provider, "name"), provider.name_zh, provider.name_en],
    ]


def _all(facts: Mapping[str, Any], key: str) -> Iterator[str]:
    for field in (key, f"{key}_zh", f"{key}_en"):
        yield from _strings(facts.get(field))


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _strings(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _strings(part)


def _markup(spans: Sequence[highlight.Span]) -> Markup:
    pieces = (Markup("<mark>{}</mark>").format(span.text) if span.hit else escape(span.text) for span in spans)
    return Markup("").join(pieces)
