"""What machines read: feeds, tags for conditional requests, ratings; and never what is not on sale."""

from __future__ import annotations

import json
from datetime import timedelta
from xml.etree import ElementTree

import pytest

from market import db
from market.catalog import OfferingRevision, OfferingStatus, RevisionStatus
from tests.builders.accounts import EARLY
from tests.builders.catalog import a_plan, an_offering, complete_facts
from tests.builders.quality import a_review
from tests.builders.subscriptions import a_subscription

ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.fixture
def shop(app) -> None:
    """One on sale with a review; one suspended and one never listed."""
    with db.transaction():
        plan = a_plan(an_offering(slug="on-sale", facts=complete_facts(name_zh="在售<服务>"), plans=False), per_unit="0.01")
        a_review(a_subscription(plan), stars=5)
        a_plan(an_offering(slug="paused", status=OfferingStatus.SUSPENDED, facts=complete_facts(name_zh="暂停服务"), plans=False))
        an_offering(slug="secret", status=OfferingStatus.UNLISTED, facts=complete_facts(name_zh="没上架"))


def test_the_feed_tells_what_is_on_sale_and_nothing_else(client, shop):
    answer = client.get("/feed.xml")
    feed = ElementTree.fromstring(answer.data)
    assert [entry.findtext(f"{ATOM}title") for entry in feed.iter(f"{ATOM}entry")] == ["在售<服务>"]
    for path in ("/feed.xml", "/sitemap.xml", "/opensearch.xml"):
        text = client.get(path).get_data(as_text=True)
        assert ElementTree.fromstring(text) is not None
        assert "paused" not in text and "secret" not in text and "没上架" not in text


def test_ratings_are_told_where_firms_have_written_some(client, shop):
    page = client.page("/offerings/on-sale")
    told = [json.loads(script.text or "") for script in page.all("script", type="application/ld+json")]
    product = next(each for each in told if each["@type"] == "Product")
    assert product["aggregateRating"] == {
        "@type": "AggregateRating", "ratingValue": "5.0", "reviewCount": 1, "bestRating": 5, "worstRating": 1
    }  # fmt: skip
    assert page.one("meta", property="og:title").get("content")
    assert page.one("meta", property="og:description").get("content") == page.one("meta", name="description").get("content")


def test_a_suspended_service_keeps_its_page_for_people_only(client, shop):
    page = client.page("/offerings/paused")
    assert "暂停订阅" in page.text and not page.all("script", type="application/ld+json")
    assert page.one("meta", name="robots").get("content") == "noindex"


def test_a_page_that_has_not_changed_is_not_sent_again(client, shop):
    first = client.get("/offerings/on-sale")
    again = client.get("/offerings/on-sale", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    english = client.get("/offerings/on-sale?lang=en", headers={"If-None-Match": first.headers["ETag"]})
    assert english.status_code == 200


def test_what_was_changed_is_told_without_what_is_not_published(client, app):
    with db.transaction():
        offering = an_offering(slug="told", facts=complete_facts(availability="99.5", tagline_zh="旧的好处"), plans=False)
        a_plan(offering, monthly="99.00", name_zh="月付版")
        for number, status, facts in (
            (2, RevisionStatus.PUBLISHED, complete_facts(availability="99.9", tagline_zh="新的好处")),
            (3, RevisionStatus.DRAFT, complete_facts(tagline_zh="还没发布的话")),
        ):
            offering.revisions[0].status = RevisionStatus.SUPERSEDED
            db.session.flush()
            at = EARLY + timedelta(days=number)
            live = status is RevisionStatus.PUBLISHED
            db.session.add(
                OfferingRevision(offering_id=offering.id, number=number, facts=facts, status=status, created_at=at, changed_at=at,
                                 published_at=at if live else None)
            )  # fmt: skip
            db.session.flush()
    text = client.page("/offerings/told/changes/").text
    assert "99.5%" in text and "99.9%" in text and "旧的好处" in text and "新的好处" in text
    assert "第一次发布" in text and "新套餐“月付版”" in text and "还没发布的话" not in text
