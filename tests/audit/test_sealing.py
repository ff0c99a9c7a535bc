"""Sealing: every committed row has its place in the chain, on both databases, however many write at once."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from market import audit, db
from market.audit import AuditEvent, AuditLink, chain
from tests.builders.accounts import an_actor, an_organization
from tests.support.together import together

NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)


def note(action: str = "organization.added", **more: Any) -> AuditEvent:
    """One more row, about a firm of its own."""
    return audit.record(action, an_organization(), **{"by": an_actor(), "at": NOON, **more})


def links() -> list[AuditLink]:
    with db.transaction(readonly=True):
        return list(db.session.scalars(select(AuditLink).order_by(AuditLink.position)))


def ids() -> list[int]:
    with db.transaction(readonly=True):
        return list(db.session.scalars(select(AuditEvent.id).order_by(AuditEvent.id)))


def test_the_rows_of_one_transaction_are_sealed_at_its_end_in_their_order(database: None) -> None:
    with db.transaction():
        for number in range(3):
            note(f"organization.step_{number}")
        assert not db.session.scalars(select(AuditLink)).all()
    with db.transaction():
        note()
    sealed = links()
    assert [link.position for link in sealed] == [1, 2, 3, 4]
    assert [link.event_id for link in sealed] == ids()
    assert sealed[0].previous_hash == "0" * 64
    assert all(after.previous_hash == before.hash for before, after in pairwise(sealed))


def test_the_hash_is_what_the_description_says(database: None) -> None:
    with db.transaction():
        by = audit.Actor("user", 7, "陈晓彤", 9, "192.0.2.1")
        event = note(by=by, before={"name": "老名"}, after={"amount_fen": 1250, "open": True}, reason="改\n名")
    # Written out as in docs/algorithms.md, without any of the product's own functions.
    row = {
        "acting_for_id": event.acting_for_id, "action": "organization.added", "actor_digest": event.actor_digest,
        "actor_id": 7, "actor_kind": "user", "after": {"amount_fen": 1250, "open": True},
        "at": "2026-11-20T04:00:00.000000Z", "before": {"name": "老名"}, "id": event.id, "kind": "organization",
        "organization_id": event.organization_id, "reason": "改\n名", "subject_digest": "",
        "subject_id": event.subject_id, "subject_label": event.subject_label, "subject_type": "Organization",
    }  # fmt: skip
    text = json.dumps(row, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert links()[0].hash == hashlib.sha256(("0" * 64 + text).encode()).hexdigest()
    person = json.dumps([event.actor_salt, event.actor_label, event.address], ensure_ascii=False, separators=(",", ":"))
    assert event.actor_digest == hashlib.sha256(person.encode()).hexdigest() != chain.GENESIS


def test_what_is_rolled_back_leaves_neither_row_nor_link(database: None) -> None:
    with pytest.raises(RuntimeError), db.transaction():
        note()
        raise RuntimeError
    assert not links() and not ids()


def test_a_savepoint_that_is_rolled_back_leaves_no_link(database: None) -> None:
    with db.transaction():
        note()
        with pytest.raises(RuntimeError), db.session.begin_nested():
            note("organization.undone")
            raise RuntimeError
        note()
    assert [link.position for link in links()] == [1, 2] and [link.event_id for link in links()] == ids()


def test_eight_who_write_at_once_leave_no_gap_and_no_unsealed_row(database: None) -> None:
    def write(number: int) -> None:
        for _ in range(1 + number % 3):
            note(f"organization.by_{number}")

    for _ in range(3):
        refused = [answer for answer in together(*(lambda n=n: write(n) for n in range(8))) if answer]
        assert not refused
    sealed = links()
    assert [link.position for link in sealed] == list(range(1, len(sealed) + 1))
    assert sorted(link.event_id for link in sealed) == ids()
    assert all(after.previous_hash == before.hash for before, after in pairwise(sealed))


@pytest.mark.parametrize("table", ["audit_events", "audit_links", "audit_heads"])
@pytest.mark.parametrize("change", ["UPDATE {0} SET {1} = 'x'", "DELETE FROM {0}"])
def test_the_database_itself_refuses_changes(database: None, table: str, change: str) -> None:
    column = {"audit_events": "reason"}.get(table, "hash")
    with db.transaction():
        note()
    audit.publish_head(NOON)
    with pytest.raises(DBAPIError, match="only ever added to"), db.transaction():
        db.session.connection().exec_driver_sql(change.format(table, column))


def test_an_act_before_the_commit_runs_once_with_all_notes(database: None) -> None:
    ran: list[list[int]] = []

    def act(notes: list[int]) -> None:
        ran.append(list(notes))

    with db.transaction():
        db.before_commit(act, 1)
        with db.transaction():
            db.before_commit(act, 2)
        assert not ran
    with pytest.raises(RuntimeError), db.transaction():
        db.before_commit(act, 3)
        raise RuntimeError
    with db.transaction():
        an_organization()
    assert ran == [[1, 2]]
