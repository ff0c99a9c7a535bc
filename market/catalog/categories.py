"""Categories: the kinds of service that the plan names, and what each is divided into."""

from __future__ import annotations

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from market import db


class Category(db.Base):
    """One of the plan's four kinds of service, or a sub-category of one."""

    __tablename__ = "categories"

    slug: Mapped[str] = mapped_column(primary_key=True)
    parent_slug: Mapped[str | None] = mapped_column(ForeignKey("categories.slug"))
    name_zh: Mapped[str]
    name_en: Mapped[str]
    summary_zh: Mapped[str] = mapped_column(default="")
    summary_en: Mapped[str] = mapped_column(default="")
    icon: Mapped[str] = mapped_column(default="")
    #: CSS class of the tile's colour, such as `t1`.
    tile: Mapped[str] = mapped_column(default="")
    position: Mapped[int]
