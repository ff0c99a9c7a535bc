"""Anything at all sent to the interface for usage: no fault of ours, no answer beyond the document, nothing invalid counted."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from market import metering
from market.metering import REASONS, Looked
from tests.api.conftest import Caller
from tests.builders.metering import SOURCE
from tests.conftest import PRESENT

if TYPE_CHECKING:
    from schemathesis.schemas import APIOperation

BATCH = "application/cloudevents-batch+json"
OPERATIONS = [
    ("POST", "/api/v1/events"), ("GET", "/api/v1/events"), ("GET", "/api/v1/meters"), ("GET", "/api/v1/meters/{slug}/query"),
]  # fmt: skip
#: What a door answers whatever is behind it.
AT_THE_DOOR = {400, 404, 405, 413, 415, 422}
one_database = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def thorough(examples: int) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """So many examples, the same ones each time."""
    def decorate(test: Callable[..., None]) -> Callable[..., None]:
        checks = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture]
        kept = settings(
            max_examples=examples, deadline=None, suppress_health_check=checks, database=None,
            phases=[Phase.explicit, Phase.generate, Phase.shrink],
        )  # fmt: skip
        return seed(20261122)(kept(test))
    return decorate


# --- from our own document ---------------------------------------------------------------


def operation(app: Flask, method: str, path: str) -> APIOperation[Any, Any, Any, Any]:
    import schemathesis  # noqa: PLC0415  # takes a second, and one worker of all needs it

    document = schemathesis.openapi.from_wsgi("/api/openapi.json", app)
    return document[path][method]


def sends_anything(app: Flask, caller: Caller, method: str, path: str, examples: int) -> None:
    from schemathesis import GenerationMode  # noqa: PLC0415
    from schemathesis.checks import not_a_server_error  # noqa: PLC0415
    from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance  # noqa: PLC0415

    asked = operation(app, method, path)
    cases = st.one_of(*(asked.as_strategy(generation_mode=mode) for mode in GenerationMode))
    real = st.sampled_from([caller.meter.slug, str(caller.meter.id), "none"])

    @thorough(examples)
    @given(case=cases, slug=real)
    def run(case: Any, slug: str) -> None:
        if "slug" in (case.path_parameters or {}) and slug != "none":
            case.path_parameters["slug"] = slug
        response = case.call(headers={"Authorization": f"Bearer {caller.secret}"})
        case.validate_response(response, checks=[not_a_server_error])
        if response.status_code not in AT_THE_DOOR:
            case.validate_response(response, checks=[status_code_conformance, response_schema_conformance])
        if response.status_code >= 400:
            assert response.headers["content-type"] == ["application/problem+json"], response.text
            assert json.loads(response.content)["code"]

    run()
    assert not list(metering.inspect(Looked(), lambda *_: None))


@one_database
@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_what_the_document_allows_and_what_it_does_not(app: Flask, caller: Caller, method: str, path: str) -> None:
    sends_anything(app, caller, method, path, 40)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_the_same_for_long(app: Flask, caller: Caller, method: str, path: str) -> None:
    sends_anything(app, caller, method, path, 5000)


# --- events that are nearly right ---------------------------------------------------------

NASTY_TEXTS = ["", " ", "\0", "\ud800", "a" * 255, "a" * 256, "编号", "😀", "‮", "%00", "'; --", "\\", "\n", "NaN", "1e400"]
#: Values and what is said of them; None is accepted.
NUMBERS: list[tuple[Any, str | None]] = [
    *((good, None) for good in (0, -0.0, 1, 10**9, 0.1, 1e-6, "0", "-0", "1.000000", "1.0000000", "1e3", " 1", "1 ", "+1")),
    *((bad, "negative") for bad in (-1, "-0.000001")),
    *((bad, "too_large") for bad in (10**9 + 1, 10**30, 10**400, -(10**30), 1e300, "1" * 400, "1e400")),
    *((bad, "too_many_decimals") for bad in (1e-7, "0.0000001", "1e-400")),
    *((bad, "not_a_number") for bad in (float("nan"), float("inf"), -float("inf"), "NaN", "-Infinity", True, False)),
    *((bad, "not_a_number") for bad in ("", "١", "0x10", "1_000", "1,5", [], {}, [1])),
    (None, "value_missing"),
]
#: Times: without a zone, of a second or a day that the calendar or the clock does not have, at the ends of reckoning.
TIMES: list[tuple[Any, str | None]] = [
    *((good, None) for good in (None, "2026-11-20t01:00:00z", "2026-11-20T01:00:00.123456789Z", "2026-11-20T10:00:00.5+08:00")),
    *((bad, "malformed") for bad in ("2026-11-20T10:00:00", "2026-11-20 09:00:00+08:00", "2026-11-20T09:00:00+0800", "20261120T090000Z")),
    *((bad, "malformed") for bad in ("2026-11-20T10:00:60Z", "2016-12-31T23:59:60Z", "2026-11-20T24:00:00Z", "2026-11-20T09:00:00+24:00")),
    *((bad, "malformed") for bad in ("2026-02-29T10:00:00+08:00", "2100-02-29T00:00:00Z", "2026-11-31T00:00:00Z", "0000-01-01T00:00:00Z")),
    *((bad, "malformed") for bad in ("0001-01-01T00:00:00+08:00", "9999-12-31T23:59:59.999999999-23:59", "10000-01-01T00:00:00Z")),
    *((bad, "malformed") for bad in ("２０２６-11-20T01:00:00Z", "2026-11-20T09:00:00,5Z", "1790000000", "", "now", 1790000000, [], True)),
    *((bad, "expired") for bad in ("0001-01-01T00:00:00Z", "2024-02-29T10:00:00+08:00")),
    *((bad, "future") for bad in ("9999-12-31T23:59:59Z", "2028-02-29T00:00:00Z")),
]
NASTY_NUMBERS, NASTY_TIMES = [value for value, _code in NUMBERS], [time for time, _code in TIMES]
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.sampled_from(NASTY_TEXTS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3), max_leaves=8,
)  # fmt: skip
moments = st.datetimes(datetime(2026, 9, 1), datetime(2026, 12, 31)).map(lambda at: at.replace(tzinfo=UTC).isoformat())
values = st.sampled_from(NASTY_NUMBERS) | st.decimals(allow_nan=False, places=6, min_value=0, max_value=10**9).map(str) | anything
attributes: dict[str, st.SearchStrategy[Any]] = {
    "id": st.sampled_from(["a", "b", *NASTY_TEXTS]) | anything,
    "source": st.sampled_from([SOURCE, "other"]) | anything,
    "specversion": st.sampled_from(["1.0", "1.1", "0.3", 1.0]) | anything,
    "type": st.sampled_from(["none", *NASTY_TEXTS]) | anything,
    "subject": st.sampled_from(["sub_none", *NASTY_TEXTS]) | anything,
    "time": st.sampled_from(NASTY_TIMES) | moments | anything,
    "data": anything,
    "data_base64": anything,
    "more": anything,
}
#: Any of them may be wrong; or one alone, without which nearly nothing would be wrong for one reason only.
changes = st.fixed_dictionaries({}, optional=attributes) | st.sampled_from(sorted(attributes)).flatmap(
    lambda name: attributes[name].map(lambda value: {name: value})
)
FORM = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def invalid(caller: Caller, event: Any) -> str:
    """What is wrong with an event as it stands in a body, by the rules of the document; empty for a valid one."""
    if not isinstance(event, dict):
        return "no object"
    for name in ("id", "source", "specversion", "type", "subject"):
        text = event.get(name)
        if not isinstance(text, str) or not 0 < len(text) <= 255 or "\0" in text or re.search("[\ud800-\udfff]", text):
            return name
    right = {"specversion": "1.0", "source": SOURCE, "type": caller.meter.event_type, "subject": caller.subscription.public_id}
    wrong = [name for name, text in right.items() if event[name] != text]
    if wrong or "data_base64" in event:
        return f"{wrong}"
    return _wrong_time(event.get("time")) or _wrong_value((event.get("data") or {}).get(caller.meter.value_property))


def _wrong_time(time: Any) -> str:
    if time is None:
        return ""
    if not isinstance(time, str) or not FORM.fullmatch(time):
        return "time"
    try:
        at = datetime.fromisoformat(time.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        return "no such time"
    return "" if datetime(2026, 9, 30, 16, tzinfo=UTC) <= at <= PRESENT + timedelta(minutes=5) else "time out of reach"


def _wrong_value(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return "value"
    try:
        number = Decimal(str(value))
        return "" if 0 <= number <= 10**9 and number == round(number, 6) else "value out of bounds"
    except InvalidOperation:
        return "no number"


def sends_the_nearly_right(caller: Caller, examples: int) -> set[str]:
    """Every verdict is checked against rules written down a second time; returns the codes that were seen."""
    seen: set[str] = set()
    fresh = count()

    @thorough(examples)
    @given(st.lists(st.tuples(changes, values | st.just(1), st.booleans()), min_size=1, max_size=6))
    def run(drawn: list[tuple[dict[str, Any], Any, bool]]) -> None:
        events = []
        for number, (changed, value, plain) in enumerate(drawn):
            # Half of the ids are soon taken, after which nothing else about their events is said any more.
            id = f"{len(seen)}-{number}" if number % 2 else f"new-{next(fresh)}"
            event = caller.event(id=id) | {"data": {caller.meter.value_property: value}}
            events.append(event if plain else event | changed)
        answer = caller.post(json.dumps(events).encode(), type=BATCH, Accept="application/json")
        assert answer.status_code == 200, answer.get_data(as_text=True)
        told = json.loads(answer.get_data())["events"]
        assert len(told) == len(events)
        for verdict, event in zip(told, json.loads(json.dumps(events)), strict=True):
            seen.add(verdict.get("code") or verdict["status"])
            if verdict["status"] == "accepted":
                assert not invalid(caller, event), (invalid(caller, event), event)
            else:
                assert verdict.get("code", "duplicate") in {"duplicate", *REASONS}

    run()
    assert not list(metering.inspect(Looked(), lambda *_: None))
    return seen


def judged(caller: Caller, events: list[dict[str, Any]]) -> list[str | None]:
    return [code for _status, code in caller.verdicts(json.dumps(events).encode(), type=BATCH)]


def test_each_number_and_each_time_has_its_answer(caller: Caller) -> None:
    numbers = [caller.event() | {"data": {caller.meter.value_property: value}} for value, _code in NUMBERS]
    assert [(repr(value), code) for value, code in zip(NASTY_NUMBERS, judged(caller, numbers), strict=True)] == [(repr(v), c) for v, c in NUMBERS]
    times = [caller.event() | {"time": time} for time, _code in TIMES]
    assert list(zip(NASTY_TIMES, judged(caller, times), strict=True)) == TIMES


@one_database
@pytest.mark.parametrize("escaped", [False, True])
def test_of_a_key_that_stands_twice_the_last_one_holds(caller: Caller, escaped: bool) -> None:
    name = caller.meter.value_property
    more = f', "data": {{"{name}": 1, "{name}": 7}}, "id": "a{chr(92) + "u0062" if escaped else "b"}"}}'
    assert caller.verdicts((json.dumps(caller.event(2, id="x"))[:-1] + more).encode()) == [("accepted", None)]
    assert caller.verdicts(caller.event(7, id="ab")) == [("duplicate", None)]


@one_database
def test_a_small_body_that_unpacks_to_much_is_not_unpacked(caller: Caller) -> None:
    bomb = gzip.compress(b" " * 20_000_000, 1)
    for encoding in ("gzip", "deflate", "br", "gzip, gzip"):
        assert caller.post(bomb, Content_Encoding=encoding).status_code == 415


@one_database
def test_no_invalid_event_is_counted(caller: Caller) -> None:
    assert {"accepted", "malformed"} <= sends_the_nearly_right(caller, 60)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_no_invalid_event_is_counted_for_long(caller: Caller) -> None:
    assert {"accepted", "duplicate", "conflict", "future", "too_large"} <= sends_the_nearly_right(caller, 5000)
