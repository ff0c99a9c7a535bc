"""Passkeys (WebAuthn): a key in the person's own device signs a challenge; only its public half is here."""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

import structlog
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload

from market import audit, db
from market.accounts.models import User
from market.credentials import challenges, second_step, signals
from market.credentials.models import Ceremony, Passkey
from market.errors import Invalid, NotFound, Refused
from market.late import Library

if TYPE_CHECKING:
    import webauthn
    from webauthn import helpers
    from webauthn.helpers import structs
else:
    webauthn = Library("webauthn")
    helpers = Library("webauthn.helpers")
    structs = Library("webauthn.helpers.structs")

log = structlog.get_logger(__name__)

Sent = TypeVar("Sent", "structs.RegistrationCredential", "structs.AuthenticationCredential")

MOST, LONGEST_NAME = 20, 40
#: An answer has two or three kilobytes; one with a maker's certificates is the longest.
_LONGEST_ANSWER = 32_000


class PasskeyRefused(Refused):
    """What the browser sent does not prove that the key is hers. Why is nobody's business but the log's."""

    code = "passkey_refused"
    message = "这把通行密钥没有通过验证。请再试一次，或换一种方式。"


class PasskeyKnown(Refused):
    """The same key a second time."""

    code = "passkey_known"
    message = "这把通行密钥已经添加过。"


class TooManyPasskeys(Refused):
    """More than anybody has devices."""

    code = "too_many_passkeys"
    message = "一个账号最多 20 把通行密钥。请先移除不用的。"


@dataclass(frozen=True)
class Party:
    """For whom a passkey is: the host its browser knows, the origin it must come from, and the name it shows."""

    id: str
    origin: str
    name: str


def party_of(address: str, name: str) -> Party | None:
    """The marketplace at this address; None where browsers allow no passkeys: an IP address, or no https."""
    parts = urlsplit(address)
    host = parts.hostname or ""
    local = host == "localhost" or host.endswith(".localhost")
    if _is_ip(host) or not (parts.scheme == "https" or local):
        return None
    return Party(host, f"{parts.scheme}://{parts.netloc.lower()}", name)


def options_to_add(user: User, party: Party, *, browser: str, at: datetime) -> str:
    """What the browser asks a device for, as JSON. Raises TooManyPasskeys."""
    held = passkeys_of(user)
    if len(held) >= MOST:
        raise TooManyPasskeys
    options = webauthn.generate_registration_options(
        rp_id=party.id,
        rp_name=party.name,
        user_id=_handle(user),
        user_name=user.email,
        user_display_name=user.name,
        challenge=challenges.issue(Ceremony.ADD, user, browser=browser, at=at),
        exclude_credentials=_descriptors(held),
        # The key names its person and asks for her finger or PIN, so that it can replace the password too.
        authenticator_selection=structs.AuthenticatorSelectionCriteria(
            resident_key=structs.ResidentKeyRequirement.REQUIRED, user_verification=structs.UserVerificationRequirement.REQUIRED
        ),
    )
    return webauthn.options_to_json(options)


def add(user: User, answer: str, party: Party, *, name: str, browser: str, by: audit.Actor, at: datetime) -> Passkey:
    """Keep the public half of a new key. Raises Invalid for the name, PasskeyRefused, PasskeyKnown, TooManyPasskeys."""
    name = _checked(name)
    db.lock(user)
    if len(passkeys_of(user)) >= MOST:
        raise TooManyPasskeys
    sent, challenge = _read(answer, helpers.parse_registration_credential_json)
    if not challenges.spend(challenge, Ceremony.ADD, user, browser=browser, at=at):
        raise _refusal("challenge")
    with _foreign_bytes():
        made = webauthn.verify_registration_response(
            credential=sent, expected_challenge=challenge, expected_rp_id=party.id, expected_origin=party.origin,
            require_user_verification=True,
        )  # fmt: skip
    passkey = Passkey(
        user_id=user.id,
        name=name,
        credential_id=helpers.bytes_to_base64url(made.credential_id),
        public_key=helpers.bytes_to_base64url(made.credential_public_key),
        sign_count=made.sign_count,
        transports=[transport.value for transport in sent.response.transports or []],
        created_at=at,
    )
    try:
        with db.session.begin_nested():
            db.session.add(passkey)
    except IntegrityError as error:
        raise PasskeyKnown from error
    audit.record("passkey.added", user, by=by, at=at, after={"name": name})
    signals.second_step_changed.send(user, change="added", means="passkey", name=name, at=at)
    return passkey


def options_to_prove(party: Party, ceremony: Ceremony, *, user: User | None, browser: str, at: datetime) -> str:
    """What the browser asks a device for, as JSON; without `user`, any key of ours will do."""
    options = webauthn.generate_authentication_options(
        rp_id=party.id,
        challenge=challenges.issue(ceremony, user, browser=browser, at=at),
        allow_credentials=_descriptors(passkeys_of(user)) if user else None,
        user_verification=structs.UserVerificationRequirement.REQUIRED,
    )
    return webauthn.options_to_json(options)


def prove(
    answer: str, party: Party, ceremony: Ceremony, *, user: User | None, browser: str, address: str, at: datetime
) -> User:
    """Whose key signed, which is `user` where one is given. Raises PasskeyRefused.

    A refusal may leave something to store: the challenge is spent, and a key that counts backwards, as a copied
    one does, is written down.
    """
    sent, challenge = _read(answer, helpers.parse_authentication_credential_json)
    if not challenges.spend(challenge, ceremony, user, browser=browser, at=at):
        raise _refusal("challenge")
    passkey = _by_credential(sent.raw_id)
    owner = passkey.user
    with _foreign_bytes():
        proof = webauthn.verify_authentication_response(
            credential=sent, expected_challenge=challenge, expected_rp_id=party.id, expected_origin=party.origin,
            credential_public_key=webauthn.base64url_to_bytes(passkey.public_key),
            credential_current_sign_count=0,  # `_count` compares it, so that it can be told apart from other refusals
            require_user_verification=True,
        )  # fmt: skip
    if user is not None and user.id != owner.id:
        raise _refusal("somebody else's")
    if sent.response.user_handle not in (None, b"", _handle(owner)) or not owner.is_active:
        raise _refusal("person")
    _count(passkey, proof.new_sign_count, address=address, at=at)
    return owner


def passkeys_of(user: User) -> Sequence[Passkey]:
    """A person's passkeys, oldest first."""
    return db.session.scalars(select(Passkey).where(Passkey.user_id == user.id).order_by(Passkey.id)).all()


def passkey_of(user: User, id: int) -> Passkey:
    """One of a person's passkeys. Raises NotFound for a stranger's."""
    passkey = db.session.get(Passkey, id)
    if passkey is None or passkey.user_id != user.id:
        raise NotFound
    return passkey


def rename(user: User, passkey: Passkey, name: str, *, by: audit.Actor, at: datetime) -> None:
    """Call it something else. Raises Invalid."""
    before, passkey.name = passkey.name, _checked(name)
    if passkey.name != before:
        audit.record("passkey.renamed", user, by=by, at=at, before={"name": before}, after={"name": passkey.name})


def remove(user: User, passkey: Passkey, *, by: audit.Actor, at: datetime) -> None:
    """It opens nothing any more. Raises LastSecondStep for an administrator's last means."""
    second_step.take_away(user, passkey)
    audit.record("passkey.removed", user, by=by, at=at, before={"name": passkey.name})
    signals.second_step_changed.send(user, change="removed", means="passkey", name=passkey.name, at=at)


def _read(answer: str, parse: Callable[[str], Sent]) -> tuple[Sent, bytes]:
    """A browser's answer in its parts, and the challenge that it says it answers."""
    if len(answer) > _LONGEST_ANSWER:
        raise _refusal("length")
    with _foreign_bytes():
        sent = parse(answer)
        return sent, helpers.parse_client_data_json(sent.response.client_data_json).challenge


@contextmanager
def _foreign_bytes() -> Iterator[None]:
    """The library reads JSON, CBOR, keys and certificates, and each can be wrong in a way of its own."""
    try:
        yield
    except Exception as error:
        raise _refusal(f"{type(error).__name__}: {error}") from error


def _refusal(reason: str) -> PasskeyRefused:
    log.info("passkey_refused", reason=reason[:200])
    return PasskeyRefused()


def _by_credential(raw_id: bytes) -> Passkey:
    named = Passkey.credential_id == helpers.bytes_to_base64url(raw_id)
    found = db.session.scalar(select(Passkey).where(named).options(joinedload(Passkey.user)))
    if found is None:
        raise _refusal("unknown")
    return found


def _count(passkey: Passkey, count: int, *, address: str, at: datetime) -> None:
    """A device that counts must have gone on; of two that claim the same number one is a copy."""
    before = Passkey.sign_count < count if count else Passkey.sign_count == 0
    onward = update(Passkey).where(Passkey.id == passkey.id, before)
    moved = onward.values(sign_count=count, last_used_at=at).returning(Passkey.id)
    if db.session.scalar(moved) is None:
        by = audit.Actor("system", None, "sign-in", None, address)
        known, claimed = {"sign_count": passkey.sign_count}, {"sign_count": count}
        audit.record("passkey.refused", passkey.user, by=by, at=at, reason=passkey.name, before=known, after=claimed)
        raise _refusal("counts backwards")


def _descriptors(passkeys: Sequence[Passkey]) -> list[structs.PublicKeyCredentialDescriptor]:
    return [
        structs.PublicKeyCredentialDescriptor(
            id=webauthn.base64url_to_bytes(passkey.credential_id),
            transports=[structs.AuthenticatorTransport(name) for name in passkey.transports],
        )
        for passkey in passkeys
    ]


def _handle(user: User) -> bytes:
    """How devices know the person: a number that says nothing about her."""
    return hashlib.sha256(f"market user {user.id}".encode()).digest()


def _checked(name: str) -> str:
    name = " ".join(name.split())
    if not name:
        raise Invalid(fields={"name": "给这把通行密钥起个名字，例如“办公室电脑”。"})
    if len(name) > LONGEST_NAME:
        raise Invalid(fields={"name": "名字最多 40 个字。"})
    return name


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
