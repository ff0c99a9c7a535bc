"""Pages of a long list, addressed by `?page=2`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from flask import request
from sqlalchemy import Select, func, select

from market import db
from market.web.locale import here_with

LAST_PAGE = 10_000


@dataclass(frozen=True)
class Page:
    """One page of a list: `items`, their 1-based `number`, `total` of all pages together."""

    items: Sequence[Any]
    number: int
    size: int
    total: int

    @property
    def last(self) -> int:
        """The number of the last page, at least 1."""
        return max(1, -(-self.total // self.size))

    @property
    def first_item(self) -> int:
        """The 1-based place in the whole list of this page's first item; 0 when the list is empty."""
        return (self.number - 1) * self.size + 1 if self.items else 0

    @property
    def last_item(self) -> int:
        """The place in the whole list of this page's last item."""
        return self.first_item + len(self.items) - 1 if self.items else 0

    def numbers(self) -> list[int | None]:
        """The page numbers to offer; `None` stands for a gap."""
        wanted = sorted(
            {1, self.last, *range(self.number - 1, self.number + 2)} & set(range(1, self.last + 1))
        )
        shown: list[int | None] = []
        for number in wanted:
            if shown and shown[-1] is not None and number - shown[-1] > 1:
                shown.append(None)
            shown.append(number)
        return shown

    def url(self, number: int) -> str:
        """The address of another page of the same list, filters kept."""
        return here_with(page=number if number > 1 else None)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)


def current_number() -> int:
    """The page asked for; anything that is not a page number means the first."""
    text = request.args.get("page", "")
    return min(max(int(text), 1), LAST_PAGE) if text.isascii() and text.isdigit() and len(text) < 9 else 1


def page_of(statement: Select[Any], *, size: int = 20) -> Page:
    """The page of `statement` that the address asks for; past the end it is the last one.

    Most lists end on the page that is shown; only where they may not are they counted.
    """
    number = current_number()
    rows = _rows(statement, number, size)
    if len(rows) < size and (rows or number == 1):
        return Page(rows, number, size, (number - 1) * size + len(rows))
    total = db.session.scalar(select(func.count()).select_from(statement.order_by(None).subquery())) or 0
    last = max(1, -(-total // size))
    return Page(rows if number <= last else _rows(statement, last, size), min(number, last), size, total)


def _rows(statement: Select[Any], number: int, size: int) -> Sequence[Any]:
    return db.session.scalars(statement.limit(size).offset((number - 1) * size)).unique().all()


def first_of(statement: Select[Any], size: int) -> Sequence[Any]:
    """The first rows of `statement`, where nobody turns pages and nothing is counted."""
    return db.session.scalars(statement.limit(size)).unique().all()


def page_of_list(items: Sequence[Any], *, size: int = 20) -> Page:
    """The asked-for page of a list that is already in memory."""
    number = min(current_number(), max(1, -(-len(items) // size)))
    return Page(items[(number - 1) * size : number * size], number, size, len(items))
