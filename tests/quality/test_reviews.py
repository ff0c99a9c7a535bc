"""Who may say something of an offering, what stays of it, and who may hide what."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from market import audit, quality
from market.errors import Invalid, NotFound
from market.quality import Summary
from tests.builders.accounts import a_member, an_actor, an_administrator, an_organization
from tests.builders.catalog import a_plan, a_provider
from tests.builders.quality import TEXT, a_review, a_use
from tests.builders.subscriptions import ORDERED, a_subscription


@pytest.mark.parametrize(("days", "allowed"), [(29, False), (30, True)])
def test_thirty_days_of_use_come_first(session, days, allowed):
    subscription = a_subscription()
    at = ORDERED + timedelta(days=days, hours=1)
    if allowed:
        assert a_review(subscription, at=at).stars == 4
    else:
        with pytest.raises(quality.TooEarly, match="用满 30 天才能评价，您用了 29 天"):
            a_review(subscription, at=at)


def test_a_firm_that_never_used_it_finds_nothing_to_write_about(session):
    firm = an_organization()
    subscription = a_subscription(organization=firm, started_at=None)
    with pytest.raises(NotFound):
        quality.use_of(firm, subscription.plan.offering_id, at=ORDERED)
    with pytest.raises(NotFound):
        quality.use_of(an_organization(), subscription.plan.offering_id, at=ORDERED)


def test_a_provider_does_not_praise_itself(session):
    plan = a_plan(per_unit="0.01")
    subscription = a_subscription(plan)
    seller = a_member(plan.offering.provider.organization)
    with pytest.raises(quality.OwnOffering):
        a_review(subscription, user=seller)


def test_one_review_a_firm_with_every_wording_kept(session):
    subscription = a_subscription()
    first = a_review(subscription, stars=2, text="装不上，客服打不通，等了三天。")
    again = a_review(subscription, stars=5, text="后来换了版本，一直很稳定。", at=ORDERED + timedelta(days=95))
    assert again.id == first.id
    session.expunge_all()
    review = quality.review_by_id(first.id)
    assert [(w.number, w.stars, w.used_months) for w in review.wordings] == [(2, 5, 3), (1, 2, 1)]
    assert review.stars == 5
    actions = [event.action for event in audit.history(review)]
    assert sorted(actions) == ["review.edited", "review.written"]


def test_the_same_words_again_are_no_new_wording(session):
    subscription = a_subscription()
    a_review(subscription)
    review = a_review(subscription, at=ORDERED + timedelta(days=60))
    session.expunge_all()
    assert len(quality.review_by_id(review.id).wordings) == 1


@pytest.mark.parametrize(
    ("stars", "words", "field"),
    [(None, TEXT, "stars"), (6, TEXT, "stars"), (4, "  ", "text"), (4, "好用", "text"), (4, "长" * 1001, "text")],
)
def test_what_cannot_be_published_is_said_at_its_field(session, stars, words, field):
    with pytest.raises(Invalid) as refusal:
        a_review(a_subscription(), stars=stars, text=words)
    assert set(refusal.value.fields) == {field}


def test_the_reply_says_which_wording_it_is_about(session):
    subscription = a_subscription()
    review = a_review(subscription)
    provider = subscription.plan.offering.provider
    seller = a_member(provider.organization)
    assert quality.unanswered(provider) == 1
    quality.reply(review, text="谢谢，已写了图文的安装步骤。", user=seller, by=an_actor(seller), at=ORDERED + timedelta(days=41))
    a_review(subscription, stars=5, at=ORDERED + timedelta(days=50))
    session.expunge_all()
    found = quality.review_of_provider(provider, review.id)
    assert (found.reply.answers_number, found.wording.number, quality.unanswered(provider)) == (1, 2, 0)
    with pytest.raises(NotFound):
        quality.review_of_provider(a_provider(), review.id)


def test_hidden_words_leave_the_stars_and_the_reason(session):
    review = a_review(a_subscription(), stars=1)
    office = an_administrator()
    session.expunge_all()
    wording = quality.review_by_id(review.id).wording
    with pytest.raises(Invalid):
        quality.hide(wording, reason=" ", user=office, by=an_actor(office), at=ORDERED)
    quality.hide(wording, reason="写了员工的姓名和电话", user=office, by=an_actor(office), at=ORDERED + timedelta(days=41))
    assert wording.hidden_reason == "写了员工的姓名和电话"
    assert quality.summaries([review.offering_id])[review.offering_id] == Summary({1: 1})
    quality.show_again(wording, reason="看错了", by=an_actor(office), at=ORDERED + timedelta(days=42))
    assert wording.hidden_at is None


@pytest.mark.parametrize(
    "change",
    ["DELETE FROM reviews", "DELETE FROM review_wordings", "UPDATE review_wordings SET text = 'x'", "UPDATE reviews SET organization_id = 0"],
)
def test_the_database_keeps_what_was_said(session, change):
    a_review(a_subscription())
    session.flush()
    with pytest.raises(IntegrityError, match="stay as written"), session.begin_nested():
        session.execute(text(change))


def test_an_average_has_one_decimal():
    assert Summary({5: 1, 4: 1, 3: 1, 2: 0}).mean == Decimal("4.0")
    assert Summary({5: 2, 4: 1}).mean == Decimal("4.7")
    assert Summary({}).mean == 0


def test_what_is_said_of_many_offerings_is_one_question(session, queries):
    reviews = [a_review(a_subscription(a_plan(per_unit="0.01"))) for _ in range(3)]
    ids = [review.offering_id for review in reviews]
    with queries(at_most=1):
        assert set(quality.summaries(ids)) == set(ids)


def test_the_longest_use_of_an_offering_counts(session):
    plan = a_plan(per_unit="0.01")
    firm = an_organization()
    long = a_subscription(plan, organization=firm)
    a_subscription(plan, organization=firm, started_at=ORDERED + timedelta(days=50))
    assert a_use(long, at=ORDERED + timedelta(days=70)).days == 70
