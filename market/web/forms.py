"""Forms: the base class, fields for money, quantities and bilingual texts, and the token against double clicks.

Messages say what to do, in the label's own words. Browsers do not validate (`novalidate`): the
server's words appear at the field and in the summary above the heading.
"""

import secrets
import unicodedata
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from typing import Any, ClassVar, TypeAlias

from flask_babel import LazyString, gettext
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import Field, HiddenField, StringField, TextAreaField
from wtforms.validators import StopValidation, ValidationError

from market.errors import MarketError
from market.kit import money, quantity
from market.kit.refusal import Refusal
from market.web.errors import field_messages, translate

Text: TypeAlias = str | LazyString
_WAN_FEN = 1_000_000
_DIGITS = 12


class MarketForm(FlaskForm):
    """Base of all forms; `refuse` shows a domain's refusal at the field it names.

    `form_errors` (from WTForms) holds messages that belong to no field; the error summary shows them.
    """

    #: Fields that stand first on the page although a class that this form builds on brings others.
    leading: ClassVar[tuple[str, ...]] = ()

    def __iter__(self) -> Iterator[Field]:
        """The fields in the order of the page, which is that of the error summary too."""
        first = [self[name] for name in self.leading]
        return iter([*first, *(field for name, field in self._fields.items() if name not in self.leading)])

    def refuse(self, refusal: MarketError) -> None:
        """Put what a domain refused at its fields, or above the form when it names none.

        A field that already says what is wrong with it keeps to that.
        """
        messages = field_messages(refusal)
        for name, message in messages.items():
            if name in self:
                self[name].errors = self[name].errors or [message]
            else:
                self.form_errors.append(message)
        if not messages:
            self.form_errors.append(translate(refusal))

    @property
    def has_errors(self) -> bool:
        """Whether anything must be changed."""
        return bool(self.form_errors or any(field.errors for field in self))


class Filled:
    """The field must not be empty; `message` names what to fill in."""

    field_flags = {"required": True}

    def __init__(self, message: Text | None = None) -> None:
        self.message = message

    def __call__(self, form: FlaskForm, field: Field) -> None:
        if field.errors:
            raise StopValidation
        value = field.data.strip() if isinstance(field.data, str) else field.data
        if value in (None, "", [], False):
            raise StopValidation(
                str(self.message) if self.message else gettext("填写%(label)s", label=str(field.label.text))
            )


class NotLongerThan:
    """At most `limit` characters; the message says how many there are now."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.field_flags = {"maxlength": limit}

    def __call__(self, form: FlaskForm, field: Field) -> None:
        count = len(field.data or "")
        if count > self.limit:
            raise ValidationError(
                gettext(
                    "%(label)s最多 %(limit)d 个字，现在有 %(count)d 个",
                    label=str(field.label.text),
                    limit=self.limit,
                    count=count,
                )
            )


class _ParsedField(StringField):
    """A text field whose `data` is a parsed value; what was typed stays in the box when it is refused."""

    data: Any

    def __init__(self, label: Text | None = None, validators: Any = None, **kwargs: Any) -> None:
        super().__init__(label, validators, **kwargs)
        self.typed: str | None = None

    def parse(self, written: str) -> Any:
        """The value of what was typed. Raises Refusal with what to change."""
        raise NotImplementedError

    def written(self, value: Any) -> str:
        """A value as it stands in the box."""
        return str(value)

    def process_formdata(self, valuelist: list[str]) -> None:
        if not valuelist:
            return
        self.typed = valuelist[0]
        self.data = None
        if not self.typed.strip():
            return
        try:
            self.data = self.parse(self.typed)
        except Refusal as refusal:
            raise ValueError(translate(refusal)) from refusal

    def _value(self) -> str:
        if self.typed is not None:
            return self.typed
        return "" if self.data is None else self.written(self.data)


class MoneyField(_ParsedField):
    """An amount typed in yuan; `data` is fen (int) or None."""

    def parse(self, written: str) -> int:
        return money.parse_yuan(written)

    def written(self, value: int) -> str:
        return f"{money.yuan(value):.2f}"


class QuantityField(_ParsedField):
    """A quantity with at most six decimals; `data` is a Decimal or None."""

    def parse(self, written: str) -> Decimal:
        return quantity.parse(written.strip().replace(",", ""))

    def written(self, value: Decimal) -> str:
        return quantity.text(Decimal(value))


class UnitPriceField(_ParsedField):
    """A price with at most eight decimals, kept as its decimal text; `data` is a str or None."""

    def parse(self, written: str) -> str:
        cleaned = written.strip().lstrip("¥￥").replace(",", "")
        whole, point, decimals = cleaned.partition(".")
        if not (whole.isascii() and whole.isdigit()) or (
            point and not (decimals.isascii() and decimals.isdigit())
        ):
            raise ValueError(gettext("单价写成 0.0125 的样子"))
        if len(decimals.rstrip("0")) > 8:
            raise ValueError(gettext("单价最多 8 位小数"))
        return cleaned


class WanField(_ParsedField):
    """An amount typed in 万元 (ten thousand yuan), as firms state what they turn over; `data` is fen (int) or None."""

    def parse(self, written: str) -> int:
        typed = unicodedata.normalize("NFKC", written).strip().removeprefix("¥").replace(",", "")
        try:
            return int(quantity.parse(typed) * _WAN_FEN)
        except Refusal:
            raise ValueError(
                gettext("%(label)s按万元填，写成 900 或 900.5 的样子", label=str(self.label.text))
            ) from None

    def written(self, value: int) -> str:
        return quantity.text(Decimal(value) / _WAN_FEN)


class CountField(_ParsedField):
    """How many there are: a whole number; `data` is an int or None."""

    def parse(self, written: str) -> int:
        typed = unicodedata.normalize("NFKC", written).strip().replace(",", "")
        if not (typed.isascii() and typed.isdigit() and len(typed) < _DIGITS):
            raise ValueError(gettext("%(label)s写成 120 的样子", label=str(self.label.text)))
        return int(typed)


class DayField(_ParsedField):
    """A day of the calendar; `data` is a date or None."""

    def parse(self, written: str) -> date:
        try:
            return date.fromisoformat(written.strip())
        except ValueError:
            raise ValueError(gettext("%(label)s写成 2026-12-01 的样子", label=str(self.label.text))) from None

    def written(self, value: date) -> str:
        return value.isoformat()

    def __call__(self, **attributes: Any) -> Any:
        return super().__call__(**({"type": "date"} | attributes))


class TokenField(HiddenField):
    """A random word in the form: the same word twice is the same order (a double click)."""

    def __init__(self, label: Text = "", **kwargs: Any) -> None:
        super().__init__(label, default=lambda: secrets.token_urlsafe(16), **kwargs)


def bilingual(
    label_zh: Text, label_en: Text, *, limit: int, required: bool = True, long: bool = False
) -> tuple[Field, Field]:
    """The Chinese and the English field of one fact: `name_zh, name_en = bilingual(_l("名称"), _l("英文名称"), limit=60)`."""
    kind: Callable[..., Field] = TextAreaField if long else StringField
    checks = [NotLongerThan(limit)]
    first = [Filled(), *checks] if required else checks
    return (
        kind(label_zh, first, filters=[_stripped], render_kw={"lang": "zh-CN"}),
        kind(label_en, first, filters=[_stripped], render_kw={"lang": "en"}),
    )


def _stripped(text: str | None) -> str:
    return (text or "").strip()


CHOOSE = _l("请选择")
