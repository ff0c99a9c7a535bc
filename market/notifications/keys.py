"""Letters about API keys: made, stopped, about to expire; to everybody who may edit them, whoever did it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from market import accounts, audit, db
from market.accounts import ApiKey, Organization, OrganizationKind
from market.kit.period import SHANGHAI
from market.notifications import letters
from market.notifications.actions import enqueue


def listen() -> None:
    """From now on people are told."""
    accounts.key_issued.connect(_issued)
    accounts.key_revoked.connect(_revoked)
    accounts.key_expiring.connect(_expiring)


def _issued(key: ApiKey, *, by: audit.Actor, at: datetime) -> None:
    _tell("key_issued", key, at, by=by)


def _revoked(key: ApiKey, *, by: audit.Actor, at: datetime) -> None:
    _tell("key_revoked", key, at, by=by)


def _expiring(key: ApiKey, *, at: datetime) -> None:
    _tell("key_expiring", key, at)


def _tell(event: str, key: ApiKey, at: datetime, **facts: Any) -> None:
    organization = db.session.get_one(Organization, key.organization_id)
    ends = key.expires_at.astimezone(SHANGHAI) if key.expires_at else None
    face = "console" if organization.kind is OrganizationKind.BUYER else "vendor"
    for member in accounts.members_of(organization):
        if accounts.may(organization.kind, member.role, "keys.edit"):
            language = member.user.locale if member.user.locale in letters.LANGUAGES else "zh"
            subject, body = letters.write(
                event, language, name=member.user.name, key=key, at=at.astimezone(SHANGHAI), ends=ends, face=face,
                reports="events:write" in accounts.scopes_of(organization.kind), **facts,
            )  # fmt: skip
            enqueue(f"{event}.{key.id}.{member.user_id}", member.user, subject, body, at=at)
