"""What can still be credited, and how an amount is cut out of lines. Pure.

Three limits hold at once: a line gives back no more than it asked for, a provider's lines at one tax rate no more than
they came to together (which is what a fapiao states), and so the bill no more than its total.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from market.kit import money
from market.kit.rounding import half_up

#: A provider and a tax rate.
Group = tuple[int, str]


@dataclass(frozen=True, slots=True)
class Piece:
    """A bill line: what it asked for, what notes have taken of it, and what may still be taken."""

    line_id: int
    group: Group
    gross: int
    net: int
    taken: int
    taken_net: int
    left: int

    def cut(self, fen: int) -> tuple[int, int]:
        """Net and tax of the next `fen`: in proportion, and the last cut brings the line's own net and tax to an end.

        Rounded as a running total, so however a line is cut up, its parts re-add to the whole.
        """
        net_left, tax_left = self.net - self.taken_net, (self.gross - self.net) - (self.taken - self.taken_net)
        upto = half_up(Fraction(self.net * (self.taken + fen), self.gross)) - self.taken_net
        net = min(max(upto, 0, fen - tax_left), fen, net_left)
        return net, fen - net


@dataclass(frozen=True)
class Standing:
    """What of a bill may still be credited: by line, and by provider and rate."""

    pieces: tuple[Piece, ...]
    groups: Mapping[Group, int]

    def room(self) -> dict[Group, int]:
        """By provider and rate, what both the group and its lines allow."""
        lines: dict[Group, int] = defaultdict(int)
        for piece in self.pieces:
            lines[piece.group] += piece.left
        return {group: min(left, lines[group]) for group, left in self.groups.items()}

    @property
    def fen(self) -> int:
        """All that may still be credited."""
        return sum(self.room().values())

    def by_line(self) -> dict[int, int]:
        """What may still be credited of each line, if nothing else is."""
        room = self.room()
        return {piece.line_id: min(piece.left, room[piece.group]) for piece in self.pieces}

    def fits(self, cuts: Mapping[int, int]) -> bool:
        """Whether all these amounts may be taken, by line."""
        known = {piece.line_id: piece for piece in self.pieces}
        groups: dict[Group, int] = defaultdict(int)
        for line_id, fen in cuts.items():
            piece = known.get(line_id)
            if piece is None or not 0 < fen <= piece.left:
                return False
            groups[piece.group] += fen
        return bool(cuts) and all(fen <= self.groups.get(group, 0) for group, fen in groups.items())

    def spread(self, fen: int) -> dict[int, int]:
        """An amount over the whole bill, in proportion to what is left; ValueError for more than that."""
        room = {group: left for group, left in self.room().items() if left > 0}
        if not 0 < fen <= sum(room.values()):
            raise ValueError("more than may be credited")
        parts = dict(zip(room, money.split(fen, list(room.values())), strict=True))
        cuts: dict[int, int] = {}
        for group, part in parts.items():
            mine = [piece for piece in self.pieces if piece.group == group and piece.left > 0]
            for piece, cut in zip(mine, money.split(part, [piece.left for piece in mine]), strict=True):
                if cut:
                    cuts[piece.line_id] = cut
        return cuts

    def take(self, cuts: Mapping[int, int]) -> Standing:
        """What stands once these amounts are gone."""
        groups, pieces = dict(self.groups), []
        for piece in self.pieces:
            fen = cuts.get(piece.line_id, 0)
            if fen:
                groups[piece.group] -= fen
            pieces.append(_less(piece, fen) if fen else piece)
        return Standing(tuple(pieces), groups)


def _less(piece: Piece, fen: int) -> Piece:
    net, _tax = piece.cut(fen)
    return Piece(piece.line_id, piece.group, piece.gross, piece.net, piece.taken + fen, piece.taken_net + net, piece.left - fen)


@dataclass(frozen=True, slots=True)
class Service:
    """A line as far as it matters for what was given back of it: on which charge, and over which days."""

    line_id: int
    subscription_id: int
    charge_id: int
    start: object
    end: object
    gross: int


def given_back(services: Sequence[Service]) -> dict[int, int]:
    """What later lines (adjustments, fees given back) have already taken off earlier ones, by the earlier line's id.

    `services` in the order in which they were billed; the newest line that holds the days is taken from first.
    """
    taken: dict[int, int] = defaultdict(int)
    for place, back in enumerate(services):
        rest = -back.gross
        for line in reversed(services[:place] if rest > 0 else ()):
            if rest > 0 and line.gross > 0 and _holds(line, back):
                part = min(rest, line.gross - taken[line.line_id])
                taken[line.line_id] += part
                rest -= part
    return taken


def _holds(line: Service, back: Service) -> bool:
    same = (line.subscription_id, line.charge_id) == (back.subscription_id, back.charge_id)
    return same and line.start <= back.start and back.end <= line.end  # type: ignore[operator]  # both are instants


def greedy(standings: Iterable[tuple[int, Standing]], group: Group, first: Sequence[int], fen: int) -> dict[int, dict[int, int]]:
    """Take `fen` of one provider and rate out of several bills: from the lines `first`, then from the newest on.

    `standings` are pairs of a bill's id and what stands of it, newest first. Says what to take from each line of each
    bill; less than `fen` where there is no more.
    """
    stands = list(standings)
    cuts: dict[int, dict[int, int]] = {}
    wanted = set(first)
    for own in (True, False):
        for bill_id, standing in stands:
            for piece in standing.pieces:
                if piece.group != group or (piece.line_id in wanted) is not own:
                    continue
                before = sum(cut for id, cut in cuts.get(bill_id, {}).items())
                part = min(fen, piece.left, standing.groups.get(group, 0) - before)
                if part > 0:
                    cuts.setdefault(bill_id, {})[piece.line_id] = part
                    fen -= part
    return cuts
