"""What is due about a bill follows from its dates and from what was done, whenever somebody looks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.dunning import course
from market.dunning.course import Case, Done, Wait
from market.dunning.sequences import DEFAULT, Kind, Planned, Sequence
from market.kit import working_days
from market.kit.period import local_day, local_midnight

DUE = date(2026, 11, 19)
CASE = Case(DEFAULT, date(2026, 11, 4), DUE, 15000)


def noon(day: date) -> datetime:
    return local_midnight(day) + timedelta(hours=12)


def after(days: int) -> datetime:
    return noon(DUE + timedelta(days=days))


def taken(case: Case, now: datetime) -> tuple[Case, list[str]]:
    """What a look at this time does to the case, as `actions` writes it."""
    turn = course.turn(case, now)
    steps = (*turn.overtaken, *turn.take)
    done = {each.key: Done(each.kind, local_day(now), course.named_by(each, case, now) if each in turn.take else None) for each in steps}
    assert not done.keys() & case.done.keys(), "a step is taken twice"
    return replace(case, done={**case.done, **done}), [each.key for each in turn.take]


def walk(case: Case, times: list[datetime]) -> Iterator[tuple[datetime, str, Case]]:
    for now in times:
        case, keys = taken(case, now)
        yield from ((now, key, case) for key in keys)


def test_whoever_looks_every_day_takes_every_step_on_its_day() -> None:
    found = [(key, (local_day(now) - DUE).days) for now, key, _ in walk(CASE, [after(day) for day in range(-20, 100)])]
    assert found == [
        ("reminder.-7", -7), ("reminder.-1", -1), ("charge.0", 0), ("reminder.0", 0), ("charge.3", 3), ("reminder.3", 3),
        ("charge.7", 7), ("reminder.7", 7), ("last_notice", 14), ("suspension", 21), ("end_notice", 60),
    ]  # fmt: skip


def test_after_ten_days_without_a_worker_one_letter_goes_out() -> None:
    case, first = taken(CASE, after(8))
    assert first == ["charge.7", "reminder.7"]
    assert [key for _, key, _ in walk(case, [after(8), after(9)])] == []


def test_nothing_happens_before_nine_in_the_morning() -> None:
    early = local_midnight(DUE - timedelta(days=7)) + timedelta(hours=8, minutes=59)
    assert not course.turn(CASE, early).take
    assert course.turn(CASE, early + timedelta(minutes=1)).take == (Planned(Kind.REMINDER, -7),)


def test_a_notice_that_is_written_late_names_a_later_working_day() -> None:
    case, keys = taken(CASE, noon(date(2027, 2, 1)))
    assert keys == ["charge.7", "last_notice"]
    named = case.done["last_notice"].names_on
    assert named == date(2027, 2, 11), "eight days later is still the Spring Festival"


@pytest.mark.parametrize(("wait", "keys"), [
    (Wait.HOLD, []), (Wait.PAYING, []), (Wait.FAPIAO, ["charge.7", "reminder.7"]), (Wait.DISPUTE, ["charge.7", "reminder.7"]),
    (Wait.PART_PAID, ["charge.7", "reminder.7"]), (None, ["charge.7", "last_notice"]),
])  # fmt: skip
def test_what_stands_in_the_way_is_respected(wait: Wait | None, keys: list[str]) -> None:
    assert taken(replace(CASE, wait=wait), after(15))[1] == keys


def test_small_amounts_are_reminded_of_and_stop_nothing() -> None:
    small = replace(CASE, owed_fen=99)
    assert [key for _, key, _ in walk(small, [after(day) for day in range(100)])][-1] == "reminder.7"


def test_a_bill_of_few_days_has_no_reminder_before_it_was_issued() -> None:
    short = replace(CASE, issued_on=DUE - timedelta(days=3))
    assert [each.planned.key for each in course.coming(short, after(-3))][:2] == ["reminder.-1", "charge.0"]


SEQUENCES = st.builds(
    lambda reminders, last, notice, gap: Sequence(reminders=tuple(sorted(reminders)), last_notice=last, notice_days=notice, suspension=last + notice + gap),
    st.sets(st.integers(-10, 9), max_size=4), st.integers(10, 20), st.integers(3, 20), st.integers(0, 9),
)  # fmt: skip
LOOKS = st.lists(st.tuples(st.integers(-15, 150), st.integers(0, 23)), max_size=25)


@given(SEQUENCES, LOOKS, st.lists(st.sampled_from([None, *Wait]), min_size=25, max_size=25))
def test_any_looks_with_any_gaps_take_each_step_once_and_stop_nothing_unannounced(
    sequence: Sequence, looks: list[tuple[int, int]], waits: list[Wait | None]
) -> None:
    case, written = replace(CASE, sequence=sequence), None
    times = sorted(local_midnight(DUE + timedelta(days=days)) + timedelta(hours=hour) for days, hour in looks)
    for now, wait in zip(times, waits, strict=False):
        case, keys = taken(replace(case, wait=wait), now)
        assert len([key for key in keys if not key.startswith("charge")]) <= 1, "an avalanche of letters"
        if "last_notice" in keys:
            written = local_day(now)
        if "suspension" in keys:
            named = case.done["last_notice"].names_on
            assert written and named and local_day(now) >= named
            assert named >= written + timedelta(days=sequence.notice_days)
            assert named >= DUE + timedelta(days=sequence.suspension)
            assert working_days.is_working_day(named)
            assert wait is None
        if "end_notice" in keys:
            last_day = case.done["end_notice"].names_on
            assert last_day and last_day >= local_day(now) + timedelta(days=sequence.end_days)
            assert "suspension" in case.done
