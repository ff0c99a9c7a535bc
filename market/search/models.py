"""What has changed in the catalogue since an index was last refreshed, and the index that is kept in the database."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from market import db


class Kind(StrEnum):
    """What can be found."""

    OFFERING = "offering"
    PROVIDER = "provider"
    SOLUTION = "solution"


class CatalogChange(db.Base):
    """An offering, a provider or a solution whose entry in every index is to be written again.

    Rows are added in the change's transaction and never removed; each index remembers the last
    one it has taken up, so a lost index is simply one that has taken up none.
    """

    __tablename__ = "catalog_changes"
    __table_args__ = (
        CheckConstraint(
            "(offering_id IS NULL OR provider_id IS NULL) AND (offering_id IS NULL OR solution_id IS NULL) "
            "AND (provider_id IS NULL OR solution_id IS NULL)",
            name="of_one_thing",
        ),
    )

    id: Mapped[int] = db.pk()
    offering_id: Mapped[int | None] = mapped_column(ForeignKey("offerings.id"))
    provider_id: Mapped[int | None] = mapped_column(ForeignKey("providers.id"))
    solution_id: Mapped[int | None] = mapped_column(ForeignKey("solutions.id"))
    at: Mapped[datetime] = mapped_column(db.UTCDateTime)


class SearchGeneration(db.Base):
    """One making of the index in the database: the newest ready one of a dictionary's version answers."""

    __tablename__ = "search_generations"

    id: Mapped[int] = db.pk()
    #: Of the dictionary its words were cut with; other programs' generations are left alone.
    version: Mapped[str]
    #: The last catalogue change that is in it; null while it is being made.
    upto: Mapped[int | None] = mapped_column(db.BigInt)
    begun_at: Mapped[datetime] = mapped_column(db.UTCDateTime)


class SearchDocument(db.Base):
    """What one thing can be found by. Only PostgreSQL keeps its index here."""

    __tablename__ = "search_documents"
    # What is written is found at once without reading through a list of what waits.
    __table_args__ = (
        Index("ix_search_documents_words", "words", postgresql_using="gin", postgresql_with={"fastupdate": "off"}),
    )

    generation_id: Mapped[int] = mapped_column(ForeignKey("search_generations.id", ondelete="CASCADE"), primary_key=True)
    kind: Mapped[Kind] = mapped_column(db.status_type(Kind), primary_key=True)
    ref_id: Mapped[int] = mapped_column(db.BigInt, primary_key=True, autoincrement=False)
    #: All its lexemes.
    words: Mapped[str] = mapped_column(TSVECTOR().with_variant(Text(), "sqlite"))
    #: Those of its name with weight A and of its key words with weight B: few enough to stand in the row itself.
    top: Mapped[str] = mapped_column(TSVECTOR().with_variant(Text(), "sqlite"))
    #: Its text as one line in lower case, in which phrases are looked for.
    line: Mapped[str] = mapped_column(Text)


class SearchWord(db.Base):
    """A word that names or key words have: what a mistyped one may have meant."""

    __tablename__ = "search_words"

    generation_id: Mapped[int] = mapped_column(ForeignKey("search_generations.id", ondelete="CASCADE"), primary_key=True)
    word: Mapped[str] = mapped_column(primary_key=True)
