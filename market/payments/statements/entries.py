"""What a line of a bank's statement says, in whatever format it came. Pure."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
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


def keyed(account: str, entries: Iterable[Entry]) -> Iterator[tuple[Entry, str]]:
    """Each usable line with the key that it is known by for ever, whatever file brings it again.

    With a reference of the bank's own that is account, reference, day and amount; without one it is everything the
    line says. Lines of one file that say the same are told apart by their place among them: two equal transfers on one
    day are two, and so are two that a bank has given one number.
    """
    account, seen = account_key(account), dict[str, int]()
    for entry in entries:
        if entry.problem is not None or entry.booked_on is None:
            continue
        said = [account, entry.reference, entry.booked_on.isoformat(), str(entry.amount_fen)]
        if not entry.reference:
            said += [payer_key(entry.payer_name), account_key(entry.payer_account), entry.remark]
        same = "\x1f".join(said)
        seen[same] = place = seen.get(same, 0) + 1
        # The first of a reference has no place: it is known so since before others were counted.
        if place > 1 or not entry.reference:
            said.append(str(place))
        yield entry, hashlib.sha256("\x1f".join(said).encode()).hexdigest()
