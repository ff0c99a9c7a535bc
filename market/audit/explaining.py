"""Saying in words what is wrong where the chain does not hold, and which row it is about.

Called once, at the first break, so it may look through the whole trail for where a row has gone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from market.audit import chain
from market.audit.links import Link, Row, first_unsealed, link_where, row_that_gives
from market.audit.models import AuditLink

Kind = Literal["changed", "missing", "inserted", "reordered", "forged", "unsealed", "cut", "head"]


@dataclass(frozen=True)
class Break:
    """The first thing that is wrong: the row by its id, the place in the chain, and what it is in words."""

    kind: Kind
    event_id: int | None
    position: int | None
    words: str

    def __str__(self) -> str:
        row = f"row {self.event_id}" if self.event_id is not None else "a row"
        place = f" (no. {self.position})" if self.position is not None else ""
        return f"{row}{place}: {self.kind}. {self.words}"


def explain(last: Link, link: Link, row: Row | None) -> Break:
    """Why `link` does not follow `last`, or does not seal its row."""
    if row is None:
        return _without_row(link)
    own = chain.seal(link.previous_hash, row)
    if link.previous_hash == last.hash:
        return _not_sealed(link, own)
    return _not_joined(last, link) if own == link.hash else _neither(last, link, row)


def gap(last: Link, link: Link) -> Break:
    """Why no link has the position after `last`."""
    expected = last.position + 1
    if link.position < expected:
        return Break("forged", link.event_id, link.position, f"Its link has no. {link.position}; numbers begin with 1.")
    moved = link_where(AuditLink.previous_hash == last.hash)
    if moved is not None:
        words = f"Its link belongs at no. {expected} and stands at no. {moved.position}."
        return Break("reordered", moved.event_id, expected, words)
    found = row_that_gives(link.previous_hash, last.hash) if link.position == expected + 1 else None
    id = found["id"] if found else first_unsealed()
    if id is not None:
        return Break("missing", id, expected, f"Its link, no. {expected}, is gone; the row is still there.")
    words = f"Row and link are gone: no. {expected} stood between row {last.event_id} and row {link.event_id}."
    return Break("missing", _between(last, link), expected, words)


def unsealed(last: Link) -> Break | None:
    """A row that no link seals, after the whole chain has held."""
    id = first_unsealed()
    if id is None:
        return None
    if link_where(AuditLink.event_id > id) is not None:
        return Break("inserted", id, None, "It was put into the trail past the program: no link seals it.")
    words = f"No link seals it: it was added past the program, or the chain was cut off after no. {last.position}."
    return Break("unsealed", id, None, words)


def _without_row(link: Link) -> Break:
    found = row_that_gives(link.hash, link.previous_hash)
    if found is not None:
        words = f"Its link, no. {link.position}, was made to name row {link.event_id}, which does not exist."
        return Break("forged", found["id"], link.position, words)
    return Break("missing", link.event_id, link.position, f"The row is gone; its link, no. {link.position}, remains.")


def _not_sealed(link: Link, own: str) -> Break:
    """The link is joined to the one before, but its hash is not the one its row gives."""
    following = link_where(AuditLink.position == link.position + 1)
    if following is not None and following.previous_hash == own:
        return Break("forged", link.event_id, link.position, "The hash in its link was changed; the row is as it was sealed.")
    found = row_that_gives(link.hash, link.previous_hash)
    if found is None:
        words = "The row is not as it was sealed: it does not give the hash in its link."
        return Break("changed", link.event_id, link.position, words)
    if link_where(AuditLink.event_id == found["id"]) is None:
        words = f"Its link, no. {link.position}, was made to name row {link.event_id}."
        return Break("forged", found["id"], link.position, words)
    words = f"It stands at no. {link.position}, where row {found['id']} was sealed."
    return Break("reordered", link.event_id, link.position, words)


def _not_joined(last: Link, link: Link) -> Break:
    """The link seals its row, but it does not follow the one before: the one before is false, or the order is."""
    before = _position_of(link.previous_hash)
    if before == link.position - 2:
        words = f"It was put in at no. {last.position}: no. {link.position} follows no. {before}'s hash directly."
        return Break("inserted", last.event_id, last.position, words)
    if before is not None:
        words = f"Its link stands at no. {link.position}, but was made to follow the one that is now no. {before}."
        return Break("reordered", link.event_id, link.position, words)
    found = row_that_gives(link.previous_hash, last.hash)
    if found is not None and found["id"] != link.event_id:
        return Break("missing", found["id"], link.position, f"Its link, which stood before no. {link.position}, is gone.")
    words = (
        f"Its link was made anew: no. {link.position} was sealed after another hash than it now has. "
        f"The row was changed, or one that followed it was removed."
    )
    return Break("forged", last.event_id, last.position, words)


def _neither(last: Link, link: Link, row: Row) -> Break:
    if chain.seal(last.hash, row) == link.hash:
        words = "The previous hash in its link was changed; the row is as it was sealed."
        return Break("forged", link.event_id, link.position, words)
    words = "Neither does it give the hash in its link, nor does its link follow the one before."
    return Break("changed", link.event_id, link.position, words)


def _position_of(hash: str) -> int | None:
    if hash == chain.GENESIS:
        return 0
    found = link_where(AuditLink.hash == hash)
    return found.position if found else None


def _between(last: Link, link: Link) -> int | None:
    """The id that is missing between two rows, if it can only be one."""
    return last.event_id + 1 if link.event_id == last.event_id + 2 and link.position == last.position + 2 else None
