"""What an offering says about itself: one description for form, check, page and review diff.

`sections.SECTIONS` is that description. `OfferingFacts` is built from it; the vendor editor walks
it to draw its form, the offering page to show the facts, the review to compare two revisions, and
`missing` to say what is still empty.

A draft may be incomplete, so every fact has an empty default and only its form is checked;
`missing` decides whether it can be submitted. Bilingual facts are two fields, `<key>_zh` and
`<key>_en`. Amounts are yuan and availability is percent, both as decimal text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    create_model,
)
from pydantic_core import PydanticCustomError

from market.catalog.sections import CERTIFICATES, SECTIONS, Choice, Fact, Section
from market.catalog.slugs import METER_SLUG
from market.errors import Invalid

__all__ = [
    "CERTIFICATES", "ELSEWHERE", "FACTS", "OF_FIELD", "SECTIONS", "Certificate", "Change", "Choice", "Fact", "Facts",
    "FactsInvalid", "Missing", "OfferingFacts", "Problem", "Question", "Section", "changes", "choice_of",
    "downtime_minutes", "dump", "labels", "missing", "parse",
]  # fmt: skip

LATIN_PER_HAN = 4  # an English text may have this many letters where a Chinese one has a character


FACTS = {fact.key: fact for section in SECTIONS for fact in section.facts}
OF_FIELD = {name: fact for fact in FACTS.values() for name in fact.fields}


# --- the model ---------------------------------------------------------------------------

ELSEWHERE = ("cn", "other")  # the mainland outside Guangdong; outside the mainland


def _matching(form: re.Pattern[str], message: str) -> AfterValidator:
    """Empty, or text of this form."""

    def check(value: str) -> str:
        if value and not form.fullmatch(value):
            raise PydanticCustomError("form", message)
        return value

    return AfterValidator(check)


def _one_of(choices: tuple[Choice, ...]) -> AfterValidator:
    values = tuple(choice.value for choice in choices)

    def check(value: str) -> str:
        if value not in values:
            raise PydanticCustomError("not_listed", "{expected}", {"expected": "、".join(values)})
        return value

    return AfterValidator(check)


def _without_blanks(value: Any) -> Any:
    if isinstance(value, list):
        return [entry for entry in value if not (isinstance(entry, str) and not entry.strip())]
    return value


Slug = Annotated[str, _matching(METER_SLUG, "只用小写字母、数字和连字符")]
Percent = Annotated[
    str, _matching(re.compile(r"100|9\d(?:\.\d{1,4})?"), "填 90 到 100 之间的百分数，例如 99.9")
]
Yuan = Annotated[str, _matching(re.compile(r"\d{1,8}(?:\.\d{1,2})?"), "填金额，最多两位小数，例如 200.00")]
Place = Annotated[str, _matching(re.compile(r"\d{6}|cn|other"), "填六位城市代码，省外填 cn，境外填 other")]


class Facts(BaseModel):
    """What all readable facts have in common: nothing unknown, no stray blanks, never changed in place."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True, frozen=True)


class Certificate(Facts):
    """A certificate the provider holds for this offering; without `valid_until` it does not expire."""

    type: Annotated[str, _one_of(CERTIFICATES)]
    number: Annotated[str, Field(min_length=1, max_length=60)]
    valid_until: date | None = None


class Question(Facts):
    """A question customers ask, with its answer."""

    question_zh: Annotated[str, Field(min_length=1, max_length=60)]
    question_en: Annotated[str, Field(min_length=1, max_length=240)]
    answer_zh: Annotated[str, Field(min_length=1, max_length=300)]
    answer_en: Annotated[str, Field(min_length=1, max_length=1200)]


def _text(most: int) -> Any:
    return Annotated[str, Field(max_length=most)]


def _many(entry: Any, most: int) -> Any:
    return Annotated[list[entry], Field(max_length=most), BeforeValidator(_without_blanks)]


def _type_of(fact: Fact, language: str) -> tuple[Any, Any]:
    """The pydantic type and the empty value of one field."""
    letters = LATIN_PER_HAN if language == "en" else 1
    picked = tuple(choice.value for choice in fact.choices)
    match fact.kind:
        case "line" | "text":
            return _text(fact.most * letters), ""
        case "lines":
            return _many(_text(80 * letters), fact.most), []
        case "choice":
            return Literal[("", *picked)], ""
        case "choices":
            return _many(Literal[picked], len(picked)), []
        case "slugs":
            return _many(Slug, fact.most), []
        case "places":
            return _many(Place, fact.most), []
        case "days":
            return Annotated[int, Field(ge=0, le=3650)] | None, None
        case "certificates":
            return _many(Certificate, fact.most), []
        case "questions":
            return _many(Question, fact.most), []
        case "slug":
            return Slug, ""
        case "percent":
            return Percent, ""
        case "yuan":
            return Yuan, ""


def _fields() -> dict[str, Any]:
    types = {name: _type_of(fact, name[-2:]) for name, fact in OF_FIELD.items()}
    return {
        name: (kind, Field(default_factory=list) if empty == [] else Field(default=empty))
        for name, (kind, empty) in types.items()
    }


OfferingFacts: type[Facts] = create_model(
    "OfferingFacts",
    __base__=Facts,
    __module__=__name__,
    __doc__="Everything one revision of an offering says; its fields are those of `SECTIONS`.",
    **_fields(),
)


# --- reading, with problems in words -----------------------------------------------------


class Problem(NamedTuple):
    """What is wrong with one field; `message % params` is the Chinese sentence."""

    field: str
    message: str
    params: Mapping[str, Any]

    def __str__(self) -> str:
        return self.message % self.params if self.params else self.message


class FactsInvalid(Invalid):
    """Some facts cannot be read; `problems` says which and how to mend them."""

    code = "facts_invalid"
    message = "有几项内容需要改一下。"

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(fields={problem.field: str(problem) for problem in problems})
        self.problems = problems


_MESSAGES = {
    "string_too_long": "最多 %(max_length)s 个字",
    "string_too_short": "这一项要填",
    "string_type": "这里填文字",
    "string_pattern_mismatch": "写法不对，请对照旁边的例子",
    "dict_type": "这里填一组内容",
    "bool_type": "这里填 true 或 false",
    "missing": "这一项要填",
    "too_long": "最多 %(max_length)s 条，现在 %(actual_length)s 条",
    "list_type": "这里填列表，一条一项",
    "not_listed": "只能从这些里选：%(expected)s",
    "literal_error": "只能从这些里选：%(expected)s",
    "model_type": "这里填一组内容",
    "extra_forbidden": "没有这一项",
    "int_type": "这里填整数",
    "int_parsing": "这里填整数",
    "int_from_float": "这里填整数",
    "greater_than_equal": "不能小于 %(ge)s",
    "less_than_equal": "不能大于 %(le)s",
    "date_type": "填日期，例如 2028-06-30",
    "date_parsing": "填日期，例如 2028-06-30",
    "date_from_datetime_parsing": "填日期，例如 2028-06-30",
    "date_from_datetime_inexact": "填日期，例如 2028-06-30",
}


def path_of(location: tuple[int | str, ...]) -> str:
    """The address of a value for people: `faq[0].question_zh`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return text.removeprefix(".")


def problems_of(error: ValidationError) -> list[Problem]:
    """Every complaint of pydantic, in our words."""
    return [_problem(entry) for entry in error.errors(include_url=False)]


def _problem(entry: Mapping[str, Any]) -> Problem:
    params = dict(entry.get("ctx", {}))
    if entry["type"] == "literal_error":
        params["expected"] = "、".join(re.findall(r"'([\w-]+)'", params["expected"]))
    message = entry["msg"] if entry["type"] == "form" else _MESSAGES.get(entry["type"], "这里的内容读不懂")
    return Problem(path_of(entry["loc"]), message, params)


def parse(values: Mapping[str, Any]) -> Facts:
    """Facts from JSON, TOML or a form. Raises FactsInvalid with every problem at once."""
    try:
        return OfferingFacts.model_validate(dict(values))
    except ValidationError as error:
        raise FactsInvalid(problems_of(error)) from None


def dump(facts: Facts) -> dict[str, Any]:
    """The facts as JSON values, in the order of `SECTIONS`."""
    return facts.model_dump(mode="json")


# --- completeness and change -------------------------------------------------------------


class Missing(NamedTuple):
    """A field that must be filled in before the offering can be submitted."""

    field: str
    label_zh: str
    label_en: str
    section: str


def _needed(fact: Fact, facts: Facts) -> bool:
    if fact.needed_if is None:
        return fact.required
    other, values = fact.needed_if
    given = getattr(facts, other)
    return given in values if values else bool(given)


def _complete(fact: Fact, value: Any) -> bool:
    if isinstance(value, list):
        return len(value) >= fact.least
    return value not in ("", None)


def missing(facts: Facts) -> list[Missing]:
    """What is still empty, in the order of the form; nothing when it can be submitted."""
    return [
        Missing(name, *labels(fact, name), section.slug)
        for section in SECTIONS
        for fact in section.facts
        if _needed(fact, facts)
        for name in fact.fields
        if not _complete(fact, getattr(facts, name))
    ]


def labels(fact: Fact, name: str) -> tuple[str, str]:
    """What a field is called in Chinese and in English; a bilingual one names its language."""
    if not fact.bilingual:
        return fact.label_zh, fact.label_en
    if name.endswith("_zh"):
        return f"{fact.label_zh}（中文）", f"{fact.label_en} (Chinese)"
    return f"{fact.label_zh}（英文）", f"{fact.label_en} (English)"


class Change(NamedTuple):
    """One field that two revisions say differently."""

    fact: Fact
    field: str
    before: Any
    after: Any


def changes(before: Facts, after: Facts) -> Iterator[Change]:
    """The fields in which two revisions differ, in the order of the form."""
    for name, fact in OF_FIELD.items():
        old, new = getattr(before, name), getattr(after, name)
        if old != new:
            yield Change(fact, name, old, new)


def downtime_minutes(availability: str) -> int:
    """How many whole minutes a 30-day month may be interrupted under this promise."""
    return int((Decimal(100) - Decimal(availability)) / 100 * 30 * 24 * 60)


def choice_of(choices: tuple[Choice, ...], value: str) -> Choice:
    """The choice with this value, for its label; an unknown value is its own label."""
    return next((choice for choice in choices if choice.value == value), Choice(value, value, value))
