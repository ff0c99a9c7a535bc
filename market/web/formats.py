"""How numbers and times are written, in both languages; the template filters.

Every function takes a plain value and answers text in the language of the
request. `None` is written as 暂无数据 / No data yet, never as a bare dash.
Times are aware and shown in Asia/Shanghai.
"""

import json
from collections.abc import Mapping
from datetime import date as Date
from datetime import datetime as DateTime
from datetime import timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime, format_time, format_timedelta
from babel.numbers import format_decimal, format_percent
from flask import Flask
from flask_babel import get_locale, gettext
from jinja2.filters import do_filesizeformat

from market import resources
from market.kit.quantity import measure, plural
from market.web import translation

SHANGHAI = ZoneInfo("Asia/Shanghai")
MINUS = "\u2212"
CHINESE = Locale("zh", script="Hans", territory="CN")

DATE = {"zh": "y年M月d日", "en": "d MMM y"}
SHORT_DATE = {"zh": "M月d日", "en": "d MMM"}
MONTH = {"zh": "y年M月", "en": "MMM y"}
MOMENT = {"zh": "y年M月d日 HH:mm", "en": "d MMM y, HH:mm"}


def language() -> str:
    """`zh` or `en`: the language of this request."""
    return translation.language() or "zh"


def sentences(*said: str) -> str:
    """One after the other, as the language has it: English puts a space between them."""
    return (" " if language() == "en" else "").join(filter(None, said))


def money(fen: int | None, *, cents: bool = True) -> str:
    """Fen as ¥1,234.56; `cents=False` drops .00 of whole yuan, for cards only."""
    if fen is None:
        return gettext("暂无数据")
    text = money_plain(fen)
    if not cents and text.endswith(".00"):
        text = text[:-3]
    return MINUS + "¥" + text[1:] if text.startswith(MINUS) else "¥" + text


def money_plain(fen: int | None) -> str:
    """Fen as 1,234.56, for columns whose header says （¥）."""
    if fen is None:
        return gettext("暂无数据")
    yuan = f"{abs(fen) // 100:,}.{abs(fen) % 100:02d}"  # both our languages write it like this; Babel takes ten times as long
    return MINUS + yuan if fen < 0 else yuan


def money_large(fen: int | None) -> str:
    """Fen in 万元 or millions, for the administrators' overview; give the exact value in `title`."""
    if fen is None:
        return gettext("暂无数据")
    yuan = Decimal(fen) / 100
    if language() == "zh":
        return format_decimal(yuan / 10_000, "#,##0.0", locale=_locale()) + " 万元"
    return "¥" + format_decimal(yuan / 1_000_000, "#,##0.00", locale=_locale()) + " M"


def unit_price(price: str | Decimal | None) -> str:
    """A unit price in yuan with all its decimals: ¥0.0125."""
    if price is None:
        return gettext("暂无数据")
    amount = Decimal(price)
    text = "¥" + _exact(abs(amount), 2)
    return MINUS + text if amount < 0 else text


def quantity(value: Decimal | int | str | None, unit: str = "") -> str:
    """A quantity with its thousands separated and no idle zeros: `1,234.5 GB`."""
    if value is None:
        return gettext("暂无数据")
    amount = Decimal(value)
    text = _exact(abs(amount), 0)
    text = MINUS + text if amount < 0 else text
    return measure(text, unit)


def about(value: Decimal) -> Decimal:
    """A quantity for reading: at most two decimals, more only where nothing would be left of it."""
    rounded = round(value, 2)
    return rounded if rounded or not value else value


def percent(ratio: Decimal | float | None) -> str:
    """A ratio of one as a percentage with at most one decimal: 12.3%."""
    if ratio is None:
        return gettext("暂无数据")
    return _percent(ratio, str(_locale()))


@lru_cache(1_000)
def _percent(ratio: Decimal | float, locale: str) -> str:
    return str(format_percent(ratio, "#,##0.#%", locale=locale))


def filesize(count: int) -> str:
    """How large a file is: 129 字节, 1.3 kB."""
    if count < 1000:
        return gettext("%(count)d 字节", count=count)
    return str(do_filesizeformat(count))


def date(value: Date | DateTime | None, *, short: bool = False) -> str:
    """2026年11月22日; `short` leaves the year out when it is this one."""
    if value is None:
        return gettext("暂无数据")
    day = _day(value)
    this_year = short and day.year == _now().astimezone(SHANGHAI).year
    return format_date(day, (SHORT_DATE if this_year else DATE)[language()], locale=_locale())


def datetime(value: DateTime | None) -> str:
    """2026年11月22日 14:00 in Asia/Shanghai."""
    if value is None:
        return gettext("暂无数据")
    return format_datetime(value, MOMENT[language()], tzinfo=SHANGHAI, locale=_locale())


def clock(value: DateTime | None) -> str:
    """The time of day, 14:00, in Asia/Shanghai."""
    if value is None:
        return gettext("暂无数据")
    return format_time(value.astimezone(SHANGHAI), "HH:mm", tzinfo=SHANGHAI, locale=_locale())


def stamp(value: DateTime | None) -> str:
    """2026-11-22 14:00:05 +08:00: for audit lists and machines, the same in both languages."""
    if value is None:
        return gettext("暂无数据")
    return value.astimezone(SHANGHAI).isoformat(sep=" ", timespec="seconds").replace("+08:00", " +08:00")


def iso(value: Date | DateTime) -> str:
    """The `datetime` attribute of `<time>`, to the minute, in Asia/Shanghai."""
    if isinstance(value, DateTime):
        return value.astimezone(SHANGHAI).isoformat(timespec="minutes")
    return value.isoformat()


def month(value: Date | DateTime | str | Any | None) -> str:
    """2026年10月, from a date, a moment, the text `2026-10` or a period (its start)."""
    if value is None:
        return gettext("暂无数据")
    if isinstance(value, str):
        year, number = value.split("-")[:2]
        value = Date(int(year), int(number), 1)
    day = _day(getattr(value, "start", value))
    return format_date(day, MONTH[language()], locale=_locale())


def relative(value: DateTime | None) -> str:
    """`5分钟前` within a day of now, the date and time otherwise."""
    if value is None:
        return gettext("暂无数据")
    delta = value - _now()
    if abs(delta) >= timedelta(days=1):
        return datetime(value)
    return format_timedelta(delta, add_direction=True, locale=_locale())


def local(thing: Any, key: str) -> str:
    """The `key_zh` or `key_en` of a row or a mapping, by language; the other one if it is empty."""
    first, second = ("en", "zh") if language() == "en" else ("zh", "en")
    return _get(thing, f"{key}_{first}") or _get(thing, f"{key}_{second}") or ""


def written(value: Any) -> str:
    """JSON for reading, in one line: with its Chinese as it is, unlike what scripts are given."""
    return json.dumps(value, ensure_ascii=False)


FILTERS = (
    money, money_plain, money_large, unit_price, quantity, about, percent, filesize,
    date, datetime, clock, stamp, iso, month, relative, local, plural, written,
)  # fmt: skip


def init_app(app: Flask) -> None:
    """Make the filters known to every template, under their own names."""
    app.jinja_env.filters.update({function.__name__: function for function in FILTERS})


def _locale() -> Locale:
    return get_locale() or CHINESE


def _exact(amount: Decimal, places: int) -> str:
    """All its decimals and at least so many; both our languages write numbers like this, and Babel takes ten times as long."""
    whole, _, rest = f"{amount:,f}".partition(".")
    rest = rest.rstrip("0").ljust(places, "0")
    return f"{whole}.{rest}" if rest else whole


def _day(value: Date | DateTime) -> Date:
    return value.astimezone(SHANGHAI).date() if isinstance(value, DateTime) else value


def _now() -> DateTime:
    return resources.clock.now()


def _get(thing: Any, name: str) -> str | None:
    return thing.get(name) if isinstance(thing, Mapping) else getattr(thing, name, None)
