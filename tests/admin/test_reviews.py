"""`/admin/reviews`: the queue and one review."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from market import audit, catalog, db, resources
from market.accounts import Organization, Role, User
from market.catalog import OfferingStatus, RevisionStatus
from tests.builders.accounts import a_member
from tests.builders.catalog import a_plan, an_offering, complete_facts


def hand_in(**options):
    """A submitted first revision; returns its id."""
    with db.transaction():
        revision = an_offering(status=OfferingStatus.UNLISTED, **options).revisions[0]
        catalog.submit(revision, by=audit.system("test"), at=resources.clock.now())
        return revision.id


def hand_in_changes(changes, charges=None):
    """A submitted next revision of a live offering; returns its id."""
    by, at = audit.system("test"), resources.clock.now()
    with db.transaction():
        offering = a_plan(monthly="99.00").offering
        revision = catalog.start_revision(offering, by=by, at=at)
        catalog.edit(revision, changes, by=by, at=at)
        if charges is not None:
            catalog.save_plan(offering, slug="basic", name_zh="基础版", name_en="Basic", summary_zh="", summary_en="",
                              trial_days=0, position=0, charges=charges, by=by, at=at)  # fmt: skip
        catalog.submit(revision, by=by, at=at)
        return revision.id


def status_of(id):
    with db.transaction(readonly=True):
        return db.session.get_one(catalog.OfferingRevision, id).status


def claimed(client, id):
    return client.page(f"/admin/reviews/{id}").submit("/claim")


def test_an_empty_queue_says_so(enter):
    assert "没有等待审核的服务" in enter().page("/admin/reviews/").text


def test_the_queue_shows_what_waits_and_for_how_long(enter, clock):
    id = hand_in(facts=complete_facts(name_zh="每日备份"))
    clock.forward(days=4)
    page = enter().page("/admin/reviews/")
    assert "已等 4 天" in page.text
    assert page.follow("每日备份").path == f"/admin/reviews/{id}"


def test_the_queue_costs_the_same_for_one_and_for_many(enter, queries):
    for _ in range(6):
        hand_in()
    client = enter()
    with queries(at_most=4):  # one of them: the number in the menu
        client.get("/admin/reviews/")


def test_a_review_is_read_with_a_bounded_number_of_queries(enter, queries):
    client = enter()
    for names in ({"tagline_zh": "新的一句话"}, {"tagline_zh": "另一句", "benefits_zh": ["甲", "乙", "丙", "丁"]}):
        id = hand_in_changes(names)
        with queries(at_most=22):
            client.get(f"/admin/reviews/{id}")


def test_old_and_new_stand_side_by_side_with_words_for_what_changed(enter):
    id = hand_in_changes({"tagline_zh": "每小时自动备份一份"})
    page = enter().page(f"/admin/reviews/{id}")
    assert "删除：" in "".join(page.one("del").itertext())
    assert [tag.tail for tag in page.one("del")] == ["天"]
    assert [tag.tail for tag in page.one("ins")] == ["小时"]
    assert "没有变化的" in page.text


def test_a_price_change_shows_what_a_usual_month_costs_more(enter):
    id = hand_in_changes({}, [{"terms": {"model": "flat", "interval": "month", "amount": "129"}}])
    page = enter().page(f"/admin/reviews/{id}")
    assert "一般用量下每月贵 ¥30.00" in page.text
    assert "没有企业在用旧版" in page.text
    assert "有改价" in page.text


def test_an_expired_certificate_stands_out(enter):
    held = [{"type": "djbh3", "number": "示例-7", "valid_until": "2025-01-31"}]
    id = hand_in(facts=complete_facts(certificates=held))
    assert "已过期：示例-7" in enter().page(f"/admin/reviews/{id}").text


def test_whoever_claims_can_approve_and_the_public_sees_it(enter):
    id = hand_in(slug="daily-backup")
    client = enter()
    page = claimed(client, id)
    done = page.submit("/approve")
    assert "已发布" in done.text
    assert status_of(id) is RevisionStatus.PUBLISHED
    assert client.get("/offerings/daily-backup").status_code == 200


def test_after_a_decision_comes_the_next_one_nobody_reads(enter):
    first, second = hand_in(), hand_in()
    page = claimed(enter(), first).submit("/approve")
    assert page.path == f"/admin/reviews/{second}"


@pytest.mark.every_database
def test_a_return_sends_ticked_and_own_words_as_they_are(enter):
    id = hand_in()
    page = claimed(enter(), id)
    page.submit("/send-back", **{"send_back-usual": ["0", "3"], "send_back-reason": "另外请补上客服电话。"})
    with db.transaction(readonly=True):
        revision = db.session.get_one(catalog.OfferingRevision, id)
        assert revision.status is RevisionStatus.RETURNED
        assert revision.decision_reason.split("\n") == [
            "价格没有写完整：请写清包含多少、超出后怎么收费。",
            "英文内容不完整，或与中文不一致。",
            "另外请补上客服电话。",
        ]


@pytest.mark.parametrize(("address", "field"), [("/send-back", "send_back-reason"), ("/refuse", "refuse-reason")])
def test_a_no_without_a_reason_is_asked_again(enter, address, field):
    id = hand_in()
    page = claimed(enter(), id).submit(address, **{field: "  "})
    assert page.status == 422
    assert "勾选或写明原因" in page.text
    assert status_of(id) is RevisionStatus.IN_REVIEW


def test_a_refusal_keeps_what_was_typed_when_it_is_too_long(enter):
    id = hand_in()
    words = "很长" * 800
    page = claimed(enter(), id).submit("/refuse", **{"refuse-reason": words})
    assert page.status == 422
    assert words in page.html


def test_a_remark_is_anchored_to_its_field(enter):
    id = hand_in()
    client = enter()
    claimed(client, id)
    page = client.page(f"/admin/reviews/{id}?comment=tagline_zh")
    answer = page.submit("/comments", text="写清每天几点备份")
    assert answer.response.request.path == f"/admin/reviews/{id}"
    assert "写清每天几点备份" in answer.text
    empty = client.page(f"/admin/reviews/{id}?comment=name_zh").submit("/comments", text=" ")
    assert (empty.status, "写下这一项要改什么" in empty.text) == (422, True)


def test_a_decision_about_a_review_of_somebody_else_is_refused(enter):
    id = hand_in()
    page = claimed(enter(name="甲"), id)
    other = enter(name="乙")
    assert "由 甲 审核" in other.page(f"/admin/reviews/{id}").text
    claimed(other, id)
    assert page.submit("/approve").status == 409
    assert status_of(id) is RevisionStatus.IN_REVIEW


@pytest.mark.every_database
def test_a_member_of_the_provider_cannot_claim(enter):
    id = hand_in()
    client = enter(name="两边的人")
    with db.transaction():
        person = db.session.scalars(select(User).where(User.name == "两边的人")).one()
        provider = catalog.revision_for_review(id).offering.provider
        a_member(db.session.get_one(Organization, provider.organization_id), user=person)
    assert claimed(client, id).status == 403


@pytest.mark.parametrize(("role", "may"), [(Role.REVIEWER, True), (Role.AUDITOR, False), (Role.CURATOR, False)])
def test_only_reviewers_decide(enter, role, may):
    id = hand_in()
    page = enter(role).page(f"/admin/reviews/{id}")
    assert ("由我审核" in page.text) is may


def test_finance_does_not_read_reviews(enter):
    hand_in()
    assert enter(Role.FINANCE).get("/admin/reviews/").status_code == 403


def test_a_draft_and_a_stranger_id_are_not_found(enter):
    with db.transaction():
        id = an_offering(status=OfferingStatus.UNLISTED).revisions[0].id
    client = enter()
    assert client.get(f"/admin/reviews/{id}").status_code == 404
    assert client.get("/admin/reviews/99999").status_code == 404
