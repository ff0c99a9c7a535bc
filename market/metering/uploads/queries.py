"""Questions about uploaded files; a stranger's is not found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload

from market import db
from market.catalog.models import Aggregation, Meter
from market.errors import NotFound
from market.metering.uploads.cells import Properties
from market.metering.uploads.models import OPEN, UploadPart, UsageUpload
from market.providers.models import Provider

#: Their meters read no number.
_WORDS = ("count", "unique_count")


class ReportLine(NamedTuple):
    """What became of a line. `message` is a Chinese source text, `params` fills it."""

    line: int
    id: str
    outcome: str
    code: str
    message: str
    params: dict[str, Any]
    #: When the event that came first was stored, of a duplicate or conflict.
    first: str


def own_source(provider: Provider) -> str:
    """The source of files of a provider whose programs report nothing."""
    return f"/{provider.slug}/files"


def uploads_of(provider: Provider) -> Select[UsageUpload]:
    """All files of a provider, newest first."""
    query = select(UsageUpload).where(UsageUpload.provider_id == provider.id).order_by(UsageUpload.id.desc())
    return query.options(joinedload(UsageUpload.uploaded_by))


def upload_of(provider: Provider, id: int) -> UsageUpload:
    """One of a provider's files. Raises NotFound for a stranger's."""
    found = db.session.scalar(uploads_of(provider).where(UsageUpload.id == id))
    if found is None:
        raise NotFound
    return found


def open_ids(provider: Provider | None = None) -> Sequence[int]:
    """Files that are not taken in yet, oldest first."""
    query = select(UsageUpload.id).where(UsageUpload.status.in_(OPEN)).order_by(UsageUpload.id)
    return db.session.scalars(query if provider is None else query.where(UsageUpload.provider_id == provider.id)).all()


def report(upload_id: int, *, lost_only: bool = False) -> Iterator[ReportLine]:
    """What became of each line of a file that is taken in, in its order; read part by part, so it may be sent so too."""
    positions = db.session.scalars(
        select(UploadPart.position).where(UploadPart.upload_id == upload_id, UploadPart.verdicts.is_not(None))
    )
    for position in sorted(positions):
        written = db.session.scalar(
            select(UploadPart.verdicts).where(UploadPart.upload_id == upload_id, UploadPart.position == position)
        )
        lines = msgspec.json.decode(written or "[]", type=list[ReportLine])
        yield from (line for line in lines if not lost_only or line.outcome in ("refused", "conflict"))


def value_properties(provider: Provider, *, at: datetime) -> Properties:
    """Where the provider's meters read their values: event type → property of `data` → whether it is a number."""
    found: dict[str, dict[str, bool]] = {}
    for meter in db.session.scalars(select(Meter).where(Meter.provider_id == provider.id, Meter.created_at <= at)):
        known = found.setdefault(meter.event_type, {})
        if meter.aggregation is not Aggregation.COUNT and meter.value_property:
            number = meter.aggregation.value not in _WORDS
            known[meter.value_property] = known.get(meter.value_property, False) or number
    return found
