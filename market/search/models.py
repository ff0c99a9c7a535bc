"""What has changed in the catalogue since an index was last refreshed."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from market import db


class CatalogChange(db.Base):
    """An offering whose entry in every index is to be written again.

    Rows are added in the change's transaction and never removed; each index remembers the last
    one it has taken up, so a lost index is simply one that has taken up none.
    """

    __tablename__ = "catalog_changes"

    id: Mapped[int] = db.pk()
    offering_id: Mapped[int] = mapped_column(ForeignKey("offerings.id"))
    at: Mapped[datetime] = mapped_column(db.UTCDateTime)
