"""What a team may know of how its members sign in: when they were last here, whether they have a second step."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, union

from market import db
from market.accounts.models import Organization, User
from market.accounts.signals import member_removed
from market.credentials.models import Authenticator, Passkey, Session
from market.credentials.sessions import end_sessions


@dataclass(frozen=True)
class Standing:
    """How one person signs in."""

    last_seen_at: datetime | None
    second_step: bool


def standings(user_ids: Collection[int]) -> dict[int, Standing]:
    """The standing of each of these people."""
    seen = select(Session.user_id, func.max(Session.last_seen_at)).where(Session.user_id.in_(user_ids))
    last = {id: at for id, at in db.session.execute(seen.group_by(Session.user_id))}
    means = union(
        select(Authenticator.user_id).where(Authenticator.user_id.in_(user_ids), Authenticator.in_force),
        select(Passkey.user_id).where(Passkey.user_id.in_(user_ids)),
    )
    secured = set(db.session.scalars(means))
    return {id: Standing(last.get(id), id in secured) for id in user_ids}


@member_removed.connect
def _sign_out(user: User, *, organization: Organization, at: datetime) -> None:
    """Whoever is removed is signed out everywhere: a browser that is open on her desk shows nothing any more."""
    end_sessions(user, at=at)
