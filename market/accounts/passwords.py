"""Passwords: argon2id with parameters measured for two shared cores, rehashed when they change; and what is none."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from market import resources
from market.accounts import common_passwords
from market.kit.refusal import Refusal

MINIMUM, MAXIMUM = 10, 200

_hasher = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)
#: Verified when there is no such account, so that the answer takes as long: a hash with these same parameters.
_DECOY = "$argon2id$v=19$m=19456,t=2,p=1$hK4aeslXTYMbWYEH3PhSmg$1UfTDlsPlsPJg0YpFg2ve2JZVZ9o2GfmRPPYa1a+k+8"


def hash(password: str) -> str:
    """A salted hash to store."""
    return _hasher.hash(_normal(password))


def verify(stored: str | None, password: str) -> bool:
    """Whether `password` is the one; takes the same time when nothing is stored."""
    try:
        # Longer than any password may be: compared all the same, for the time it takes.
        right = _hasher.verify(stored or _DECOY, _normal(password[: MAXIMUM + 1]))
    except (VerificationError, InvalidHashError):
        return False
    return right and stored is not None


def outdated(stored: str) -> bool:
    """Whether the hash was made with older parameters."""
    return _hasher.check_needs_rehash(stored)


def problem(password: str, *, email: str = "", name: str = "") -> Refusal | str | None:
    """What is wrong with a new password, as a sentence; None if nothing is. Letters, digits and marks are all free."""
    password = _normal(password)
    if len(password) < MINIMUM:
        return "密码至少 10 个字符。可以用几个词连起来，好记也安全。"
    if len(password) > MAXIMUM:
        return Refusal("密码最多 %(limit)d 个字符，现在有 %(count)d 个。", limit=MAXIMUM, count=len(password))
    settings = resources.settings
    if _repeats(password, [*email.lower().split("@")[:1], email, name]):
        return "密码里别用自己的邮箱或姓名，别人最先猜的就是它们。请换一个。"
    if _repeats(password, [settings.site_name_zh, settings.site_name_en]):
        return "密码里别用本站的名字，别人最先猜的就是它。请换一个。"
    if common_passwords.is_common(password):
        return "这个密码太常见，几次就会被猜中。请换一个，比如用几个不相干的词连起来。"
    return None


def _repeats(password: str, words: Iterable[str]) -> bool:
    """Whether little remains of the password without one of these words."""
    bare = common_passwords.squeezed(password)
    known = [common_passwords.squeezed(word) for word in words]
    return any(len(word) >= 2 and word in bare and len(bare.replace(word, "")) < 6 for word in known)


def _normal(password: str) -> str:
    """One person's keyboard types a letter as one character, another's as two: both are the same password."""
    return unicodedata.normalize("NFKC", password)
