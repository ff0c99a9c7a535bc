"""Verifying the trail: walk the chain from its first link and name the first row that is not as it was sealed.

Memory stays flat however long the trail is. What the chain alone cannot show, that it was made anew from some row on
or cut off at its end, the published heads show.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass, field
from typing import Any

from sqlalchemy import func, select

from market import db
from market.audit import chain, rows
from market.audit.actions import ERASED, PERSON
from market.audit.explaining import Break, explain, gap, unsealed
from market.audit.links import START, Link, Row, first_unsealed, walked
from market.audit.models import FORGOTTEN, AuditHead, AuditLink

_EVERY = 1000


@dataclass(frozen=True)
class Head:
    """A link as it was told to the world: what the chain must still say at this position."""

    position: int
    hash: str
    source: str


@dataclass
class Report:
    """What the verifier saw: how far it came, and the first thing that is wrong."""

    rows: int = 0
    hash: str = chain.GENESIS
    #: Rows whose names were erased with a record of it.
    erased: int = 0
    #: Published heads with which the chain agrees.
    heads: int = 0
    broken: Break | None = field(default=None)

    @property
    def whole(self) -> bool:
        """Whether nothing is wrong."""
        return self.broken is None

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {"whole": self.whole, **asdict(self)}


def verify(heads: Iterable[Head] = (), *, told: Callable[[int], object] = lambda _rows: None) -> Report:
    """Check every row, every link and every head, those stored and those given; `told` hears how many more rows are
    done. Runs beside writers."""
    # Heads are read before the chain: a head that is published meanwhile is not asked of an older picture of it.
    wanted = _by_position([*_stored_heads(), *heads])
    report, last, people = Report(), START, _People()
    with rows.any_bytes(), closing(walked()) as chained:
        for link, row in chained:
            report.broken = _wrong(last, link, row, people) or _contradicted(report, link, wanted)
            if report.broken:
                return report
            last = link
            report.rows, report.hash = link.position, link.hash
            if link.position % _EVERY == 0:
                told(_EVERY)
        told(report.rows % _EVERY)
        report.erased = people.rows
        report.broken = _cut(last, wanted) or unsealed(last) or people.unrecorded()
    return report


def size() -> int:
    """How many rows there are to verify."""
    return db.session.scalar(select(func.max(AuditLink.position))) or 0


def _stored_heads() -> Iterator[Head]:
    for head in db.session.scalars(select(AuditHead).order_by(AuditHead.day)):
        yield Head(head.position, head.hash, f"published on {head.day.isoformat()}")


def _by_position(heads: Iterable[Head]) -> dict[int, list[Head]]:
    found: dict[int, list[Head]] = {}
    for head in heads:
        found.setdefault(head.position, []).append(head)
    return found


def _wrong(last: Link, link: Link, row: Row | None, people: _People) -> Break | None:
    if link.position != last.position + 1:
        return gap(last, link)
    sealed = row is not None and chain.seal(link.previous_hash, row) == link.hash
    if row is None or not sealed or link.previous_hash != last.hash:
        return explain(last, link, row)
    if wrong := people.see(link, row):
        return Break("changed", link.event_id, link.position, wrong)
    return None


#: digest -> column with the number of the person whose texts it stands for.
_WHO = {"actor_digest": "actor_id", "subject_digest": "subject_id"}


class _People:
    """What enters the hash by a digest only: it agrees with the digest, or its person was erased, with a record of it.

    The record follows the rows that it explains, so what is erased is remembered by person until the end.
    """

    def __init__(self) -> None:
        self.rows = 0
        self._recorded: set[int] = set()
        #: person -> the first row from which she was erased.
        self._erased: dict[int, Link] = {}

    def see(self, link: Link, row: Row) -> str:
        """What is wrong with a sealed row's texts about people; empty when nothing is."""
        if row["action"] == ERASED and row["subject_type"] == PERSON:
            self._recorded.add(row["subject_id"])
        erased = [name for name in chain.PERSONAL if row[name] and not row[chain.PERSONAL[name][0]]]
        self.rows += bool(erased)
        for name in erased:
            self._erased.setdefault(row[_WHO[name]], link)
        return next(filter(None, (_unlike(row, name) for name in chain.PERSONAL)), "")

    def unrecorded(self) -> Break | None:
        """The first row of a person who was erased without a record of it."""
        found = [(link, person) for person, link in self._erased.items() if person not in self._recorded]
        if not found:
            return None
        link, person = min(found)
        words = f"Names in it were erased, but no sealed {ERASED} says that person {person} was."
        return Break("changed", link.event_id, link.position, words)


def _unlike(row: Row, name: str) -> str:
    """How the texts differ from their digest; empty when they do not."""
    salt, texts = chain.PERSONAL[name]
    if not row[name]:
        return f"It has {salt} without {name}." if row[salt] else ""
    if row[salt]:
        agrees = chain.digest(row[salt], *(row[text] for text in texts)) == row[name]
        return "" if agrees else f"Its {salt}, {' or '.join(texts)} was changed: they do not give its {name}."
    blank = [row[text] for text in texts] == [FORGOTTEN, ""][: len(texts)]
    return "" if blank else f"Its {' or '.join(texts)} was written anew after the person was erased."


def _contradicted(report: Report, link: Link, wanted: Mapping[int, list[Head]]) -> Break | None:
    for head in wanted.get(link.position, ()):
        if head.hash != link.hash:
            return Break(
                "head", link.event_id, link.position,
                f"The head {head.source} says {head.hash} at no. {head.position}, the chain says {link.hash}. "
                f"Either the head is not genuine, or a row up to this one was changed and the chain made anew from there"
                f" ({report.heads} heads before it agree).",
            )  # fmt: skip
        report.heads += 1
    return None


def _cut(last: Link, wanted: Mapping[int, list[Head]]) -> Break | None:
    """A head beyond the end of the chain: its tail is gone."""
    beyond = sorted(position for position in wanted if position > last.position)
    if not beyond:
        return None
    head = wanted[beyond[0]][0]
    words = (
        f"The chain ends at no. {last.position}, but a head {head.source} says that there was a no. {head.position}: "
        f"the tail from no. {last.position + 1} on was cut off."
    )
    return Break("cut", first_unsealed(), last.position + 1, words)
