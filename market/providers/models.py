"""Providers: firms that sell, their licences, and how to reach their systems."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from market import db
from market.accounts.models import Organization
from market.kit.lifecycle import Lifecycle


class ProviderStatus(StrEnum):
    """Where a provider stands with the administrators."""

    APPLIED = "applied"
    APPROVED = "approved"
    REFUSED = "refused"
    SUSPENDED = "suspended"
    CLOSED = "closed"


_S = ProviderStatus
LIFECYCLE = Lifecycle(
    {
        _S.APPLIED: [_S.APPROVED, _S.REFUSED, _S.CLOSED],
        _S.REFUSED: [_S.APPLIED, _S.CLOSED],
        _S.APPROVED: [_S.SUSPENDED, _S.CLOSED],
        _S.SUSPENDED: [_S.APPROVED, _S.CLOSED],
        _S.CLOSED: [],
    }
)


class Provider(db.Base):
    """What a selling organization shows to buyers, and the endpoint its system listens on."""

    __tablename__ = "providers"

    id: Mapped[int] = db.pk()
    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"), unique=True)
    slug: Mapped[str] = mapped_column(unique=True)
    status: Mapped[ProviderStatus] = mapped_column(
        db.status_type(ProviderStatus), default=ProviderStatus.APPLIED
    )
    name_zh: Mapped[str]
    name_en: Mapped[str]
    summary_zh: Mapped[str] = mapped_column(default="")
    summary_en: Mapped[str] = mapped_column(default="")
    phone: Mapped[str] = mapped_column(default="")
    email: Mapped[str] = mapped_column(default="")
    website: Mapped[str] = mapped_column(default="")
    #: Value-added tax in prices unless a charge says otherwise, as decimal text such as "0.06".
    tax_rate: Mapped[str] = mapped_column(default="0.06")
    #: Where signed provisioning requests are sent; empty means provisioning by hand.
    webhook_url: Mapped[str] = mapped_column(default="")
    #: The signing secret (`whsec_…`), encrypted.
    webhook_secret: Mapped[str] = db.sealed(default="")
    #: The secret before it, which signs as well until the instant beside it, encrypted.
    old_webhook_secret: Mapped[str] = db.sealed(default="", server_default="")
    old_secret_until: Mapped[datetime | None] = mapped_column(db.UTCDateTime)
    #: When its system said 410 and wanted no more; saving the address again starts it anew.
    webhook_stopped_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)
    verified_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)
    #: The last day before identity and licences have to be looked at again, six months after the last time
    #: (网络交易监督管理办法, Art. 24); null until it is taken in.
    recheck_due_on: Mapped[date | None]
    version: Mapped[int] = mapped_column()

    organization: Mapped[Organization] = relationship(lazy="raise")
    licences: Mapped[list[Licence]] = relationship(
        back_populates="provider", lazy="raise", order_by="Licence.id"
    )

    __mapper_args__ = {"version_id_col": version}

    def __str__(self) -> str:
        return self.name_zh


class Licence(db.Base):
    """A licence or certificate of a provider, with its number and last day of validity."""

    __tablename__ = "licences"
    __table_args__ = (UniqueConstraint("provider_id", "kind", "number"),)

    id: Mapped[int] = db.pk()
    provider_id: Mapped[int] = mapped_column(ForeignKey("providers.id"))
    kind: Mapped[str]
    name_zh: Mapped[str]
    name_en: Mapped[str]
    number: Mapped[str]
    valid_until: Mapped[date | None]
    checked_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)

    provider: Mapped[Provider] = relationship(back_populates="licences", lazy="raise")
