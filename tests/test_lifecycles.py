"""Every lifecycle, walked through the full cross product of its states."""

from __future__ import annotations

from itertools import product
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import Enum

from market import db, schema
from market.kit.lifecycle import IllegalMove, Lifecycle
from market.notifications import EmailStatus

LIFECYCLES = {
    f"{module.__name__.split('.')[1]}.{name}": value
    for module in schema.MODELS
    for name, value in vars(module).items()
    if isinstance(value, Lifecycle)
}
MOVES = [
    pytest.param(lifecycle, before, after, id=f"{name}: {before} to {after}")
    for name, lifecycle in LIFECYCLES.items()
    for before, after in product(lifecycle.states, repeat=2)
]


@pytest.mark.parametrize(("lifecycle", "before", "after"), MOVES)
def test_a_thing_moves_along_declared_edges_or_not_at_all(
    lifecycle: Lifecycle[Any], before: Any, after: Any
) -> None:
    thing = SimpleNamespace(status=before)
    if (before, after) in set(lifecycle.edges()):
        lifecycle.move(thing, after)
        assert thing.status == after
    else:
        with pytest.raises(IllegalMove):
            lifecycle.move(thing, after)
        assert thing.status == before


@pytest.mark.parametrize("lifecycle", LIFECYCLES.values(), ids=LIFECYCLES)
def test_every_state_has_its_line_and_a_way_to_it(lifecycle: Lifecycle[Any]) -> None:
    assert set(lifecycle.states) == set(type(lifecycle.initial))
    reached, queue = {lifecycle.initial}, [lifecycle.initial]
    while queue:
        for state in set(lifecycle.targets(queue.pop())) - reached:
            reached.add(state)
            queue.append(state)
    assert reached == set(lifecycle.states)


def test_a_thing_with_a_lifecycle_is_compared_before_it_is_swapped() -> None:
    # An e-mail's status records what the mail server said; two senders are told apart by the server alone.
    kinds = {type(lifecycle.initial) for lifecycle in LIFECYCLES.values()} - {EmailStatus}
    for mapper in db.Base.registry.mappers:
        status = mapper.columns.get("status")
        if status is not None and isinstance(status.type, Enum) and status.type.enum_class in kinds:
            assert status.type.create_constraint, f"{mapper.class_.__name__}: the database knows no CHECK"
            assert mapper.version_id_col is not None, f"{mapper.class_.__name__} has no version column"
