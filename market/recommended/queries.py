"""Questions about the recommended catalogue."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any

from sqlalchemy import BindParameter, Date, Select, bindparam, or_, select
from sqlalchemy.orm import contains_eager, joinedload

from market import db
from market.catalog import Charge, Offering, OfferingRevision, OfferingStatus, Plan
from market.errors import NotFound
from market.providers import Provider, ProviderStatus
from market.recommended.models import OPEN, Edition, Entry, EntryStatus

_EVER_LISTED = (EntryStatus.LISTED, EntryStatus.EXPIRED, EntryStatus.WITHDRAWN)


def current_edition(on: date) -> Edition | None:
    """The edition in force on a day; of two that overlap, the one that began later."""
    query = select(Edition).where(Edition.starts_on <= on, Edition.ends_on >= on)
    return db.session.scalar(query.order_by(Edition.starts_on.desc(), Edition.id.desc()).limit(1))


def editions() -> Sequence[Edition]:
    """Every edition, the latest first."""
    return db.session.scalars(select(Edition).order_by(Edition.starts_on.desc(), Edition.id.desc())).all()


def past_editions(on: date) -> Sequence[Edition]:
    """The editions whose last day was before this one, the latest first."""
    query = select(Edition).where(Edition.ends_on < on)
    return db.session.scalars(query.order_by(Edition.ends_on.desc(), Edition.id.desc())).all()


def edition_by_slug(slug: str) -> Edition:
    """One edition. Raises NotFound."""
    edition = db.session.scalar(select(Edition).where(Edition.slug == slug))
    if edition is None:
        raise NotFound
    return edition


def entries(edition: Edition) -> Sequence[Entry]:
    """Everything nominated for an edition, the latest first, with offering, words, provider and people."""
    query = select(Entry).where(Entry.edition_id == edition.id).order_by(Entry.id.desc())
    return db.session.scalars(query.options(*_with_words())).all()


def once_listed(edition: Edition) -> Sequence[Entry]:
    """What an edition has ever listed, taken out early or not, the earliest decision first."""
    listed = Entry.edition_id == edition.id, Entry.status.in_(_EVER_LISTED)
    query = select(Entry).where(*listed).order_by(Entry.decided_at, Entry.id)
    return db.session.scalars(query.options(*_with_words())).all()


def waiting() -> Sequence[Entry]:
    """Nominations without a decision, oldest first, of every edition."""
    query = select(Entry).where(Entry.status.in_((EntryStatus.NOMINATED, EntryStatus.SCORED))).order_by(Entry.id)
    return db.session.scalars(query.options(*_with_words())).all()


def candidates(edition: Edition, words: str = "") -> Select[Offering]:
    """What can be bought and has no open entry in an edition, newest first; to be paged. `words` are in its name."""
    taken = select(Entry.offering_id).where(Entry.edition_id == edition.id, Entry.status.in_(OPEN))
    query = (
        select(Offering)
        .join(Offering.provider)
        .join(Offering.live_revision)
        .where(Offering.status == OfferingStatus.LIVE, Provider.status == ProviderStatus.APPROVED)
        .where(Offering.id.not_in(taken))
        .order_by(Offering.listed_at.desc(), Offering.id.desc())
        .options(
            contains_eager(Offering.provider), contains_eager(Offering.live_revision), joinedload(Offering.category)
        )
    )
    if words:
        named = (OfferingRevision.facts["name_zh"], OfferingRevision.facts["name_en"])
        query = query.where(
            or_(
                Provider.name_zh.contains(words, autoescape=True),
                *(name.as_string().icontains(words, autoescape=True) for name in named),
            )
        )
    return query


def candidate(edition: Edition, offering_id: int) -> Offering:
    """One of the candidates. Raises NotFound for what is not live or already has an open entry."""
    offering = db.session.scalar(candidates(edition).where(Offering.id == offering_id))
    if offering is None:
        raise NotFound
    return offering


def entry_by_id(id: int) -> Entry:
    """One entry. Raises NotFound."""
    entry = db.session.scalar(select(Entry).where(Entry.id == id).options(*_with_words()))
    if entry is None:
        raise NotFound
    return entry


def listed_for(offering_ids: Collection[int], on: date) -> dict[int, Entry]:
    """The entries that put these offerings into the catalogue on a day, by offering; with their edition."""
    found = db.session.scalars(_LISTED_FOR, {"on": on, "ids": list(offering_ids)})
    return {entry.offering_id: entry for entry in found}


def listed_ids(on: date) -> Sequence[int]:
    """The ids of all offerings in the catalogue on a day."""
    return db.session.scalars(_LISTED_IDS, {"on": on}).all()


def listed(on: date) -> Sequence[Entry]:
    """The catalogue as the public sees it on a day: entries whose offering can be bought, with all a card shows."""
    query = (
        _LISTED.join(Entry.offering)
        .join(Provider, Provider.id == Offering.provider_id)
        .where(Offering.status == OfferingStatus.LIVE, Provider.status == ProviderStatus.APPROVED)
        .order_by(Entry.decided_at.desc(), Entry.id.desc())
    )
    plans = joinedload(Entry.offering).selectinload(Offering.live_plans)
    loads = (*_with_words(), plans.selectinload(Plan.charges).joinedload(Charge.meter))
    return db.session.scalars(query.options(*loads), {"on": on}).all()


_ON: BindParameter[date] = bindparam("on", type_=Date)
#: Put together once: every list of services asks. The sweep ends listings a moment after the edition's last day; the dates
#: already hold before it runs.
_LISTED = (
    select(Entry).join(Entry.edition).where(Entry.status == EntryStatus.LISTED, Edition.starts_on <= _ON, Edition.ends_on >= _ON)
)
_LISTED_IDS = _LISTED.with_only_columns(Entry.offering_id)
_LISTED_FOR = _LISTED.where(Entry.offering_id.in_(bindparam("ids", expanding=True))).options(joinedload(Entry.edition))


def _with_words() -> tuple[Any, ...]:
    offering = joinedload(Entry.offering)
    return (
        joinedload(Entry.edition),
        joinedload(Entry.nominated_by),
        joinedload(Entry.decided_by),
        offering.joinedload(Offering.provider),
        offering.joinedload(Offering.category),
        offering.joinedload(Offering.live_revision),
    )
