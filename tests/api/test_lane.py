"""The lane of usual reports: the same answers as by way of Flask, one transaction for several, and no key that no longer works."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial
from hashlib import sha256
from typing import Any

import pytest
from sqlalchemy import func, select

from market import accounts, db, metering
from market.accounts import SCOPES, Organization
from market.api.lane import WARY, Party, Report
from market.api.together import Together, Wish
from market.kit.period import month_of
from market.metering import Band, Looked, UsageEvent
from market.metering.models import RefusedEvent
from tests.api.conftest import Caller, a_caller
from tests.builders.accounts import EARLY, an_actor
from tests.builders.billing import an_issued_bill
from tests.builders.metering import SOURCE
from tests.conftest import PRESENT
from tests.support.client import Client

BATCH = "application/cloudevents-batch+json"
one_database = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
LANE, FLASK = "/events", "/events?dry_run=0"


def stored() -> int:
    with db.transaction(readonly=True):
        return db.session.scalar(select(func.count()).select_from(UsageEvent)) or 0


@pytest.fixture
def known(caller: Caller) -> Caller:
    """A caller whose key has reported before."""
    assert caller.post(caller.event()).status_code == 204
    return caller


HEADERS: list[dict[str, str]] = [
    {}, {"Accept": "application/json"}, {"Accept": "*/*", "Accept_Language": "en"}, {"Accept": "application/json;q=0"},
    {"Accept": "application/json, text/html", "Accept_Language": "en-GB"}, {"X_Request_Id": "given-by-them-1"},
]  # fmt: skip


def asked(caller: Caller, queries: Any, path: str, kind: str, name: str, headers: dict[str, str]) -> tuple[Any, ...]:
    """What a report is told, without what differs from one request to the next; `name` is in the ids of its events."""
    first = caller.event(1, id=f"{name}-1")
    if kind != "new":
        caller.post(first, path=FLASK)
    mixed = [first, first | {"data": {"value": 2}}, caller.event(-1, id=f"{name}-2"), caller.event(3, id=f"{name}-3"), 7]
    with queries(at_most=40) as statements:
        answer = caller.post(mixed if kind == "mixed" else [first], path=path, type=BATCH, **headers)
    # Only Flask's way has to find the provider of a key.
    assert any("FROM providers" in statement for statement in statements) == (path == FLASK)
    differs = {"Content-Length"} | (set() if "X_Request_Id" in headers else {"X-Request-Id"})
    text = re.sub(r'("request_id": ?")\w+', r"\1", answer.get_data(as_text=True).replace(name, ""))
    return answer.status, sorted(each for each in answer.headers if each[0] not in differs), text


@one_database
@pytest.mark.parametrize("kind", ["new", "known", "mixed"])
def test_both_ways_give_the_same_answer(known: Caller, queries: Any, kind: str) -> None:
    for number, headers in enumerate(HEADERS):
        first, by_flask, again = (
            asked(known, queries, path, kind, f"{kind}-{number}{letter}", headers)
            for letter, path in (("a", LANE), ("b", FLASK), ("c", LANE))
        )
        assert first == by_flask == again


@one_database
@pytest.mark.parametrize("unusual", [
    {"Cookie": "session=x"}, {"Content_Encoding": "identity"}, {"ce-id": "a", "type": "application/json"}, {"Host": "elsewhere.example"},
    {"type": "application/json; charset=utf-8"}, {"body": b"{"}, {"body": b"[]"}, {"Authorization": "bearer {secret}"},
])  # fmt: skip
def test_what_is_not_usual_goes_by_way_of_flask(known: Caller, unusual: dict[str, Any]) -> None:
    ways = []
    for path in (LANE, FLASK):
        options = {"body": known.event(id=f"{path}!"), "type": BATCH} | unusual
        body = options.pop("body")
        if "Authorization" in options:
            options["Authorization"] = options["Authorization"].format(secret=known.secret)
        answer = known.post(body, path=path, **options)
        ways.append((answer.status_code, re.sub(r'"request_id": ?"\w+"', "", answer.get_data(as_text=True))))
    assert ways[0] == ways[1]


def test_a_key_that_was_stopped_reports_no_more_however_often_it_did(known: Caller) -> None:
    assert known.post(known.event()).status_code == 204
    with db.transaction():
        [key] = accounts.keys_of(known.organization)
        accounts.revoke_key(key, by=an_actor(), at=PRESENT)
    assert known.post(known.event()).status_code == 401
    assert stored() == 2


def test_neither_does_a_wrong_secret_under_its_name(known: Caller) -> None:
    known.secret = known.secret[:-1] + ("a" if known.secret[-1] != "a" else "b")
    assert known.post(known.event()).status_code == 401


def reports(caller: Caller, *bodies: Any, secrets: dict[int, str] | None = None, verbose: bool = True) -> list[Report]:
    made = []
    for number, events in enumerate(bodies):
        secret = (secrets or {}).get(number, caller.secret)
        body = metering.split(json.dumps(events).encode())
        digest = sha256(secret.encode()).hexdigest()
        made.append(Report(accounts.prefix_of(secret), digest, body, party(caller).read(body), verbose=verbose, started=0.0))
    return made


def party(caller: Caller) -> Party:
    return Party(caller.provider.id, caller.organization.id, SOURCE)


def outcomes(report: Report) -> list[str]:
    assert report.verdicts is not None
    return [verdict.code or verdict.outcome.value for verdict in report.verdicts]


def test_several_reports_are_judged_as_if_one_came_after_the_other(known: Caller) -> None:
    first = known.event(1, id="a")
    group = reports(
        known, [first, known.event(2, id="b")], first, [known.event(5, id="b"), known.event(-1, id="c")], known.event(3, id="d")
    )  # fmt: skip
    party(known).take_in(group)
    assert [outcomes(report) for report in group] == [
        ["accepted", "accepted"], ["duplicate"], ["conflict", "negative"], ["accepted"]
    ]  # fmt: skip
    assert stored() == 4
    with db.transaction(readonly=True):
        assert sorted(map(tuple, db.session.execute(select(RefusedEvent.event_id, RefusedEvent.code)))) == [("b", "conflict"), ("c", "negative")]
    assert not list(metering.inspect(Looked(), lambda *_: None))


def test_one_key_that_does_not_work_stops_no_other(client: Client, known: Caller) -> None:
    with db.transaction():
        tested, reading, stopped = (
            accounts.issue_key(known.organization, name="n", source=SOURCE, scopes=scopes, test=test, by=an_actor(), at=EARLY)
            for scopes, test in ((SCOPES, True), (["usage:read"], False), (SCOPES, False))
        )
        accounts.revoke_key(stopped[0], by=an_actor(), at=PRESENT)
        for key, _ in (tested, reading, stopped):
            accounts.touch_key(key, at=PRESENT)
    strange = a_caller(client)
    strange.post(strange.event())
    secrets = {1: tested[1], 2: reading[1], 3: stopped[1], 4: strange.secret, 5: "mk_00000000_nothing"}
    group = reports(known, *(known.event() for _ in range(7)), secrets=secrets)
    party(known).take_in(group)
    assert [report.verdicts is not None for report in group] == [True, False, False, False, False, False, True]


def test_a_verdict_that_depends_on_others_is_left_to_each_alone(known: Caller) -> None:
    many = [known.event(10**9, id=f"m{number}") for number in range(600)]
    group = reports(known, many, [event | {"id": f"n{event['id']}"} for event in many])
    before = stored()
    party(known).take_in(group)
    assert [report.verdicts for report in group] == [None, None]
    assert stored() == before
    alone = reports(known, many)
    party(known).take_in(alone)
    assert outcomes(alone[0]) == ["accepted"] * 600


def told(theirs: Party, caller: Caller, *bodies: Any, verbose: bool = True) -> list[list[str]]:
    """What becomes of reports that a party takes in one after the other."""
    group = [reports(caller, body, verbose=verbose)[0] for body in bodies]
    for report in group:
        theirs.take_in([report])
    return [outcomes(report) for report in group]


def test_hope_that_all_is_new_is_given_up_where_something_is_known_and_nothing_counts_twice(known: Caller) -> None:
    old, new = known.event(1, id="old"), [known.event(2, id=f"new-{number}") for number in range(3)]
    theirs = party(known)
    assert told(theirs, known, old, [old, *new], [old | {"data": {"value": 9}}, new[0]]) == [
        ["accepted"], ["duplicate", *["accepted"] * 3], ["conflict", "duplicate"]
    ]  # fmt: skip
    assert stored() == 5
    assert not list(metering.inspect(Looked(), lambda *_: None))
    for number in range(WARY + 1):
        assert told(theirs, known, known.event(id=f"later-{number}")) == [["accepted"]]
    assert not list(metering.inspect(Looked(), lambda *_: None))


def test_a_counter_that_is_full_takes_nothing_more_however_hopeful_one_is(known: Caller) -> None:
    many = [known.event(10**9, id=f"m{number}") for number in range(999)]
    verdicts = told(party(known), known, many, known.event(10**9, id="last"), known.event(10**9, id="beyond"))
    assert verdicts == [["accepted"] * 999, ["too_large"], ["too_large"]]
    assert not list(metering.inspect(Looked(), lambda *_: None))


def test_who_reports_known_and_wrong_events_among_new_ones_has_them_told_apart_and_kept_once(known: Caller) -> None:
    def all_kinds(round: int) -> list[Any]:
        new = known.event(1, id=f"{round}-new")
        # The last one is known, whatever is wrong with it by now.
        return [
            new, known.event(5, id="old"), known.event(6, id="old"), known.event(-1, id=f"{round}-wrong"),
            new, new | {"data": {"value": 2}}, known.event(-1, id=f"{round}-wrong"), known.event(5, id="old") | {"type": "nothing"},
        ]  # fmt: skip

    kinds = ["accepted", "duplicate", "conflict", "negative", "duplicate", "conflict", "negative", "conflict"]
    rounds = [all_kinds(round) for round in range(3)]
    theirs = party(known)
    assert told(theirs, known, known.event(5, id="old"), *rounds, rounds[0][1:3], verbose=False) == [
        ["accepted"], *[kinds] * 3, ["duplicate", "conflict"]
    ]  # fmt: skip
    assert stored() == 5
    with db.transaction(readonly=True):
        kept = dict(map(tuple, db.session.execute(select(RefusedEvent.event_id, RefusedEvent.times))))
    assert kept == {"old": 7, **{f"{round}-{kind}": 2 if kind == "wrong" else 1 for round in range(3) for kind in ("new", "wrong")}}
    assert not list(metering.inspect(Looked(), lambda *_: None))


def test_what_is_wrong_is_kept_once_where_a_counter_turns_out_to_be_full(known: Caller) -> None:
    many, wrong = [known.event(10**9, id=f"m{number}") for number in range(999)], known.event(-1, id="wrong")
    theirs = party(known)
    assert told(theirs, known, known.event(-1, id="first"), [*many, wrong], [wrong, known.event(10**9, id="beyond")], verbose=False) == [
        ["negative"], [*["accepted"] * 999, "negative"], ["negative", "too_large"]
    ]  # fmt: skip
    with db.transaction(readonly=True):
        kept = dict(map(tuple, db.session.execute(select(RefusedEvent.event_id, RefusedEvent.times))))
    assert kept == {"first": 1, "wrong": 2, "beyond": 1}
    assert not list(metering.inspect(Looked(), lambda *_: None))


def test_what_comes_in_twice_at_one_moment_is_stored_once(known: Caller) -> None:
    group = [reports(known, [known.event(id=f"{n}") for n in range(20)])[0] for _ in range(4)]
    theirs = [threading.Thread(target=party(known).take_in, args=([report],)) for report in group]
    for each in theirs:
        each.start()
    for each in theirs:
        each.join(30)
    assert stored() == 21
    # Who met another one is left to Flask, and judged there.
    assert {outcome for report in group if report.verdicts for outcome in outcomes(report)} <= {"accepted", "duplicate"}
    assert not list(metering.inspect(Looked(), lambda *_: None))


def test_a_bill_is_heeded_from_the_moment_it_is_final_though_its_firm_is_known(known: Caller) -> None:
    theirs, event = party(known), partial(known.event, at=PRESENT - timedelta(days=20))
    assert told(theirs, known, event(id="a"), event(id="b")) == [["accepted"], ["accepted"]]
    with db.transaction():
        an_issued_bill(db.session.get_one(Organization, known.subscription.organization_id), month_of(PRESENT - timedelta(days=20)))
    assert told(theirs, known, event(id="c")) == [["accepted"]]
    with db.transaction(readonly=True):
        bands = dict(map(tuple, db.session.execute(select(UsageEvent.event_id, UsageEvent.band))))
    assert (bands["b"], bands["c"]) == (Band.LATE, Band.VERY_LATE)


def test_when_the_database_fails_every_report_is_left_to_flask(known: Caller) -> None:
    group, theirs = reports(known, known.event(), known.event()), party(known)
    db.disconnect()
    theirs.take_in(group)
    assert [report.verdicts for report in group] == [None, None]


def test_what_cannot_be_read_for_an_unforeseen_reason_is_left_to_flask(known: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_events: Any, **_how: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(metering, "read", fail)
    assert known.post([known.event()], path=LANE, type=BATCH).status_code == 204


# --- working together, without a database --------------------------------------------------


class Shift:
    """Threads with a wish each; who works first works until `finish`, and fails."""

    def __init__(self, **how: float) -> None:
        self.groups: list[list[int]] = []
        self.busy, self.go = threading.Event(), threading.Event()
        self.together: Together[Wish] = Together(self.do, **({"abreast": 1, "worth": 1, "most": 5} | how))
        self.threads: list[threading.Thread] = []

    def do(self, group: Sequence[Wish]) -> None:
        self.groups.append([wish.size for wish in group])
        if not self.busy.is_set():
            self.busy.set()
            assert self.go.wait(30)
            raise ZeroDivisionError

    def wish(self, size: int, *, waits: bool = True) -> None:
        waiting = len(self.together._waiting) + 1
        self.threads.append(threading.Thread(target=self.have_done, args=(size,)))
        self.threads[-1].start()
        if not waits:
            assert self.busy.wait(30)
        while waits and len(self.together._waiting) < waiting:
            self.go.wait(0.001)

    def have_done(self, size: int) -> None:
        with suppress(ZeroDivisionError):
            self.together.have_done(Wish(size))

    def finish(self) -> list[list[int]]:
        self.go.set()
        for thread in self.threads:
            thread.join(30)
        assert not any(thread.is_alive() for thread in self.threads)
        return self.groups


def test_what_comes_while_one_works_is_done_together_as_far_as_it_fits_even_when_that_one_fails() -> None:
    shift = Shift()
    shift.wish(1, waits=False)
    for size in (2, 3, 4, 9, 1):
        shift.wish(size)
    assert shift.finish() == [[1], [2, 3], [4], [9], [1]]


def test_a_second_one_works_beside_the_first_once_enough_has_come() -> None:
    shift = Shift(abreast=2, worth=4)
    shift.wish(1, waits=False)
    for size in (1, 2):
        shift.wish(size)
    shift.wish(1, waits=False)
    for thread in shift.threads[1:]:
        thread.join(30)
    assert shift.groups == [[1], [1, 1, 2]]
    assert shift.finish() == [[1], [1, 1, 2]]


def test_whoever_begins_waits_for_as_many_as_there_were_the_last_time() -> None:
    shift = Shift(patience=30, worth=9, most=9)
    shift.wish(1, waits=False)
    for size in (2, 3):
        shift.wish(size)
    shift.go.set()
    shift.threads[0].join(30)  # three were there
    shift.have_done(4)
    assert shift.finish() == [[1], [2, 3, 4]]


def test_nobody_waits_for_others_where_there_is_enough_to_do() -> None:
    shift = Shift(patience=30, worth=5, most=9)
    shift.wish(1, waits=False)
    shift.wish(5)
    assert shift.finish() == [[1], [5]]


def test_who_does_not_come_back_is_waited_for_once_and_not_for_long() -> None:
    shift = Shift(patience=0.001, worth=9)
    shift.wish(1, waits=False)
    shift.wish(2)
    assert shift.finish() == [[1], [2]]
    shift.together._patience = 30
    shift.have_done(3)
    assert shift.groups == [[1], [2], [3]]
