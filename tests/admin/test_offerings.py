"""`/admin/offerings/<id>`: pausing and taking down."""

from __future__ import annotations

import pytest

from market import catalog, db
from market.accounts import Role
from market.catalog import OfferingStatus
from tests.builders.catalog import an_offering


def made(status=OfferingStatus.LIVE):
    with db.transaction():
        return an_offering(status=status, slug="daily").id


def status_of(id):
    with db.transaction(readonly=True):
        return db.session.get_one(catalog.Offering, id).status


@pytest.mark.parametrize(("verb", "after"), [("suspend", OfferingStatus.SUSPENDED), ("retire", OfferingStatus.RETIRED)])
def test_it_is_stopped_with_a_reason_and_its_page_stays(enter, verb, after):
    id = made()
    client = enter()
    page = client.page(f"/admin/offerings/{id}").submit("/stop", verb=verb, reason="多次中断")
    assert "多次中断" in page.text
    assert status_of(id) is after
    assert client.get("/offerings/daily").status_code == 200


@pytest.mark.parametrize("values", [{"verb": "suspend", "reason": " "}, {"reason": "为什么"}, {"verb": "burn", "reason": "为什么"}])
def test_without_a_choice_and_a_reason_nothing_happens(enter, values):
    id = made()
    assert enter().page(f"/admin/offerings/{id}").submit("/stop", **values).status == 422
    assert status_of(id) is OfferingStatus.LIVE


def test_a_paused_one_comes_back(enter):
    id = made(OfferingStatus.SUSPENDED)
    page = enter().page(f"/admin/offerings/{id}")
    assert "暂停展示，以后可以恢复" not in page.text
    page.submit("/reinstate")
    assert status_of(id) is OfferingStatus.LIVE


@pytest.mark.parametrize("status", [OfferingStatus.UNLISTED, OfferingStatus.RETIRED])
def test_what_is_not_shown_cannot_be_stopped(enter, status):
    assert "发送原因并执行" not in enter().page(f"/admin/offerings/{made(status)}").text


def test_a_curator_reads_and_does_not_stop(enter):
    assert "发送原因并执行" not in enter(Role.CURATOR).page(f"/admin/offerings/{made()}").text
