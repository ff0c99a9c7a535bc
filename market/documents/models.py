"""Files that people upload, such as business licences."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from market import db


class Document(db.Base):
    """An uploaded file of an organization. The bytes lie encrypted in the data folder, never under `static/`."""

    __tablename__ = "documents"

    id: Mapped[int] = db.pk()
    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"), index=True)
    #: A random word that names the file in the data folder.
    name: Mapped[str] = mapped_column(unique=True)
    #: What the person called it; shown, never used as a path.
    filename: Mapped[str]
    #: Found out from the bytes, not from the name.
    media_type: Mapped[str]
    size: Mapped[int]
    #: Of the bytes as uploaded, hex.
    sha256: Mapped[str]
    uploaded_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    uploaded_at: Mapped[datetime] = mapped_column(db.UTCDateTime)

    def __str__(self) -> str:
        return self.filename
