"""Quantities: exact decimals with at most six places."""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction

from market.kit.refusal import Refusal
from market.kit.rounding import half_up, scaled

PLACES = 6
LIMIT = Decimal(10) ** 12

_ENGLISH_UNIT = re.compile(r"(?:.*[ ·-])?(?P<noun>[a-z]{3,})")
_IRREGULAR = {"person": "people", "fapiao": "fapiao"}
#: What programs mostly send, and what needs no further look: plain digits, no trailing zeros.
_PLAIN = re.compile(r"(?:0|[1-9][0-9]{0,11})(?:\.[0-9]{0,5}[1-9])?", re.ASCII)
_NUMBER = re.compile(r"[-+]?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]{1,9})?")


class InvalidQuantity(Refusal):
    """The value is no quantity; the subclass says why."""

    code = "invalid_quantity"


class NotANumber(InvalidQuantity):
    """Neither an integer nor a decimal; floats are refused because they are not what the sender wrote."""

    code = "not_a_number"


class TooManyDecimals(InvalidQuantity):
    """More than six decimal places."""

    code = "too_many_decimals"


class TooLarge(InvalidQuantity):
    """10^12 or beyond, either side of zero."""

    code = "too_large"


def parse(value: object) -> Decimal:
    """A JSON value as a quantity: text, int or Decimal (read JSON with `parse_float=Decimal`).

    Errors: NotANumber (also NaN, infinities, booleans and floats), TooLarge, TooManyDecimals.
    """
    if type(value) is str and _PLAIN.fullmatch(value):
        return Decimal(value)
    number = _number(value)
    if not number:
        return Decimal(0)
    if number.adjusted() >= LIMIT.adjusted():
        raise TooLarge("数量太大：绝对值须小于 1,000,000,000,000")
    if places(number) > PLACES:
        raise TooManyDecimals("数量最多 %(places)s 位小数", places=PLACES)
    return Decimal(text(number))


def places(number: Decimal) -> int:
    """How many decimal places a finite number needs; trailing zeros do not count."""
    _, digits, exponent = number.as_tuple()
    if not isinstance(exponent, int):
        raise ValueError("only finite numbers have decimal places")
    significant = "".join(map(str, digits)).rstrip("0")
    return max(0, -exponent - (len(digits) - len(significant))) if significant else 0


def round6(exact: Fraction) -> Decimal:
    """Six places, half up, away from zero: how a period's quantity becomes the one that is shown and rated."""
    return Decimal(text(scaled(half_up(exact * 10**PLACES), PLACES)))


def text(number: Decimal) -> str:
    """Plain digits: no exponent, no trailing zeros, no minus zero."""
    written = f"{number:f}"
    if "." in written:
        written = written.rstrip("0").rstrip(".")
    return "0" if written in {"-0", ""} else written


def measure(written: str, unit: str) -> str:
    """A written number with its unit: `1 order`, `20 orders`, `20 GB`, `20 次`; a unit that is a number is multiplied."""
    if unit[:1].isdigit():
        return f"{written} × {unit}"
    return f"{written} {singular(unit) if written == '1' else plural(unit)}".rstrip()


def singular(unit: str) -> str:
    """What providers have written in the plural (`seats`, `GB·hours`) in the singular; everything else as it is."""
    found = _ENGLISH_UNIT.fullmatch(unit)
    noun = found["noun"] if found else ""
    if len(noun) < 4 or not noun.endswith("s") or noun.endswith(("ss", "us", "is")):
        return unit
    if noun.endswith("ies"):
        return unit[:-3] + "y"
    return unit[:-2] if noun.endswith(("ches", "shes", "xes")) else unit[:-1]


def plural(unit: str) -> str:
    """English nouns in the plural; symbols and Chinese measure words as they are."""
    found = _ENGLISH_UNIT.fullmatch(unit)
    noun = found["noun"] if found else ""
    if not noun or noun.endswith("s"):
        return unit
    if noun in _IRREGULAR:
        return unit.removesuffix(noun) + _IRREGULAR[noun]
    if noun.endswith("y") and noun[-2] not in "aeiou":
        return unit[:-1] + "ies"
    return unit + ("es" if noun.endswith(("ch", "sh", "x", "z")) else "s")


def _number(value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise NotANumber("数量须是整数或十进制小数，例如 12 或 \"0.5\"")
    if isinstance(value, str) and not _NUMBER.fullmatch(value.strip()):
        raise NotANumber("“%(value)s”不是数字", value=value[:40])
    number = Decimal(value.strip()) if isinstance(value, str) else Decimal(value)
    if not number.is_finite():
        raise NotANumber("数量须是有限的数字")
    return number
