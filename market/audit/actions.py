"""Writing the trail: a row for each change, the daily head, and forgetting a person."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, cast

from sqlalchemy import CursorResult, Update, update

from market import db
from market.audit import chain, masking, sealing
from market.audit.models import FORGOTTEN, AuditEvent, AuditHead
from market.kit.period import local_day

#: The kind of subject that is a person, whose name can be erased.
PERSON = "User"
#: The action that allows the names of a person to be gone.
ERASED = "user.erased"


@dataclass(frozen=True)
class Actor:
    """Who acts: a person, an API key or the system itself, and for which organization."""

    kind: Literal["user", "key", "system"]
    id: int | None
    label: str
    organization_id: int | None = None
    address: str = ""

    @property
    def user_id(self) -> int | None:
        """The person's number, if it is one."""
        return self.id if self.kind == "user" else None


@dataclass(frozen=True)
class Change:
    """One of many changes for `record_all`; named as the arguments of `record`."""

    action: str
    subject: db.Base
    by: Actor
    reason: str = ""
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None
    organization_id: int | None = None
    label: str = ""


def system(label: str, *, organization_id: int | None = None) -> Actor:
    """The product acting by itself, such as the worker or the seed command."""
    return Actor("system", None, label, organization_id)


def record(
    action: str,
    subject: db.Base,
    *,
    by: Actor,
    at: datetime,
    reason: str = "",
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    organization_id: int | None = None,
    label: str = "",
) -> AuditEvent:
    """Add one row for a change to `subject`, in the transaction of the change, at whose end it is sealed.

    `organization_id` names the organization that may read the row beside the actor's (an administrator
    confirming a firm's payment, say). `label` is what the subject is called when its own columns do not say; a
    person is named only where the subject is the person. Secrets in `before` and `after` are hidden, e-mail
    addresses and phone numbers masked.
    """
    db.session.flush()
    entry = _entry(Change(action, subject, by, reason, before, after, organization_id, label), at)
    db.session.add(entry)
    db.before_commit(sealing.seal, entry)
    return entry


def record_all(changes: Iterable[Change], *, at: datetime) -> None:
    """Add a row for each of many changes; the same as `record` of one after the other, in few statements."""
    db.session.flush()
    entries = [_entry(change, at) for change in changes]
    db.session.add_all(entries)
    db.before_commit(sealing.seal, *entries)


def _entry(change: Change, at: datetime) -> AuditEvent:
    by, subject = change.by, change.subject
    entry = AuditEvent(
        at=at,
        actor_kind=by.kind,
        actor_id=by.id,
        actor_label=by.label,
        acting_for_id=None if by.kind == "system" else by.organization_id,
        organization_id=change.organization_id or by.organization_id,
        action=change.action,
        kind=change.action.partition(".")[0],
        subject_type=type(subject).__name__,
        subject_id=getattr(subject, "id", None),
        subject_label=change.label or str(subject),
        before=masking.cleaned(change.before or {}),
        after=masking.cleaned(change.after or {}),
        reason=change.reason,
        address=by.address,
        **dict.fromkeys(("actor_salt", "actor_digest", "subject_salt", "subject_digest"), ""),
    )
    if entry.actor_kind == "user":
        entry.actor_salt = secrets.token_hex(16)
        entry.actor_digest = chain.digest(entry.actor_salt, entry.actor_label, entry.address)
    if entry.subject_type == PERSON:
        entry.subject_salt = secrets.token_hex(16)
        entry.subject_digest = chain.digest(entry.subject_salt, entry.subject_label)
    return entry


def forget(person: db.Base, *, by: Actor, at: datetime) -> int:
    """Erase the name and addresses of a person from the whole trail; tells from how many rows. The chain holds.

    Call it last in a transaction: what is recorded after it names her again. What it did is itself recorded.
    """
    record(ERASED, person, by=by, at=at, label=FORGOTTEN)
    db.session.flush()
    id = getattr(person, "id")  # noqa: B009  # every table that describes a person has one; Base does not say so
    acted, meant = AuditEvent.actor_digest != "", AuditEvent.subject_digest != ""
    as_actor = update(AuditEvent).where(AuditEvent.actor_kind == "user", AuditEvent.actor_id == id, acted)
    as_subject = update(AuditEvent).where(AuditEvent.subject_type == PERSON, AuditEvent.subject_id == id, meant)
    return _rows(as_actor.values(actor_salt="", actor_label=FORGOTTEN, address="")) + _rows(
        as_subject.values(subject_salt="", subject_label=FORGOTTEN)
    )


def _rows(change: Update) -> int:
    return cast("CursorResult[Any]", db.session.execute(change)).rowcount


def publish_head(now: datetime) -> AuditHead | None:
    """Write down the chain's head for the local day, once; None when that is done or nothing is sealed yet.

    The row is what the public page shows. Workers take turns, and the second finds the day taken.
    """
    with db.transaction():
        db.serialize("audit heads")
        newest, day = sealing.head(), local_day(now)
        if newest is None or db.session.get(AuditHead, day) is not None:
            return None
        head = AuditHead(day=day, position=newest[0], hash=newest[1], published_at=now)
        db.session.add(head)
    return head
