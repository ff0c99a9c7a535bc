"""Reading events: the quick way and the thorough one come to the same."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from market.catalog.models import Aggregation
from market.metering import envelope, values
from market.metering.envelope import Envelope, Plain
from market.metering.lanes import Scale
from market.metering.queries import Counting
from market.metering.verdicts import EventRefused

NOW = datetime(2026, 11, 20, 2, tzinfo=UTC)


def _object(members: dict[str, str]) -> str:
    return "{" + ",".join(f'"{name}":{value}' for name, value in members.items()) + "}"


words = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters='"\\'), max_size=12)
numbers = st.one_of(
    st.integers(-(10**25), 10**25).map(str),
    st.decimals(allow_nan=False, allow_infinity=False, places=7, min_value=-(10**9), max_value=10**13).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
)
leaves = st.one_of(numbers, words.map(lambda word: f'"{word}"'), st.sampled_from(["true", "false", "null"]))
#: JSON as somebody may write it, digit for digit.
anything = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda parts: f"[{','.join(parts)}]"),
        st.dictionaries(words, inner, max_size=3).map(_object),
    ),
    max_leaves=6,
)
times = st.sampled_from(["2026-11-20T09:00:00+08:00", "2026-11-20t01:00:00.123456z", "2026-02-30T00:00:00Z", "now", ""])


def _read(raw: Any) -> Envelope | str:
    try:
        return envelope.read(raw, now=NOW)
    except EventRefused as refusal:
        return refusal.code


@given(id=words, time=st.none() | times, data=st.none() | st.dictionaries(words, anything, max_size=4).map(_object) | anything)
@example(id="a", time=None, data='{"value":0.00000001,"more":1E+5,"zero":-0.0}')
@example(id="a" * 256, time=None, data="{}")
def test_an_event_means_the_same_whichever_way_it_is_read(id: str, time: str | None, data: str | None) -> None:
    members = {"id": f'"{id}"', "source": '"/s"', "specversion": '"1.0"', "type": '"t"', "subject": '"sub"'}
    members |= {"time": f'"{time}"'} if time is not None else {}
    members |= {"data": data} if data is not None else {}
    body = _object(members).encode()
    [quick], [thorough] = envelope.split(body), envelope.split(body.replace(b'"source"', b'"\\u0073ource"'))
    assert not isinstance(thorough, Plain)
    assert _read(quick) == _read(thorough) == _read(envelope.load(body))


def test_an_event_with_nothing_wrong_is_read_the_quick_way_and_told_as_it_was_written() -> None:
    event = b'{"specversion":"1.0","id":"1","source":"/s","type":"t","subject":"sub","data":{"value":1.50}}'
    found = envelope.split(b"[" + event + b" , " + event + b"]")
    assert [type(each) for each in found] == [Plain, Plain]
    assert bytes(found.written(1)) == event and len(found) == 2
    assert envelope.read(found[0], now=NOW).data == {"value": "1.50"}


def test_one_event_that_is_not_plain_leaves_the_others_as_they_are() -> None:
    event = {"specversion": "1.0", "id": "1", "source": "/s", "type": "t", "subject": "sub"}
    found = envelope.split(json.dumps([event, 7, event | {"id": ""}]).encode())
    assert [read if isinstance(read := _read(each), str) else read.id for each in found] == ["1", "malformed", "missing_attribute"]
    assert bytes(found.written(1)) == b"7"


@given(aggregation=st.sampled_from([Aggregation.SUM, Aggregation.MAX]), value=st.one_of(numbers, words, st.integers(), st.booleans(), st.none()))
@example(Aggregation.SUM, "100000000.000001")
@example(Aggregation.SUM, "01.5")
@example(Aggregation.SUM, "1.")
@example(Aggregation.SUM, "１２")
def test_a_value_weighs_what_it_is_in_millionths(aggregation: Aggregation, value: Any) -> None:
    meter, data = Counting(1, aggregation, "value", True), {"value": value}
    try:
        expected: Any = values.value_of(meter, data) * Decimal(10**6)
    except EventRefused as refusal:
        expected = refusal.code
    try:
        weighed: Any = Scale(meter).weigh(data)
    except EventRefused as refusal:
        weighed = refusal.code
    assert weighed == expected
