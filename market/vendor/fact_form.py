"""One section of an offering's facts as a form, drawn from the catalogue's description of facts.

Lists of texts are one text box, one entry a line; certificates and questions are rows of boxes whose names
say the place (`faq-0-question_zh`). What was typed stays as it was, whatever the catalogue says to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from flask import request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import (
    Field,
    HiddenField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.fields.choices import SelectChoice

from market import accounts, catalog
from market.catalog import Fact, FactsInvalid, Offering, Section
from market.web import facts, formats, forms

#: The boxes of one row, by kind of fact.
CELLS = {
    "certificates": ("type", "number", "valid_until"),
    "questions": ("question_zh", "question_en", "answer_zh", "answer_en"),
}
_LABELS = {
    "type": _l("证书种类"),
    "number": _l("证书编号"),
    "valid_until": _l("有效期至"),
    "question_zh": _l("问题（中文）"),
    "question_en": _l("问题（英文）"),
    "answer_zh": _l("回答（中文）"),
    "answer_en": _l("回答（英文）"),
}
_PATH = re.compile(r"(?P<key>\w+)\[(?P<place>\d+)\](?:\.(?P<cell>\w+))?")

Options = Mapping[str, Sequence[SelectChoice]]


class FactForm(forms.MarketForm):
    """A section's fields; `facts_of` says which."""

    section: Section

    def rows(self, fact: Fact) -> list[list[Field]]:
        """The boxes of a fact that comes in rows."""
        return [[self[f"{fact.key}-{place}-{cell}"] for cell in CELLS[fact.kind]] for place in range(self.count(fact))]

    def count(self, fact: Fact) -> int:
        """How many rows are drawn."""
        return int(self[f"{fact.key}-rows"].data)

    def values(self) -> dict[str, Any]:
        """What was typed, as the catalogue reads it."""
        return {name: self._value_of(fact, name) for fact in self.section.facts for name in fact.fields}

    def show(self, refusal: FactsInvalid) -> None:
        """Put every complaint of the catalogue at its box."""
        for problem in refusal.problems:
            message = _(problem.message, **problem.params)
            name, message = self._anchor(problem.field, message)
            if name in self:
                told = _("%(label)s：%(problem)s", label=self[name].label.text, problem=message)
                self[name].errors = [*self[name].errors, told]
            else:
                self.form_errors.append(message)

    def _value_of(self, fact: Fact, name: str) -> Any:
        if fact.kind in CELLS:
            return [self._row(fact, place) for place in self._written(fact)]
        data = self[name].data
        match fact.kind:
            case "lines":
                return (data or "").splitlines()
            case "choices" | "slugs" | "places":
                return data or []
            case "days":
                return (data or "").strip() or None
            case "percent" | "yuan":
                return (data or "").strip().strip("%¥￥").replace(",", "")
        return data or ""

    def _row(self, fact: Fact, place: int) -> dict[str, str | None]:
        row = {cell: (self[f"{fact.key}-{place}-{cell}"].data or "").strip() for cell in CELLS[fact.kind]}
        return {cell: None if cell == "valid_until" and not text else text for cell, text in row.items()}

    def _written(self, fact: Fact) -> list[int]:
        """The places of the rows in which something stands."""
        return [place for place in range(self.count(fact)) if any(self._row(fact, place).values())]

    def _anchor(self, path: str, message: str) -> tuple[str, str]:
        found = _PATH.fullmatch(path)
        if found is None:
            return path, message
        key, place, cell = found["key"], int(found["place"]), found["cell"]
        if cell is None:
            return key, _("第 %(line)d 行：%(problem)s", line=place + 1, problem=message)
        row = self._written(catalog.OF_FIELD[key])[place]
        if cell == "type":
            message = _("选择证书种类")
        return f"{key}-{row}-{cell}", message


def facts_form(section: Section, offering: Offering, content: Mapping[str, Any]) -> FactForm:
    """The form of a section: filled from the request when it was posted, else from the facts."""
    options = _options(section, offering)
    fields: dict[str, Any] = {"section": section}
    for fact in section.facts:
        fields |= _row_fields(fact, content) if fact.kind in CELLS else dict(_plain_fields(fact, options))
    kind: type[FactForm] = type("SectionForm", (FactForm,), fields)
    return kind() if request.method == "POST" else kind(formdata=None, data=dict(_written(section, content)))


def _plain_fields(fact: Fact, options: Options) -> Iterator[tuple[str, Any]]:
    for name in fact.fields:
        label = facts.label(fact, name)
        language = {"lang": "en" if name.endswith("_en") else "zh-CN"} if fact.bilingual else {}
        match fact.kind:
            case "text" | "lines":
                yield name, TextAreaField(label, render_kw=language)
            case "choice":
                yield name, RadioField(label, choices=options[fact.key], validate_choice=False)
            case "slug":
                yield name, SelectField(label, choices=options[fact.key], validate_choice=False)
            case "choices" | "slugs" | "places":
                yield name, SelectMultipleField(label, choices=options[fact.key], validate_choice=False)
            case _:
                yield name, StringField(label, render_kw=language)


def _row_fields(fact: Fact, content: Mapping[str, Any]) -> dict[str, Any]:
    count = _row_count(fact, content)
    fields: dict[str, Any] = {f"{fact.key}-rows": HiddenField(default=str(count), filters=[lambda _typed: str(count)])}
    for place in range(count):
        for cell in CELLS[fact.kind]:
            fields[f"{fact.key}-{place}-{cell}"] = _cell(cell, place)
    return fields


def _row_count(fact: Fact, content: Mapping[str, Any]) -> int:
    """One empty row more than is filled in; after a click on `add` one more than before."""
    if request.method != "POST":
        return min(len(content.get(fact.key) or []) + 1, fact.most)
    typed = request.form.get(f"{fact.key}-rows", "")
    before = int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 4 else 1
    return max(1, min(before + (request.form.get("do") == f"add-{fact.key}"), fact.most))


def _cell(cell: str, place: int) -> Field:
    label = _("%(what)s，第 %(row)d 行", what=_LABELS[cell], row=place + 1)
    if cell == "type":
        held = [SelectChoice(choice.value, formats.local(choice._asdict(), "label")) for choice in catalog.CERTIFICATES]
        return SelectField(label, choices=[SelectChoice("", forms.CHOOSE), *held], validate_choice=False)
    if cell == "valid_until":
        return StringField(label, render_kw={"type": "date"})
    language = {"lang": "en" if cell.endswith("_en") else "zh-CN"} if cell[-3:] in ("_zh", "_en") else {}
    return TextAreaField(label, render_kw=language) if cell.startswith("answer") else StringField(label, render_kw=language)


def _written(section: Section, content: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The facts as they stand in the boxes."""
    for fact in section.facts:
        for name in fact.fields:
            value = content.get(name)
            if fact.kind in CELLS:
                for place, row in enumerate(value or []):
                    yield from ((f"{fact.key}-{place}-{cell}", row.get(cell) or "") for cell in CELLS[fact.kind])
            elif fact.kind == "lines":
                yield name, "\n".join(value or [])
            elif fact.kind == "days":
                yield name, "" if value is None else str(value)
            else:
                yield name, value


def _options(section: Section, offering: Offering) -> Options:
    """What can be picked, by fact."""
    options: dict[str, list[SelectChoice]] = {}
    for fact in section.facts:
        match fact.kind:
            case "choice" | "choices":
                options[fact.key] = [SelectChoice(choice.value, formats.local(choice._asdict(), "label")) for choice in fact.choices]
            case "slug":
                own = [branch.children for branch in catalog.categories() if branch.category.slug == offering.category_slug]
                found = [SelectChoice(child.slug, formats.local(child, "name")) for children in own for child in children]
                options[fact.key] = [SelectChoice("", forms.CHOOSE), *found]
            case "slugs":
                options[fact.key] = [SelectChoice(sector.slug, formats.local(sector, "name")) for sector in accounts.sectors()]
            case "places":
                known = [SelectChoice(city.code, formats.local(city, "name")) for city in accounts.cities()]
                options[fact.key] = [*known, SelectChoice("cn", _("国内其他省份")), SelectChoice("other", _("境外"))]
    return options
