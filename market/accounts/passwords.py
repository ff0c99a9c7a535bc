"""Passwords: argon2id with parameters measured for two shared cores, rehashed when they change."""

from __future__ import annotations

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

MINIMUM = 10

_hasher = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)
#: Verified when there is no such account, so that the answer takes as long.
_decoy = _hasher.hash("no account has this password")


def hash(password: str) -> str:
    """A salted hash to store."""
    return _hasher.hash(password)


def verify(stored: str | None, password: str) -> bool:
    """Whether `password` is the one; takes the same time when nothing is stored."""
    try:
        return _hasher.verify(stored or _decoy, password) and stored is not None
    except (VerificationError, InvalidHashError):
        return False


def outdated(stored: str) -> bool:
    """Whether the hash was made with older parameters."""
    return _hasher.check_needs_rehash(stored)
