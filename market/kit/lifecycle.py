"""Lifecycles: a status moves along declared edges or not at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, Generic, TypeVar

from market.kit.refusal import Refusal

S = TypeVar("S", bound=StrEnum)


class IllegalMove(Refusal):
    """No edge leads from the one state to the other."""

    code = "illegal_move"

    def __init__(self, from_: str, to: str) -> None:
        self.from_, self.to = from_, to
        super().__init__("状态不能从“%(from_state)s”变为“%(to_state)s”", from_state=str(from_), to_state=str(to))


class Lifecycle(Generic[S]):
    """The states of a thing and the moves between them; the first one named is where it begins."""

    def __init__(self, moves: Mapping[S, Sequence[S]]) -> None:
        unknown = {to for targets in moves.values() for to in targets} - set(moves)
        if unknown or not moves:
            raise ValueError(f"every state needs its own line: {sorted(unknown)}")
        self._moves = {state: tuple(targets) for state, targets in moves.items()}

    @property
    def initial(self) -> S:
        """The state a new thing is in."""
        return next(iter(self._moves))

    @property
    def states(self) -> tuple[S, ...]:
        """Every state, in the order declared."""
        return tuple(self._moves)

    @property
    def final(self) -> tuple[S, ...]:
        """The states nothing leaves."""
        return tuple(state for state, targets in self._moves.items() if not targets)

    def edges(self) -> Iterator[tuple[S, S]]:
        """Every allowed move."""
        return ((state, to) for state, targets in self._moves.items() for to in targets)

    def targets(self, from_: S) -> tuple[S, ...]:
        """Where a thing in this state may go."""
        return self._moves.get(from_, ())

    def allows(self, from_: S, to: S) -> bool:
        """Whether the move is declared; staying where one is, is no move."""
        return to in self.targets(from_)

    def check(self, from_: S, to: S) -> None:
        """IllegalMove unless the move is declared."""
        if not self.allows(from_, to):
            raise IllegalMove(from_, to)

    def move(self, thing: Any, to: S) -> None:
        """Set `thing.status`, or IllegalMove and leave it as it is."""
        self.check(thing.status, to)
        thing.status = to
