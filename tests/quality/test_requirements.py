"""What somebody needs and has not found, and what an administrator answers."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from market import audit, quality
from market.catalog import OfferingStatus
from market.errors import Invalid, NotFound
from market.quality import ReportStatus
from tests.builders.accounts import an_actor, an_administrator
from tests.builders.catalog import an_offering
from tests.builders.quality import a_requirement
from tests.builders.subscriptions import ORDERED


def test_it_is_answered_once_with_services_that_can_be_bought(session):
    offering = an_offering(slug="till-backup")
    an_offering(slug="gone", status=OfferingStatus.RETIRED)
    wanted, word = a_requirement(category=offering.category_slug, email="Wang＠Example.com", at=ORDERED)
    office = an_administrator()
    answer = {"text": "“收银备份”每天自动存，第一个月免费。", "user": office, "by": an_actor(office), "at": ORDERED + timedelta(hours=5)}
    for slugs in (["gone"], ["nobody"], [f"s-{number}" for number in range(6)]):
        with pytest.raises(Invalid) as refusal:
            quality.answer_requirement(wanted, suggested=slugs, **answer)
        assert set(refusal.value.fields) == {"suggested"}
    quality.answer_requirement(wanted, suggested=["till-backup", "till-backup"], **answer)
    session.flush()
    session.expunge_all()
    found = quality.requirement_by_token(word)
    assert (found.status, found.email, found.suggested) == (ReportStatus.ANSWERED, "wang@example.com", ["till-backup"])
    assert {event.action for event in audit.history(found)} == {"requirement.posted", "requirement.answered"}
    with pytest.raises(quality.AlreadyAnswered):
        quality.answer_requirement(found, suggested=[], **answer)
    with pytest.raises(NotFound):
        quality.requirement_by_token("nonsense")
    assert quality.forget_contacts(ORDERED + timedelta(days=91)) == 1


def test_everything_wrong_with_it_is_said_at_once(session):
    with pytest.raises(Invalid) as refusal:
        a_requirement(text="短", category="backup", email="nobody", at=ORDERED)
    assert set(refusal.value.fields) == {"text", "category", "email"}


def test_an_answer_is_promised_in_working_days(session):
    wanted, _word = a_requirement(at=ORDERED)
    wanted.created_at = ORDERED.replace(year=2026, month=11, day=20)  # a Friday
    assert quality.due_on(wanted) == date(2026, 11, 24)
