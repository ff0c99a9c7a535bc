"""A status moves along declared edges or not at all."""

from dataclasses import dataclass
from enum import StrEnum
from itertools import product

import pytest

from market.kit.lifecycle import IllegalMove, Lifecycle


class State(StrEnum):
    DRAFT = "draft"
    OPEN = "open"
    PAID = "paid"


@dataclass
class Thing:
    status: State


LIFECYCLE = Lifecycle({State.DRAFT: [State.OPEN, State.PAID], State.OPEN: [State.PAID], State.PAID: []})
EDGES = {(State.DRAFT, State.OPEN), (State.DRAFT, State.PAID), (State.OPEN, State.PAID)}


@pytest.mark.parametrize(("from_", "to"), list(product(State, State)))
def test_a_thing_moves_along_declared_edges_only(from_, to):
    thing = Thing(from_)
    if (from_, to) in EDGES:
        LIFECYCLE.move(thing, to)
        assert thing.status is to
    else:
        with pytest.raises(IllegalMove) as refusal:
            LIFECYCLE.move(thing, to)
        assert thing.status is from_
        assert (refusal.value.from_, refusal.value.to) == (from_, to)


def test_an_illegal_move_is_told_in_words():
    with pytest.raises(ValueError, match="状态不能从“paid”变为“draft”"):
        LIFECYCLE.check(State.PAID, State.DRAFT)


def test_a_lifecycle_knows_its_states_and_edges():
    assert LIFECYCLE.initial is State.DRAFT
    assert LIFECYCLE.states == tuple(State)
    assert LIFECYCLE.final == (State.PAID,)
    assert set(LIFECYCLE.edges()) == EDGES
    assert LIFECYCLE.targets(State.OPEN) == (State.PAID,)


def test_a_status_that_came_back_as_text_moves_too():
    thing = Thing("draft")
    LIFECYCLE.move(thing, State.OPEN)
    assert thing.status is State.OPEN


@pytest.mark.parametrize("moves", [{}, {State.DRAFT: [State.OPEN]}])
def test_a_state_without_its_own_line_is_a_mistake(moves):
    with pytest.raises(ValueError, match="own line"):
        Lifecycle(moves)
