"""Column types: instants, exact quantities, digests, JSON and states, the same on both databases."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum as PyEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, DateTime, Dialect, Enum, Integer, LargeBinary
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP, UUID
from sqlalchemy.orm import MappedColumn, mapped_column
from sqlalchemy.types import TypeDecorator, TypeEngine


class UTCDateTime(TypeDecorator[datetime]):
    """An instant: aware in Python, UTC in the database; naive values are refused."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(TIMESTAMP(timezone=True))
        return dialect.type_descriptor(DateTime())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone cannot be stored")
        value = value.astimezone(UTC)
        return value if dialect.name == "postgresql" else value.replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Quantity(TypeDecorator[Decimal]):
    """A Decimal with at most six places, stored exactly as millionths."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> int | None:
        if value is None:
            return None
        millionths = value.scaleb(6)
        if millionths != int(millionths):
            raise ValueError(f"{value} has more than six decimal places")
        return int(millionths)

    def process_result_value(self, value: int | None, dialect: Dialect) -> Decimal | None:
        return None if value is None else Decimal(value).scaleb(-6).normalize() + 0


class Digest(TypeDecorator[bytes]):
    """Sixteen bytes of a hash; a `uuid` on PostgreSQL, which has no smaller type to hold and compare them."""

    impl = LargeBinary(16)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(UUID(as_uuid=True) if dialect.name == "postgresql" else LargeBinary(16))

    def process_bind_param(self, value: bytes | None, dialect: Dialect) -> bytes | uuid.UUID | None:
        return uuid.UUID(bytes=value) if value is not None and dialect.name == "postgresql" else value

    def process_result_value(self, value: bytes | uuid.UUID | None, dialect: Dialect) -> bytes | None:
        return value.bytes if isinstance(value, uuid.UUID) else value


JSONType = JSON().with_variant(JSONB(), "postgresql")
BigInt = BigInteger().with_variant(Integer(), "sqlite")


def pk() -> MappedColumn[int]:
    """A whole-number primary key that counts up on both databases."""
    return mapped_column(BigInt, primary_key=True)


def sealed(**options: Any) -> MappedColumn[str]:
    """A text column that holds what `resources.cipher` wrote; `market secrets rotate` writes it with the newest key."""
    return mapped_column(info={"sealed": True}, **options)


def status_type(states: type[PyEnum]) -> Enum:
    """A text column that holds one of `states`; a CHECK says so in the database too."""
    return Enum(
        states,
        native_enum=False,
        create_constraint=True,
        length=32,
        name="status_known" if states.__name__.endswith("Status") else f"{states.__name__.lower()}_known",
        values_callable=lambda kinds: [kind.value for kind in kinds],
    )
