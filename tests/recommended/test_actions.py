"""Two people and a reason: the recommended catalogue."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from market import audit, catalog, db, recommended
from market.errors import Invalid
from market.kit.lifecycle import IllegalMove
from market.recommended.models import LIFECYCLE, Entry, EntryStatus
from tests.builders.accounts import an_actor, an_administrator
from tests.builders.catalog import OfferingStatus, an_offering
from tests.builders.recommended import an_edition, an_entry

AT = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
TODAY = date(2026, 11, 20)


def nominated(offering=None, edition=None, *, user=None, **reasons):
    user = user or an_administrator()
    reasons = {"reason_zh": "小企业用得上", "reason_en": ""} | reasons
    return recommended.nominate(
        offering or an_offering(), edition or an_edition(), **reasons, user=user, by=an_actor(user), at=AT
    )


def decide(verb, entry, user=None, **more):
    user = user or an_administrator()
    verb(entry, user=user, by=an_actor(user), at=AT, **more)


def test_a_second_person_lists_what_the_first_nominated(session):
    entry, said = nominated(), []
    with catalog.offering_changed.connected_to(lambda sender, **_: said.append(sender)):
        decide(recommended.approve, entry)
    assert entry.status is EntryStatus.LISTED
    assert entry.nominated_by_id != entry.decided_by_id
    assert said == [entry.offering]
    assert recommended.listed_for([entry.offering_id], TODAY) == {entry.offering_id: entry}
    assert recommended.listed(TODAY) == [entry]


@pytest.mark.parametrize("verb", [recommended.approve, recommended.decline])
def test_whoever_nominated_does_not_decide(session, verb):
    user = an_administrator()
    entry = nominated(user=user)
    with pytest.raises(recommended.SamePerson):
        decide(verb, entry, user, **({"reason": "no"} if verb is recommended.decline else {}))
    assert entry.status is EntryStatus.NOMINATED


def test_the_database_holds_the_two_person_rule_too(session):
    entry = nominated()
    with pytest.raises(IntegrityError), session.begin_nested():
        session.execute(
            recommended.Entry.__table__.update().where(recommended.Entry.id == entry.id)
            .values(decided_by_id=entry.nominated_by_id)
        )  # fmt: skip


@pytest.mark.parametrize("reason", ["", "  ", "长" * 301])
def test_a_nomination_gives_the_public_a_reason(session, reason):
    with pytest.raises(Invalid) as refusal:
        nominated(reason_zh=reason)
    assert list(refusal.value.fields) == ["reason_zh"]


def test_an_offering_is_nominated_once_in_an_edition(session):
    offering, edition = an_offering(), an_edition()
    nominated(offering, edition)
    with pytest.raises(recommended.AlreadyNominated):
        nominated(offering, edition)
    nominated(offering, an_edition())


def test_after_a_decline_it_may_be_nominated_again(session):
    offering, edition = an_offering(), an_edition()
    decide(recommended.decline, nominated(offering, edition), reason="价格没有优势")
    assert nominated(offering, edition).status is EntryStatus.NOMINATED


def test_only_what_can_be_bought_is_recommended(session):
    with pytest.raises(recommended.NotLive):
        nominated(an_offering(status=OfferingStatus.SUSPENDED))
    entry = nominated()
    entry.offering.status = OfferingStatus.SUSPENDED
    with pytest.raises(recommended.NotLive):
        decide(recommended.approve, entry)


def test_a_past_edition_takes_nothing_more(session):
    over = an_edition(ends_on=TODAY - timedelta(days=1))
    with pytest.raises(recommended.EditionOver):
        nominated(edition=over)


def test_declining_and_withdrawing_say_why(session):
    entry = nominated()
    with pytest.raises(Invalid):
        decide(recommended.decline, entry, reason=" ")
    decide(recommended.decline, entry, reason="证书快到期")
    assert (entry.status, entry.decision_reason) == (EntryStatus.DECLINED, "证书快到期")


def test_a_withdrawn_entry_is_out_at_once(session):
    entry = an_entry()
    recommended.withdraw(entry, reason="服务中断多次", by=audit.system("test"), at=AT)
    assert recommended.listed_for([entry.offering_id], TODAY) == {}
    assert audit.history(entry)[0].reason == "服务中断多次"


def test_a_decided_entry_is_not_decided_again(session):
    entry = an_entry()
    with pytest.raises(IllegalMove):
        decide(recommended.approve, entry)


def test_a_listing_ends_with_its_edition_even_before_the_sweep(session):
    entry = an_entry(edition=an_edition(ends_on=TODAY))
    assert recommended.listed(TODAY) == [entry]
    assert recommended.listed(TODAY + timedelta(days=1)) == []


@pytest.mark.parametrize(("hours", "expired"), [(0, 0), (13, 0), (14, 1)])
def test_the_sweep_ends_listings_after_the_last_day_in_guangdong(database, hours, expired):
    # 02:00 UTC is 10:00 in Guangdong; fourteen hours later the day is over.
    with db.transaction():
        id = an_entry(edition=an_edition(ends_on=TODAY)).id
    assert recommended.expire_due(AT + timedelta(hours=hours)) == expired
    with db.transaction(readonly=True):
        assert db.session.get_one(Entry, id).status is (EntryStatus.EXPIRED if expired else EntryStatus.LISTED)
    assert recommended.expire_due(AT + timedelta(hours=hours)) == 0


def test_a_suspended_offering_keeps_its_entry_but_not_its_place(session):
    entry = an_entry()
    entry.offering.status = OfferingStatus.SUSPENDED
    assert recommended.listed(TODAY) == []


def test_an_edition_ends_no_earlier_than_it_begins(session):
    values = {"slug": "2027-1", "name_zh": "一", "name_en": "One", "by": audit.system("test"), "at": AT}
    recommended.add_edition(**values, starts_on=TODAY, ends_on=TODAY)
    for wrong in ({"starts_on": TODAY, "ends_on": TODAY - timedelta(days=1)}, {"starts_on": TODAY, "ends_on": TODAY}):
        with pytest.raises(Invalid):
            recommended.add_edition(**values, **wrong)


def test_of_overlapping_editions_the_later_one_is_current(session):
    an_edition(starts_on=date(2026, 1, 1))
    later = an_edition(starts_on=date(2026, 10, 1))
    assert recommended.current_edition(TODAY) is later
    assert recommended.current_edition(date(2030, 1, 1)) is None


def test_no_state_is_without_its_line_in_the_lifecycle():
    assert set(LIFECYCLE.states) == set(EntryStatus)
