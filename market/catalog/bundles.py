"""Solutions: offerings bundled for what a sector needs."""

from __future__ import annotations

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from market import db
from market.catalog.models import Offering


class Solution(db.Base):
    """A bundle of offerings that answers one sector's need."""

    __tablename__ = "solutions"

    id: Mapped[int] = db.pk()
    slug: Mapped[str] = mapped_column(unique=True)
    sector_slug: Mapped[str] = mapped_column(ForeignKey("sectors.slug"))
    name_zh: Mapped[str]
    name_en: Mapped[str]
    summary_zh: Mapped[str]
    summary_en: Mapped[str]
    position: Mapped[int]

    parts: Mapped[list[SolutionPart]] = relationship(
        back_populates="solution", lazy="raise", order_by="SolutionPart.position", cascade="all, delete-orphan"
    )


class SolutionPart(db.Base):
    """One offering in a solution, and what it does there."""

    __tablename__ = "solution_parts"
    __table_args__ = (UniqueConstraint("solution_id", "offering_id"),)

    id: Mapped[int] = db.pk()
    solution_id: Mapped[int] = mapped_column(ForeignKey("solutions.id"))
    offering_id: Mapped[int] = mapped_column(ForeignKey("offerings.id"))
    reason_zh: Mapped[str]
    reason_en: Mapped[str]
    position: Mapped[int]

    solution: Mapped[Solution] = relationship(back_populates="parts", lazy="raise")
    offering: Mapped[Offering] = relationship(lazy="raise")
