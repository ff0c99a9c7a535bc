"""API keys: made once, shown once, taken over, expired, stopped."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from market import accounts, audit, db
from market.accounts import ApiKey, Organization, OrganizationKind, Role
from market.errors import Invalid, NotFound
from market.notifications import Email
from tests.builders.accounts import a_member, a_user, an_organization
from tests.conftest import PRESENT as NOW
from tests.support.together import together

BY = audit.system("test")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)

Made = tuple[ApiKey, str]


def a_key(organization: Organization | None = None, **more: object) -> Made:
    asked = {"name": "meter", "source": "/meter", "scopes": ["events:write"], "by": BY, "at": NOW} | more
    return accounts.issue_key(organization or an_organization(kind=OrganizationKind.PROVIDER), **asked)  # type: ignore[arg-type]  # as given


@pytest.fixture
def key(session: Session) -> Made:
    return a_key()


def works(secret: str, at: object = NOW) -> bool:
    return accounts.key_of_secret(secret, at=at) is not None  # type: ignore[arg-type]  # an instant


def test_a_key_is_known_by_its_secret_and_stored_without_it(key: Made) -> None:
    stored, secret = key
    assert accounts.key_of_secret(secret, at=NOW) is stored
    assert secret not in stored.secret_hash and secret.startswith(stored.prefix)


def test_a_test_key_says_so_at_first_sight(session: Session) -> None:
    stored, secret = a_key(test=True)
    assert secret.startswith("mk_test_") and secret.startswith(stored.prefix)
    assert accounts.key_of_secret(secret, at=NOW) is stored


@pytest.mark.parametrize("wrong", ["", "mk_", "mk_test_", "mk_00000000_x", "mk_test_00000000_x", "x" * 500, "密钥"])
def test_a_wrong_secret_opens_nothing(key: Made, wrong: str) -> None:
    assert not works(wrong)
    assert not works(key[1] + "x")
    assert not works(key[1].replace("mk_", "mk_test_"))


def test_a_revoked_key_stops_at_once_and_revoking_twice_is_harmless(key: Made) -> None:
    stored, secret = key
    accounts.revoke_key(stored, by=BY, at=NOW)
    accounts.revoke_key(stored, by=BY, at=NOW + DAY)
    assert not works(secret)
    assert stored.revoked_at == NOW
    assert [event.action for event in audit.history(stored)] == ["api_key.revoked", "api_key.issued"]


def test_a_key_works_until_the_instant_it_expires(session: Session) -> None:
    _stored, secret = a_key(expires_at=NOW + DAY)
    assert works(secret, NOW + DAY - timedelta(microseconds=1))
    assert not works(secret, NOW + DAY)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "长" * 61}, "name"),
        ({"scopes": ["events:write", "everything"]}, "scopes"),
        ({"expires_at": NOW}, "expires_on"),
        ({"expires_at": NOW + timedelta(days=4000)}, "expires_on"),
    ],
)
def test_what_cannot_be_used_is_refused_by_field(session: Session, change: dict[str, object], field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        a_key(**change)
    assert set(refusal.value.fields) == {field}
    assert not session.scalars(select(ApiKey)).all()


def test_the_same_form_makes_one_key(session: Session) -> None:
    organization = an_organization(kind=OrganizationKind.PROVIDER)
    a_key(organization, request_key="one")
    with pytest.raises(accounts.KeyMade):
        a_key(organization, request_key="one")
    a_key(request_key="one")
    assert len(accounts.keys_of(organization)) == 1


@pytest.mark.parametrize("overlap", accounts.KEY_OVERLAPS, ids=str)
def test_a_successor_works_beside_the_old_key_for_a_while(session: Session, overlap: timedelta) -> None:
    old, secret = a_key(expires_at=NOW + 90 * DAY, scopes=["catalogue:read"])
    new, fresh = accounts.rotate_key(old, overlap=overlap, by=BY, at=NOW + 30 * DAY)
    assert (new.name, new.source, new.scopes, new.test, new.replaces_id) == (old.name, old.source, old.scopes, False, old.id)
    assert new.expires_at == NOW + 120 * DAY
    end = NOW + 30 * DAY + overlap
    assert works(secret, end - HOUR) and works(fresh, end - HOUR)
    assert not works(secret, end) and works(fresh, end)
    assert [event.action for event in audit.history(old)] == ["api_key.rotated", "api_key.issued"]


def test_an_overlap_never_lengthens_a_life(session: Session) -> None:
    old, _secret = a_key(expires_at=NOW + DAY)
    accounts.rotate_key(old, overlap=7 * DAY, by=BY, at=NOW)
    assert old.expires_at == NOW + DAY


def test_only_a_working_key_without_successor_is_replaced(session: Session) -> None:
    old, _secret = a_key()
    with pytest.raises(Invalid):
        accounts.rotate_key(old, overlap=HOUR, by=BY, at=NOW)
    new, _fresh = accounts.rotate_key(old, overlap=DAY, by=BY, at=NOW)
    with pytest.raises(accounts.KeyReplaced):
        accounts.rotate_key(old, overlap=DAY, by=BY, at=NOW)
    accounts.revoke_key(new, by=BY, at=NOW)
    with pytest.raises(accounts.KeyStopped):
        accounts.rotate_key(new, overlap=DAY, by=BY, at=NOW)


def test_of_two_who_replace_a_key_at_once_one_gets_a_successor(database: None) -> None:
    with db.transaction():
        old, _secret = a_key()

    def rotate() -> object:
        return accounts.rotate_key(db.session.get_one(ApiKey, old.id), overlap=DAY, by=BY, at=NOW)

    answers = together(rotate, rotate, rotate)
    assert sum(isinstance(answer, accounts.KeyReplaced) for answer in answers) == 2
    with db.transaction(readonly=True):
        assert len(db.session.scalars(select(ApiKey)).all()) == 2


def test_last_use_is_remembered_to_the_minute(key: Made) -> None:
    stored, _ = key
    accounts.touch_key(stored, at=NOW, address="192.0.2.1")
    accounts.touch_key(stored, at=NOW + timedelta(seconds=59), address="192.0.2.2")
    assert (stored.last_used_at, stored.last_used_address) == (NOW, "192.0.2.1")
    accounts.touch_key(stored, at=NOW + timedelta(seconds=60), address="192.0.2.3")
    assert (stored.last_used_at, stored.last_used_address) == (NOW + timedelta(seconds=60), "192.0.2.3")


def test_a_stranger_cannot_load_anothers_key(session: Session, key: Made) -> None:
    stranger: Organization = an_organization()
    db.session.flush()
    with pytest.raises(NotFound):
        accounts.key_of(stranger, key[0].id)


def test_who_may_edit_keys_gets_letters(app: Flask) -> None:
    with db.transaction():
        firm = an_organization(kind=OrganizationKind.PROVIDER)
        a_member(firm, Role.DEVELOPER, user=a_user(email="dev@example.com", locale="en"))
        a_member(firm, Role.FINANCE, user=a_user(email="books@example.com"))
        long, _ = a_key(firm, expires_at=NOW + 30 * DAY)
        short, _ = a_key(firm, name="short", expires_at=NOW + DAY)
        accounts.revoke_key(short, by=BY, at=NOW)
    due = NOW + 23 * DAY
    assert [accounts.warn_of_expiry(at) for at in (due - HOUR, due, due + HOUR)] == [0, 1, 0]
    with db.transaction(readonly=True):
        told = db.session.scalars(select(Email).order_by(Email.id)).all()
        assert [(letter.recipient, letter.key.split(".")[0]) for letter in told] == [
            ("dev@example.com", kind) for kind in ("key_issued", "key_issued", "key_revoked", "key_expiring")
        ]
        assert long.prefix in told[-1].body
