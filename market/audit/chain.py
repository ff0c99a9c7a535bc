"""The form of the chain, to the byte: what a row's hash is taken over. Pure; `docs/algorithms.md` describes it.

    hash of no. n = SHA-256(hash of no. n−1, 64 hex digits in ASCII, followed by the row in canonical JSON, in UTF-8)

The row before the first has the hash `GENESIS`. A person's name and address are in the JSON only as a salted digest.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

GENESIS = "0" * 64
#: Keeps a digest from being guessed; it is the secret that erasure destroys, not part of the row.
SALTS = ("actor_salt", "subject_salt")
#: digest -> the salt and the texts it stands for.
PERSONAL = {
    "actor_digest": ("actor_salt", ("actor_label", "address")),
    "subject_digest": ("subject_salt", ("subject_label",)),
}

# Bytes where a text should be are a sign of tampering; they need a form, not a meaning.
_canonical = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=repr).encode


def digest(salt: str, *texts: str) -> str:
    """What texts about a person count for: the SHA-256 of a JSON list of the salt and the texts."""
    return _sha256(_canonical([salt, *texts]))


def instant(at: datetime) -> str:
    """A time in the row: UTC, always six decimals, such as 2026-11-20T02:00:00.000000Z."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def canonical(row: Mapping[str, Any]) -> str:
    """A row as JSON: keys sorted, no spaces, nothing escaped that need not be; no salt, and no text that a digest
    stands for. `at` is text already."""
    left_out = set(SALTS)
    for name, (_salt, texts) in PERSONAL.items():
        if row[name]:
            left_out.update(texts)
    return _canonical({name: value for name, value in row.items() if name not in left_out})


def seal(previous: str, row: Mapping[str, Any]) -> str:
    """The hash of a row that follows the link with the hash `previous`."""
    return link_hash(previous, canonical(row))


def link_hash(previous: str, text: str) -> str:
    """The same for a row that is canonical JSON already."""
    return _sha256(previous + text)


def _sha256(text: str) -> str:
    # A text that is no Unicode, as only tampering leaves behind, has a hash too: no link has that one.
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
