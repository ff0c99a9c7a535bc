"""What visitors report about an offering's page, and the answers."""

from __future__ import annotations

from datetime import timedelta

import pytest

from market import quality
from market.errors import Invalid, NotFound
from market.quality import ReportStatus
from tests.builders.accounts import an_actor, an_administrator
from tests.builders.catalog import an_offering
from tests.builders.quality import a_report
from tests.builders.subscriptions import ORDERED


def test_a_report_is_read_by_whoever_has_its_link_and_answered_once(session):
    report, word = a_report(an_offering(), email="Wang＠Example.com", at=ORDERED)
    assert report.email == "wang@example.com" and quality.waiting_reports() == 1
    office = an_administrator()
    quality.answer(report, text="价格已改成 129 元。", user=office, by=an_actor(office), at=ORDERED + timedelta(hours=5))
    session.expunge_all()
    found = quality.report_by_token(word)
    assert (found.id, found.status, found.answer) == (report.id, ReportStatus.ANSWERED, "价格已改成 129 元。")
    with pytest.raises(quality.AlreadyAnswered):
        quality.answer(found, text="再答一次", user=office, by=an_actor(office), at=ORDERED)
    with pytest.raises(NotFound):
        quality.report_by_token(word[:-1])


def test_everything_wrong_with_a_report_is_said_at_once(session):
    with pytest.raises(Invalid) as refusal:
        a_report(an_offering(), kind="nonsense", text="短", email="nobody", at=ORDERED)
    assert set(refusal.value.fields) == {"kind", "text", "email"}


def test_an_address_is_forgotten_three_months_after_the_answer(session):
    report, _word = a_report(an_offering(), email="wang@example.com", at=ORDERED)
    office = an_administrator()
    quality.answer(report, text="已改。", user=office, by=an_actor(office), at=ORDERED)
    session.flush()
    assert quality.forget_contacts(ORDERED + timedelta(days=89)) == 0
    assert quality.forget_contacts(ORDERED + timedelta(days=90)) == 1
