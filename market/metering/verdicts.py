"""What is said about each event that comes in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol, TypeVar

from market.kit.refusal import Refusal

T = TypeVar("T")


class Outcome(StrEnum):
    """What became of an event. Only an accepted one is counted; a duplicate was counted before."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"
    REFUSED = "refused"


#: Every reason an event is not counted: stable code → the Chinese sentence that explains it in general.
REASONS: dict[str, str] = {
    "not_json": "内容不是 UTF-8 编码的 JSON，读不出来。",
    "malformed": "事件的格式不对，请对照接口文档检查。",
    "missing_attribute": "缺少必填属性。",
    "too_long": "内容太长。",
    "too_deep": "内容嵌套太深，最多 8 层。",
    "wrong_source": "这个密钥不能用这个 source。",
    "unknown_type": "没有这种类型的计量项。先在服务商后台建好计量项，再用同一编号重发。",
    "unknown_subscription": "找不到这个订阅。",
    "subscription_not_live": "事件发生的时候，这个订阅没有在用。",
    "value_missing": "data 里没有计量项要的数值。",
    "not_a_number": "计量的数值不是数字。",
    "too_many_decimals": "计量的数值最多 6 位小数。",
    "label_invalid": "用来分组或去重的字段须是文字或数字，最多 100 个字符。",
    "operation_unknown": "operation_type 只能写 add 或 remove。",
    "too_many_slices": "这个计量项当天的分组太多：每个订阅每天最多 200 组。请检查分组用的字段。",
    "negative": "计量的数值不能小于 0。",
    "too_large": "计量的数值太大。",
    "future": "事件的时间比现在晚 5 分钟以上，请检查服务器的时钟。",
    "expired": "事件太旧：账单已经定稿，而且超过 35 天，不能再计入。",
    "conflict": "这个编号已经收过一条内容不同的事件，以先收到的为准。",
}


class EventRefused(Refusal):
    """An event that cannot be counted; `code` is a key of `REASONS`."""

    def __init__(self, code: str, message: str = "", **params: object) -> None:
        super().__init__(message or REASONS[code], **params)
        self.code = code


@dataclass(frozen=True, slots=True)
class BadEvent:
    """Something in a request or a file that is known to be no event; it is refused with `code`.

    `id` and `source` are told as far as they are known, `message` where more can be said than `REASONS` does.
    """

    code: str
    body: str
    id: str = ""
    source: str = ""
    message: str = ""
    params: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Receipt:
    """The event that first came in under an id; of an archived one only the times are left here."""

    stored_at: datetime
    at: datetime
    type: str = ""
    subject: str = ""
    data: dict[str, Any] | None = None


class Verdict(NamedTuple):
    """One event's outcome. `message` is a Chinese source text for gettext, `params` fills it.

    `first` is the earlier event of a duplicate or a conflict.
    """

    id: str
    source: str
    outcome: Outcome
    code: str = ""
    message: str = ""
    params: Mapping[str, object] = MappingProxyType({})
    first: Receipt | None = None

    @property
    def counted(self) -> bool:
        """Whether this event, now or earlier, is in the counters."""
        return self.outcome in (Outcome.ACCEPTED, Outcome.DUPLICATE)

    @property
    def reason(self) -> str:
        """The Chinese sentence, filled in."""
        return self.message % self.params if self.params else self.message


class Named(Protocol):
    """What a verdict says of the event it is on."""

    @property
    def id(self) -> str: ...
    @property
    def source(self) -> str: ...


class Verdicts(Sequence[Verdict]):
    """A verdict for each event of a request, in the order sent; those of accepted events are made when asked for."""

    def __init__(self, accepted: Sequence[Named | None], others: Mapping[int, Verdict]) -> None:
        #: By their places: the accepted events, and the verdicts on all others.
        self._accepted, self._others = accepted, others

    def __len__(self) -> int:
        return len(self._accepted)

    def __iter__(self) -> Iterator[Verdict]:
        return (self._at(place) for place in range(len(self)))

    def __getitem__(self, place: Any) -> Any:
        found = range(len(self))[place]
        return [*map(self._at, found)] if isinstance(found, range) else self._at(found)

    @property
    def all_new(self) -> bool:
        """Whether every event was accepted."""
        return not self._others

    @cached_property
    def lost(self) -> list[tuple[int, Verdict]]:
        """The places and verdicts of events that are not counted."""
        return [(place, verdict) for place, verdict in sorted(self._others.items()) if not verdict.counted]

    def each(self, accepted: Callable[[str, str], T], other: Callable[[Verdict], T]) -> list[T]:
        """What is made of each, in order: of an accepted event by its id and source, of any other by its verdict."""
        others = self._others
        return [accepted(event.id, event.source) if event else other(others[place]) for place, event in enumerate(self._accepted)]

    def counts(self) -> Counter[Outcome]:
        """How many had which outcome."""
        counted = Counter(verdict.outcome for verdict in self._others.values())
        counted[Outcome.ACCEPTED] += len(self) - len(self._others)
        return counted

    def parts(self, sizes: Sequence[int]) -> Iterator[Verdicts]:
        """The verdicts of the first so many events, then of the next."""
        start = 0
        for size in sizes:
            end = start + size
            others = {place - start: verdict for place, verdict in self._others.items() if start <= place < end}
            yield Verdicts(self._accepted[start:end], others)
            start = end

    def _at(self, place: int) -> Verdict:
        event = self._accepted[place]
        return Verdict(event.id, event.source, Outcome.ACCEPTED) if event else self._others[place]
