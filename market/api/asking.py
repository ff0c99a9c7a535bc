"""The arguments of an address, read strictly: whatever cannot be read is told together, each under its own name."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime
from enum import Enum
from functools import cache
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from flask import request
from pydantic import BaseModel

from market import metering
from market.catalog import Filter
from market.errors import Invalid
from market.kit.period import SHANGHAI
from market.kit.refusal import Refusal

E = TypeVar("E", bound=Enum)

#: Whoever writes the `+` of a time zone into an address as it is sends a blank.
_BLANK = re.compile(r" (?=\d\d:\d\d$)")
_FILTER = re.compile(r"filterGroupBy\[([^\[\]]+)\]")
#: What the marketplace has or will ever be asked about; beyond it nothing can be reckoned with.
EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
MOST_VALUES = 100
LONGEST = 255


class Query(BaseModel):
    """The arguments of an address as flask-openapi3 reads them, which asks for their schema with every request."""

    @classmethod
    @cache
    def model_json_schema(cls, *args: Any, **more: Any) -> dict[str, Any]:  # type: ignore[override]  # the same, remembered
        """The schema, worked out once."""
        return super().model_json_schema(*args, **more)


class Arguments:
    """Reads one argument after the other; `finish` raises Invalid with everything that was wrong."""

    def __init__(self) -> None:
        self._wrong: dict[str, str | Refusal] = {}
        self._known: set[str] = set()

    def text(self, name: str) -> str:
        """What it says, or nothing."""
        found = self.texts(name, most=1)
        return found[0] if found else ""

    def texts(self, name: str, *, most: int = MOST_VALUES) -> Sequence[str]:
        """Everything that is said under this name."""
        self._known.add(name)
        found = [each for each in request.args.getlist(name) if each]
        if any(len(each) > LONGEST for each in found):
            self.wrong(name, Refusal("每个值最多 %(most)s 个字符。", most=LONGEST))
            return []
        if len(found) > most:
            self.wrong(name, "只能写一次。" if most == 1 else Refusal("最多写 %(most)s 个。", most=most))
            return []
        return found

    def one_of(self, name: str, choices: type[E]) -> E | None:
        """One of the words that an enumeration has."""
        found = self.text(name)
        words = [str(choice.value) for choice in choices]
        if found and found not in words:
            self.wrong(name, Refusal("只能是 %(words)s。", words=", ".join(words)))
            return None
        return choices(found) if found else None

    def number(self, name: str) -> int | None:
        """A whole number from 1."""
        found = self.text(name)
        if not found:
            return None
        if not (found.isascii() and found.isdecimal() and 0 < int(found[:20]) < 2**53):
            self.wrong(name, "须是正整数。")
            return None
        return int(found)

    def zone(self, name: str) -> ZoneInfo:
        """A time zone by its IANA name; that of Guangdong when nothing is said."""
        found = self.text(name)
        zone = metering.windows.zone(found) if found else SHANGHAI
        if zone is None:
            self.wrong(name, "没有这个时区。请写 IANA 时区名，例如 Asia/Shanghai、Europe/Berlin。")
        return zone or SHANGHAI

    def instant(self, name: str, zone: ZoneInfo) -> datetime | None:
        """A time with its zone, or a day, which stands for its beginning."""
        found = _BLANK.sub("+", self.text(name))
        if not found:
            return None
        try:
            read = datetime.fromisoformat(found)
        except ValueError:
            read = None
        if read is not None and re.fullmatch(r"\d{4}-\d\d-\d\d", found):
            read = datetime.combine(date.fromisoformat(found), datetime.min.time(), tzinfo=zone)
        if read is None or read.tzinfo is None or not _within(read):
            self.wrong(name, "请写带时区的时间，例如 2026-11-01T00:00:00+08:00；或一天，例如 2026-11-01。")
            return None
        return read.astimezone(UTC)

    def filters(self, dimensions: Collection[str]) -> list[Filter]:
        """`filterGroupBy[dimension]=value`; several values of one dimension are alternatives."""
        found = []
        for name in list(request.args):
            if (named := _FILTER.fullmatch(name)) and (said := self.texts(name)):
                self.dimension(name, named[1], dimensions)
                found.append(Filter(named[1], tuple(said)))
        return found

    def dimension(self, name: str, dimension: str, dimensions: Collection[str]) -> None:
        """Complain under `name` when the meter does not have this dimension."""
        if dimension in dimensions:
            return
        if dimensions:
            self.wrong(name, Refusal("这个计量项只按 %(names)s 分组。", names=", ".join(dimensions)))
        else:
            self.wrong(name, "这个计量项没有分组字段。")

    def wrong(self, name: str, message: str | Refusal) -> None:
        """Something is wrong with this argument; the first thing said about it stays."""
        self._wrong.setdefault(name, message)

    def finish(self) -> None:
        """Raises Invalid for all that was wrong, also for names that nobody has asked for."""
        for name in request.args:
            if name not in self._known:
                self.wrong(name[:LONGEST], "没有这个参数，请看接口文档。")
        if self._wrong:
            raise Invalid(fields=self._wrong)


def _within(at: datetime) -> bool:
    try:
        return EARLIEST <= at < LATEST
    except OverflowError:  # at the edges of what a date can say, in a zone beyond them
        return False
