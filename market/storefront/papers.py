"""Certificates of an offering and licences of its provider: one table, with last days and when they were checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from market import catalog, providers
from market.catalog import Offering
from market.providers import Licence
from market.storefront import places
from market.web import formats


@dataclass(frozen=True)
class Paper:
    """One certificate or licence; `state` is valid, expiring, expired or unchecked."""

    name: str
    number: str
    valid_until: date | None
    checked_at: datetime | None
    state: str
    of_provider: bool = False


def papers(offering: Offering, on: date) -> list[Paper]:
    """What an offering holds, then what its provider holds. An administrator saw the former at the review."""
    revision = catalog.shown_revision(offering)
    own = [_certificate(held, revision.decided_at or revision.published_at, on) for held in revision.facts["certificates"]]
    return own + [replace(paper, of_provider=True) for paper in of_licences(offering.provider.licences, on)]


def of_licences(licences: Iterable[Licence], on: date) -> list[Paper]:
    """The licences of one provider."""
    return [
        Paper(
            formats.local(licence, "name"), licence.number, licence.valid_until, licence.checked_at,
            providers.licence_state(licence, on),
        )
        for licence in licences
    ]  # fmt: skip


def _certificate(held: Mapping[str, Any], checked_at: datetime | None, on: date) -> Paper:
    last = date.fromisoformat(str(held["valid_until"])) if held.get("valid_until") else None
    state = "expired" if places.expired(held, on) else _expiring(last, on, checked_at)
    return Paper(places.certificate_name(held["type"]), held["number"], last, checked_at, state)


def _expiring(last: date | None, on: date, checked_at: datetime | None) -> str:
    if last is not None and last < on + providers.EXPIRING:
        return "expiring"
    return "valid" if checked_at is not None else "unchecked"
