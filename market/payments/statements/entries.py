"""What a line of a bank's statement says, in whatever format it came. Pure."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import count
from typing import Any

from market.errors import Invalid
from market.kit.refusal import Refusal

_BRACKETS = str.maketrans("（）【】〔〕［］", "()()()()")


class StatementUnreadable(Invalid):
    """The file as a whole cannot be used; the message says what to do instead."""

    code = "statement_unreadable"

    def __init__(self, message: str, **params: Any) -> None:
        super().__init__(message, field="file", **params)


@dataclass(frozen=True)
class Entry:
    """One line: money that came in is more than nothing, money that went out is less."""

    line: int
    booked_on: date | None = None
    amount_fen: int = 0
    payer_name: str = ""
    payer_account: str = ""
    reference: str = ""
    remark: str = ""
    #: Why the line cannot be taken, with everything that could be read of it.
    problem: Refusal | None = None


@dataclass(frozen=True)
class Sheet:
    """What a file holds: its lines, and the account they are about where the file says so."""

    kind: str
    encoding: str
    account: str
    entries: list[Entry] = field(default_factory=list)


def payer_key(name: str) -> str:
    """What two spellings of one firm's name have in common: width, brackets and spaces are the banks' own taste."""
    plain = unicodedata.normalize("NFKC", name).translate(_BRACKETS)
    return "".join(plain.split()).casefold()


def account_key(account: str) -> str:
    """An account without what people and banks put between the digits."""
    return "".join(c for c in unicodedata.normalize("NFKC", account).upper() if c.isalnum())


def said(account: str, entry: Entry) -> str:
    """What a usable line is known by for ever, whatever file brings it again; nothing for one that cannot be used.

    With a reference of the bank's own that is account, reference, day and amount; without one it is everything the
    line says.
    """
    if entry.problem is not None or entry.booked_on is None:
        return ""
    parts = [account_key(account), entry.reference, entry.booked_on.isoformat(), str(entry.amount_fen)]
    if not entry.reference:
        parts += [payer_key(entry.payer_name), account_key(entry.payer_account), entry.remark]
    return "\x1f".join(parts)


def key_of(said: str, place: int) -> str:
    """The key of the line in this place among those that say the same."""
    # The first of a reference has no place: it is known so since before others were counted.
    placed = said if place == 1 and said.split("\x1f")[1] else f"{said}\x1f{place}"
    return hashlib.sha256(placed.encode()).hexdigest()


def places(payers: Sequence[str], kept: Sequence[str]) -> list[int]:
    """Which place each line of a file has among all that say the same, by who paid: first those that are kept already.

    Two equal transfers on one day are two, and so are two that a bank has given one number: a file holds the one, the
    other or both in any order. A name that one format cuts short is still the same; where there is none, nothing says
    that it was somebody else.
    """
    free, found = dict(enumerate(map(payer_key, kept), 1)), dict[int, int]()
    for alike in (str.__eq__, _begin_alike):
        for number, payer in enumerate(map(payer_key, payers)):
            place = next((place for place, name in free.items() if alike(name, payer)), None) if number not in found else None
            if place is not None:
                found[number] = place
                del free[place]
    new = count(len(kept) + 1)
    return [found.get(number) or next(new) for number in range(len(payers))]


def _begin_alike(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)
