"""What an offering says, as text in the visitor's language: for reviews, comparisons and previews."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask_babel import gettext as _

from market import accounts, catalog
from market.catalog import CERTIFICATES, Choice, Fact
from market.web import formats


@dataclass(frozen=True)
class Names:
    """What codes in facts stand for: cities, sectors and categories."""

    rows: Mapping[str, Any]

    def of(self, code: str) -> str:
        """The name of a code in the visitor's language; an unknown one as it is."""
        return formats.local(self.rows[code], "name") if code in self.rows else code


def names() -> Names:
    """Every name that facts may mention; three short queries."""
    rows: dict[str, Any] = {sector.slug: sector for sector in accounts.sectors()}
    rows |= catalog.category_names()
    rows |= {city.code: city for city in accounts.cities()}
    rows["cn"] = {"name_zh": "国内其他省份", "name_en": "Elsewhere in mainland China"}
    rows["other"] = {"name_zh": "境外", "name_en": "Outside the mainland"}
    return Names(rows)


def label(fact: Fact, field: str) -> str:
    """What a field is called; one of a pair names its language."""
    zh, en = catalog.labels(fact, field)
    return en if formats.language() == "en" else zh


def text(fact: Fact, value: Any, known: Names) -> str:
    """A fact as text, one line for each entry of a list; empty when nothing was said."""
    if value in (None, "", []):
        return ""
    match fact.kind:
        case "choice":
            return _choice(fact.choices, value)
        case "choices":
            return "\n".join(_choice(fact.choices, one) for one in value)
        case "slug":
            return known.of(value)
        case "slugs" | "places":
            return "\n".join(known.of(one) for one in value)
        case "lines":
            return "\n".join(value)
        case "percent":
            return f"{value}%"
        case "yuan":
            return formats.unit_price(value)
        case "days":
            return _("%(days)s 天", days=value)
        case "certificates":
            return "\n".join(_certificate(one) for one in value)
        case "questions":
            return "\n".join(_question(one) for one in value)
    return str(value)


def _choice(choices: tuple[Choice, ...], value: str) -> str:
    return formats.local(catalog.choice_of(choices, value)._asdict(), "label")


def _certificate(held: Mapping[str, Any]) -> str:
    kind = _choice(CERTIFICATES, held["type"])
    if not held.get("valid_until"):
        return _("%(name)s，编号 %(number)s，长期有效", name=kind, number=held["number"])
    last = formats.date(date.fromisoformat(str(held["valid_until"])))
    return _("%(name)s，编号 %(number)s，有效期至 %(date)s", name=kind, number=held["number"], date=last)


def _question(asked: Mapping[str, Any]) -> str:
    return _("问：%(question)s 答：%(answer)s", question=formats.local(asked, "question"), answer=formats.local(asked, "answer"))
