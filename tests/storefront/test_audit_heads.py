"""The published heads: to be read by everybody, and worth checking with."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from market import audit, db
from tests.builders.accounts import an_organization
from tests.support.client import Client

NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)


def published(days: int) -> list[audit.Head]:
    heads = []
    for day in range(days):
        with db.transaction():
            audit.record("organization.added", an_organization(), by=audit.system("test"), at=NOON)
        head = audit.publish_head(NOON + timedelta(days=day))
        assert head is not None
        heads.append(audit.Head(head.position, head.hash, "the page"))
    return heads


def test_before_the_first_it_says_so(client: Client) -> None:
    assert "还没有公布过" in client.page("/audit-heads").text
    assert client.get("/audit-heads.json").json == {"algorithm": "SHA-256", "heads": []}


def test_what_is_published_is_what_the_verifier_takes(client: Client) -> None:
    heads = published(2)
    page = client.page("/").follow("操作记录的封存码")
    assert page.heading == "操作记录的封存码" and "2026年11月21日" in page.text
    assert f"market audit verify --head {heads[1].position}:{heads[1].hash}" in page.text
    told = client.get("/audit-heads.json").json["heads"]
    assert [(each["day"], each["position"], each["hash"]) for each in told] == [
        ("2026-11-21", 2, heads[1].hash), ("2026-11-20", 1, heads[0].hash),
    ]  # fmt: skip
    with db.transaction(readonly=True):
        assert audit.verify(heads).heads == 4  # the two stored, and the two of the page


@pytest.mark.every_database
def test_a_day_is_published_once(database: None) -> None:
    published(1)
    with db.transaction():
        audit.record("organization.added", an_organization(), by=audit.system("test"), at=NOON)
    assert audit.publish_head(NOON + timedelta(hours=5)) is None
    head = audit.publish_head(NOON + timedelta(hours=12))  # after midnight in Guangdong
    assert head is not None and (head.day.isoformat(), head.position) == ("2026-11-21", 2)


def test_years_of_heads_are_paged(client: Client, queries: Any) -> None:
    published(40)
    with queries(at_most=2):
        page = client.page("/audit-heads")
    assert "2026年11月20日" in page.follow("下一页").text
