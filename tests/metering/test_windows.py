"""Windows in any time zone: without gaps, half-open, right when clocks are changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.metering import windows
from market.metering.windows import Size

HOURS = timedelta(hours=1)


def cut(start: str, end: str, size: Size, name: str) -> list[tuple[str, float]]:
    """Where each window begins on a clock there, and how many hours it has."""
    zone = windows.zone(name)
    assert zone is not None
    found = windows.cut(datetime.fromisoformat(start), datetime.fromisoformat(end), size, zone)
    return [(window.start.astimezone(zone).isoformat()[:16], window.length / HOURS) for window in found]


@pytest.mark.parametrize(
    ("start", "end", "size", "name", "found"),
    [
        (
            "2026-10-24T10:00:00Z", "2026-10-26T10:00:00Z", Size.DAY, "Europe/Berlin",
            [("2026-10-24T00:00", 24), ("2026-10-25T00:00", 25), ("2026-10-26T00:00", 24)],
        ),
        (  # the hour that a clock shows twice
            "2026-10-24T23:59:59Z", "2026-10-25T02:00:00Z", Size.HOUR, "Europe/Berlin",
            [("2026-10-25T01:00", 1), ("2026-10-25T02:00", 1), ("2026-10-25T02:00", 1)],
        ),
        (
            "2026-03-08T03:30:00Z", "2026-03-09T02:30:00Z", Size.DAY, "America/St_Johns", [("2026-03-08T00:00", 23)],
        ),
        (  # clocks there once changed at a minute past midnight
            "2010-11-07T12:00:00Z", "2010-11-08T12:00:00Z", Size.DAY, "America/St_Johns",
            [("2010-11-07T00:00", 25), ("2010-11-08T00:00", 24)],
        ),
        (
            "2026-01-31T18:30:00Z", "2026-02-28T18:30:00Z", Size.MONTH, "Asia/Kolkata", [("2026-02-01T00:00", 28 * 24)],
        ),
        (  # half an hour of daylight saving
            "2026-04-04T14:00:00Z", "2026-04-04T16:00:00Z", Size.HOUR, "Australia/Lord_Howe",
            [("2026-04-05T01:00", 1.5), ("2026-04-05T02:00", 1)],
        ),
        (  # a day that was left out
            "2011-12-29T12:00:00Z", "2011-12-31T12:00:00Z", Size.DAY, "Pacific/Apia",
            [("2011-12-29T00:00", 24), ("2011-12-31T00:00", 24), ("2012-01-01T00:00", 24)],
        ),
        (
            "2026-11-20T10:00:30+08:00", "2026-11-20T10:02:00+08:00", Size.MINUTE, "Asia/Shanghai",
            [("2026-11-20T10:00", 1 / 60), ("2026-11-20T10:01", 1 / 60)],
        ),
    ],
)  # fmt: skip
def test_windows_begin_where_a_clock_there_does(
    start: str, end: str, size: Size, name: str, found: list[tuple[str, float]]
) -> None:
    assert cut(start, end, size, name) == found


@given(
    st.datetimes(min_value=datetime(2000, 1, 2), max_value=datetime(2060, 1, 1), timezones=st.just(UTC)),
    st.sampled_from([Size.HOUR, Size.DAY, Size.MONTH]),
    st.sampled_from(["Europe/Berlin", "America/St_Johns", "Asia/Kolkata", "Australia/Lord_Howe", "America/Sao_Paulo", "Asia/Beirut"]),
)
def test_windows_follow_each_other_and_cover_the_span(start: datetime, size: Size, name: str) -> None:
    zone = windows.zone(name)
    assert zone is not None
    end = start + {Size.HOUR: timedelta(days=3), Size.DAY: timedelta(days=40), Size.MONTH: timedelta(days=400)}[size]
    found = list(windows.cut(start, end, size, zone))
    assert all(one.end == other.start for one, other in pairwise(found))
    assert found[0].start <= start < end <= found[-1].end
    assert all(window.start < window.end for window in found)


@pytest.mark.parametrize("name", ["", "Berlin", "asia/shanghai", "../../etc/passwd", "/etc/localtime", "localtime", "Asia", "Asia/Shanghai\0", "时区"])
def test_what_is_no_time_zone_is_none(name: str) -> None:
    assert windows.zone(name) is None
