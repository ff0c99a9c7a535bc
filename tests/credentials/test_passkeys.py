"""Passkeys: the right key, for the right person, at the right address, over a challenge that is good once."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session as Database

from market import audit, credentials, db
from market.accounts import User
from market.audit import AuditEvent
from market.credentials import Ceremony, Passkey, challenges, passkeys
from market.credentials.models import Challenge
from market.credentials.passkeys import PasskeyKnown, PasskeyRefused, TooManyPasskeys
from market.errors import Invalid, NotFound
from tests.builders.accounts import a_user, an_administrator
from tests.builders.credentials import a_passkey
from tests.conftest import PRESENT
from tests.support.devices import Device
from tests.support.together import together

BY = audit.system("test")
PARTY = passkeys.Party("localhost", "http://localhost", "示例市场")
HERE = "word in this browser's cookie"


def ask_to_add(user: User, **changes: Any) -> str:
    return passkeys.options_to_add(user, PARTY, **{"browser": HERE, "at": PRESENT} | changes)


def add(user: User, answer: str, **changes: Any) -> Passkey:
    return passkeys.add(user, answer, PARTY, **{"name": "办公室电脑", "browser": HERE, "by": BY, "at": PRESENT} | changes)


def ask(user: User | None, ceremony: Ceremony = Ceremony.SIGN_IN) -> str:
    return passkeys.options_to_prove(PARTY, ceremony, user=user, browser=HERE, at=PRESENT)


def prove(answer: str, user: User | None = None, ceremony: Ceremony = Ceremony.SIGN_IN, **changes: Any) -> User:
    return passkeys.prove(answer, PARTY, ceremony, **{"user": user, "browser": HERE, "address": "192.0.2.1", "at": PRESENT} | changes)


def refused(act: Callable[[], object], what: object) -> None:
    try:
        act()
    except PasskeyRefused:
        return
    pytest.fail(f"{what} was taken")


@pytest.fixture
def user(session: Database) -> User:
    return a_user()


@pytest.fixture
def device(user: User) -> Device:
    """A device whose key is the user's."""
    device = Device()
    add(user, device.create(ask_to_add(user)))
    return device


@pytest.mark.parametrize(
    ("address", "id"),
    [
        ("https://market.example", "market.example"),
        ("https://market.example:8443", "market.example"),
        ("http://localhost:8000", "localhost"),
        ("http://127.0.0.1:8000", None),
        ("https://192.0.2.7", None),
        ("https://[::1]:8000", None),
        ("http://market.example", None),
    ],
)
def test_browsers_allow_passkeys_at_names_with_https_and_at_home(address: str, id: str | None) -> None:
    party = passkeys.party_of(address, "示例市场")
    assert (party.id, party.origin) == (id, address) if party else id is None


def test_a_key_that_was_added_opens_the_door_by_itself(user: User, device: Device) -> None:
    assert prove(device.get(ask(None))) is user
    assert credentials.second_step_due(user)
    key = passkeys.passkeys_of(user)[0]
    assert (key.sign_count, key.last_used_at, key.transports) == (1, PRESENT, ["internal"])


def test_as_a_second_step_it_must_be_hers(user: User, device: Device) -> None:
    assert prove(device.get(ask(user, Ceremony.SECOND_STEP)), user, Ceremony.SECOND_STEP) is user
    other = a_user()
    with pytest.raises(PasskeyRefused):
        prove(device.get(ask(other, Ceremony.SECOND_STEP)), other, Ceremony.SECOND_STEP)


def test_devices_that_do_not_count_are_believed(user: User) -> None:
    device = Device(counts=False)
    add(user, device.create(ask_to_add(user)))
    assert prove(device.get(ask(None))) is prove(device.get(ask(None))) is user


def test_a_key_that_counts_backwards_is_a_copy_refused_and_written_down(session: Database, user: User, device: Device) -> None:
    prove(device.get(ask(None)))
    device.count = 0
    with pytest.raises(PasskeyRefused):
        prove(device.get(ask(None)))
    event = session.scalars(select(AuditEvent).where(AuditEvent.action == "passkey.refused")).one()
    assert (event.before, event.after, event.address, event.subject_id) == ({"sign_count": 1}, {"sign_count": 1}, "192.0.2.1", user.id)


LIES: list[dict[str, Any]] = [
    {"client": {"origin": "https://elsewhere.invalid"}},
    {"client": {"origin": "http://localhost:8000"}},
    {"client": {"type": "webauthn.create"}},
    {"client": {"challenge": "AAAA"}},
    {"client": {"challenge": 7}},
    {"rp_id": "elsewhere.invalid"},
    {"handle": b"somebody else"},
]


def test_an_answer_to_another_question_is_refused(user: User, device: Device) -> None:
    for lies in LIES:
        refused(lambda lies=lies: prove(device.get(ask(None), **lies)), lies)


def test_a_device_that_did_not_look_who_holds_it_is_refused(user: User, device: Device) -> None:
    device.verifies = False
    with pytest.raises(PasskeyRefused):
        prove(device.get(ask(None)))
    with pytest.raises(PasskeyRefused):
        add(user, Device(verifies=False).create(ask_to_add(user)))


def test_a_forged_signature_is_refused(user: User, device: Device) -> None:
    forger = Device(id=device.id, handle=device.handle)
    with pytest.raises(PasskeyRefused):
        prove(forger.get(ask(None)))


def test_an_unknown_key_and_a_disabled_person_are_refused(user: User, device: Device) -> None:
    with pytest.raises(PasskeyRefused):
        prove(Device().get(ask(None)))
    user.disabled_at = PRESENT
    with pytest.raises(PasskeyRefused):
        prove(device.get(ask(None)))


def test_a_challenge_is_good_once_here_for_this_and_for_five_minutes(user: User, device: Device) -> None:
    used = device.get(ask(None))
    prove(used)
    other_browser, other_purpose, stale = (device.get(ask(None)) for _ in range(3))
    for act in (
        lambda: prove(used),
        lambda: prove(other_browser, browser="another"),
        lambda: prove(other_browser),  # asked in vain, it is spent
        lambda: prove(other_purpose, ceremony=Ceremony.CONFIRM),
        lambda: prove(stale, at=PRESENT + challenges.LIFE),
    ):
        with pytest.raises(PasskeyRefused):
            act()


def test_of_two_who_send_one_answer_at_once_one_comes_in(database: None) -> None:
    device = Device(counts=False)
    with db.transaction():
        user = a_user()
        add(user, device.create(ask_to_add(user)))
        answer = device.get(ask(None))
    answers = together(*[lambda: prove(answer)] * 2)
    assert {type(one) for one in answers} == {User, PasskeyRefused}


def test_challenges_nobody_answered_leave(session: Database, user: User) -> None:
    for _ in range(3):
        ask(None)
    assert challenges.sweep_challenges(PRESENT + timedelta(minutes=4)) == 0
    assert challenges.sweep_challenges(PRESENT + timedelta(minutes=5)) == 3
    assert session.scalar(select(func.count(Challenge.id))) == 0


NONSENSE = ["", "null", "[]", "{}", '{"id": 1}', "x" * 100_000, "[" * 30_000, '{"id": "\\u0000", "rawId": "\\u0000"}', "通行密钥"]


def test_nonsense_is_refused_in_peace(user: User, device: Device) -> None:
    for answer in NONSENSE:
        refused(lambda answer=answer: prove(answer), answer)
        refused(lambda answer=answer: add(user, answer), answer)


PARTS = ("clientDataJSON", "authenticatorData", "signature", "userHandle")
SPOILED = (None, 7, "", "!!!", "AAAA", "A" * 9000)


def test_a_spoiled_part_is_refused_in_peace(user: User, device: Device) -> None:
    for part, content in product(PARTS, SPOILED):
        answer = json.loads(device.get(ask(None)))
        answer["response"][part] = content
        if part == "userHandle" and content in (None, "", "!!!"):
            assert prove(json.dumps(answer)) is user, "devices may leave it out"
        else:
            refused(lambda answer=answer: prove(json.dumps(answer)), (part, content))


def test_one_key_is_added_once(user: User, device: Device) -> None:
    with pytest.raises(PasskeyKnown):
        add(user, device.create(ask_to_add(user)))
    assert device.id.hex() not in ask_to_add(user)
    assert len(json.loads(ask_to_add(user))["excludeCredentials"]) == 1


def test_there_is_an_end_to_how_many(user: User) -> None:
    for _ in range(passkeys.MOST - 1):
        a_passkey(user)
    options = [ask_to_add(user), ask_to_add(user)]
    add(user, Device().create(options[0]))
    with pytest.raises(TooManyPasskeys):
        add(user, Device().create(options[1]))
    with pytest.raises(TooManyPasskeys):
        ask_to_add(user)


def test_a_key_has_a_name(session: Database, user: User) -> None:
    key = a_passkey(user)
    for name in ("", "  \n ", "x" * 41):
        with pytest.raises(Invalid) as refusal:
            passkeys.rename(user, key, name, by=BY, at=PRESENT)
        assert list(refusal.value.fields) == ["name"]
    passkeys.rename(user, key, "  家里的\n<b>&电脑 ", by=BY, at=PRESENT)
    event = session.scalars(select(AuditEvent)).one()
    assert (event.action, event.before, event.after) == ("passkey.renamed", {"name": "办公室电脑"}, {"name": "家里的 <b>&电脑"})


def test_a_strangers_key_is_not_there(user: User) -> None:
    with pytest.raises(NotFound):
        passkeys.passkey_of(a_user(), a_passkey(user).id)


def test_an_administrator_keeps_one(session: Database) -> None:
    user = an_administrator()
    one, two = a_passkey(user), a_passkey(user)
    credentials.authenticators.remove(user, by=BY, at=PRESENT)
    passkeys.remove(user, one, by=BY, at=PRESENT)
    with pytest.raises(credentials.LastSecondStep):
        passkeys.remove(user, two, by=BY, at=PRESENT)
