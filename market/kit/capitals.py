"""Amounts in the capital numerals of Chinese bills and bank slips."""

from __future__ import annotations

_DIGITS = "零壹贰叁肆伍陆柒捌玖"
_PLACES = ("", "拾", "佰", "仟")
_TEN_THOUSAND, _HUNDRED_MILLION = 10**4, 10**8


def capital(amount_fen: int) -> str:
    """The amount in capital numerals as bills and bank slips want it: `21436` → 人民币贰佰壹拾肆元叁角陆分.

    整 follows an amount without 分. ValueError from 10^16 yuan on, past 万亿.
    """
    whole, cents = divmod(abs(amount_fen), 100)
    if whole >= _HUNDRED_MILLION**2:
        raise ValueError("capital numerals reach below 10^16 yuan")
    sign = "负" if amount_fen < 0 else ""
    return f"人民币{sign}{_capital_yuan(whole)}{_capital_cents(whole, cents)}" if amount_fen else "人民币零元整"


def _capital_yuan(whole: int) -> str:
    return f"{_eight_digits(whole)}元" if whole else ""


def _eight_digits(number: int) -> str:
    """Below 10^16: 亿 first, then 万, then the rest, with a 零 wherever a gap of zeros is crossed."""
    for unit, name in ((_HUNDRED_MILLION, "亿"), (_TEN_THOUSAND, "万")):
        if number >= unit:
            high, low = divmod(number, unit)
            gap = "零" if low and (low < unit // 10 or high % _TEN_THOUSAND == 0) else ""
            return f"{_eight_digits(high)}{name}{gap}{_eight_digits(low) if low else ''}"
    return _four_digits(number)


def _four_digits(number: int) -> str:
    words, gap = "", False
    for place in (3, 2, 1, 0):
        digit = number // 10**place % 10
        if digit:
            words += ("零" if gap and words else "") + _DIGITS[digit] + _PLACES[place]
        gap = digit == 0
    return words


def _capital_cents(whole: int, cents: int) -> str:
    jiao, rest = divmod(cents, 10)
    if not cents:
        return "整"
    gap = "零" if whole and (not jiao or whole % 10 == 0) else ""
    tail = f"{_DIGITS[rest]}分" if rest else "整"
    return f"{gap}{_DIGITS[jiao]}角{tail}" if jiao else f"{gap}{tail}"
