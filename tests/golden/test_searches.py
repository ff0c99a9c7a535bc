"""What people type finds what they expect first, in the hand-written catalogue, on either index."""

from __future__ import annotations

import tomllib
from datetime import timedelta
from pathlib import Path

import pytest

from market import audit, db, search
from market.catalog import seed
from market.config import ROOT
from tests.conftest import PRESENT

FIRST = 3  # so many results are looked at
QUERIES = tomllib.loads((Path(__file__).parent / "searches.toml").read_text())["queries"]


def test_there_are_enough_of_them() -> None:
    assert len(QUERIES) >= 40


@pytest.mark.usefixtures("database")
def test_every_query_finds_what_a_person_expects_first() -> None:
    """All in one test, since the catalogue takes longer to load than to be asked; each one that fails is told."""
    with db.transaction():
        seed.load(ROOT / "catalog_seed", by=audit.system("test"), at=PRESENT - timedelta(days=90))
    for _document in search.rebuild():
        pass
    with db.transaction(readonly=True):
        wrong = [found for query in QUERIES if (found := complaint(**query))]
    assert not wrong, "\n".join(wrong)


def complaint(
    ask: str, first: str = "", also: list[str] | None = None, precision: float = 1.0, corrected: str = ""
) -> str:
    """What is wrong with the answer to one query; nothing is the same every day, so every day's first is right."""
    answer = search.find(ask)
    assert answer is not None, "no index"
    shelf = search.shelf(PRESENT.date())
    ranked = shelf.ranked(answer.found)
    if corrected:
        return "" if not ranked and search.suggestion(ask, PRESENT.date()) == corrected else f"{ask}: {search.suggestion(ask, PRESENT.date())!r} is offered"
    for day in range(3):
        found = [one.slug for one in shelf.in_order(ranked, "", PRESENT.date() + timedelta(days=day), skip=0, take=FIRST)]
        good = [slug for slug in found if slug == first or slug in (also or ())]
        if found[:1] != [first] or len(good) < precision * len(found):
            return f"{ask}: {found}"
    return ""
