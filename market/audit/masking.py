"""What the trail must not hold: secrets, and ways to reach a person."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_MOBILE = re.compile(r"(?:\+?86[ -]?)?1[3-9]\d(?:[ -]?\d{4}){2}")
#: Words in the name of a field whose value is never written down.
_SECRET = re.compile(r"password|passphrase|secret|token|recovery|totp|otp_|private_key|credential", re.IGNORECASE)
HIDDEN = "***"


def masked(contact: str) -> str:
    """An e-mail address or phone number that its owner recognizes and nobody else can use.

    anna.li@example.com → a***@example.com, 13812345678 → 138****5678.
    """
    name, at, domain = contact.strip().rpartition("@")
    if at:
        return f"{name[:1]}{HIDDEN}@{domain}"
    digits = re.sub(r"\D", "", contact)
    if len(digits) < 7:
        return HIDDEN if contact.strip() else ""
    return f"{digits[:-8] if len(digits) > 8 else ''}****{digits[-4:]}"


def cleaned(values: Mapping[str, Any]) -> dict[str, Any]:
    """What may be written down of `values`: secrets hidden, e-mail addresses and mobile numbers masked, and no binary
    floats, which no two programs write alike."""
    return {name: HIDDEN if _SECRET.search(str(name)) and _tells(value) else _clean(value) for name, value in values.items()}


def _tells(value: Any) -> bool:
    """Whether a value could be a secret: that there is one, or when it was made, is none."""
    return not isinstance(value, bool | int) and bool(value)


def _clean(value: Any) -> Any:
    if isinstance(value, Mapping):
        return cleaned(value)
    if isinstance(value, list | tuple):
        return [_clean(one) for one in value]
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, str) and (_EMAIL.fullmatch(value.strip()) or _MOBILE.fullmatch(value.strip())):
        return masked(value)
    return value
