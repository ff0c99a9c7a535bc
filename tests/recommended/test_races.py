"""Two administrators at the same moment."""

from __future__ import annotations

from datetime import UTC, datetime

from market import db, recommended
from market.accounts import User
from market.catalog import Offering
from market.kit.lifecycle import IllegalMove
from market.recommended import Edition, Entry, EntryStatus
from tests.builders.accounts import an_actor, an_administrator
from tests.builders.catalog import an_offering
from tests.builders.recommended import an_edition, an_entry
from tests.support.together import together

AT = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)


def test_an_offering_is_nominated_once(database):
    with db.transaction():
        offering, edition = an_offering().id, an_edition().id
        people = [an_administrator().id for _ in range(3)]

    def nominate(id):
        user = db.session.get_one(User, id)
        recommended.nominate(
            db.session.get_one(Offering, offering), db.session.get_one(Edition, edition),
            reason_zh="好用", reason_en="", user=user, by=an_actor(user), at=AT,
        )  # fmt: skip

    answers = together(*(lambda id=id: nominate(id) for id in people))
    assert sorted(type(answer).__name__ for answer in answers) == ["AlreadyNominated", "AlreadyNominated", "NoneType"]


def test_a_nomination_is_decided_once(database):
    with db.transaction():
        entry = an_entry(status=EntryStatus.NOMINATED).id
        one, two = an_administrator().id, an_administrator().id

    def decide(verb, id, **more):
        user = db.session.get_one(User, id)
        verb(db.session.get_one(Entry, entry), user=user, by=an_actor(user), at=AT, **more)

    answers = together(
        lambda: decide(recommended.approve, one), lambda: decide(recommended.decline, two, reason="证书快到期")
    )
    assert sum(answer is None for answer in answers) == 1
    assert sum(isinstance(answer, IllegalMove) for answer in answers) == 1
