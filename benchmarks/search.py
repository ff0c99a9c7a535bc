"""`search`: how long questions take with all counts, on both indexes and two sizes of the catalogue, and making the index."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from random import Random
from urllib.parse import urlencode

from flask import Flask

from benchmarks.databases import Database, folder, postgresql, sqlite
from benchmarks.figures import Figure, Reference, middle, percentile
from benchmarks.place import shelf
from market import catalog, db, resources, search
from market.app import create_app
from market.catalog.vocabulary import AUDIENCES, THINGS
from market.search import whoosh_index
from market.storefront import browse
from market.storefront.cards import today

SIZES = (10_000, 50_000)
QUESTIONS = 200
#: Milliseconds that the 95th percentile of a question with all counts may take, by size.
TARGETS = {"SQLite": {10_000: 30.0, 50_000: 150.0}, "PostgreSQL": {10_000: 15.0, 50_000: 40.0}}
ENGINES = {"SQLite": "Whoosh", "PostgreSQL": "PostgreSQL"}
#: What all counts may cost beside the bare search.
MOST_FOR_COUNTS = 2.0


def run(*, quick: bool = False, on: str = "") -> Iterator[Figure]:
    """Ask the same questions at each size on each index, or on that of one database."""
    sizes, asked = ((50,), 4) if quick else (SIZES, QUESTIONS)
    with folder(room=0 if quick else 4) as scratch:
        if on != "postgresql":
            yield from _on(sqlite(scratch / "sqlite"), scratch, sizes, asked)
        if on == "sqlite":
            return
        with postgresql(scratch, durable=False) as database:
            if database is not None:
                yield from _on(database, scratch, sizes, asked)


def _on(database: Database, scratch: Path, sizes: Sequence[int], asked: int) -> Iterator[Figure]:
    with shelf(scratch / f"var-{database.name}", database.url) as here:
        app = create_app(here.settings)
        for size in sizes:
            name = f"{ENGINES[database.name]}, {size:,} listings"
            here.fill(size)
            yield Figure(f"{name}: the index made anew", _seconds(_rebuild), "s")
            yield from _questions(app, name, addresses(asked), TARGETS[database.name].get(size))
            yield Figure(f"{name}: a changed listing found", _follow(), "ms")


def _rebuild() -> None:
    for _document in search.rebuild():
        pass


def addresses(count: int) -> list[dict[str, str]]:
    """Questions as people ask them: one to three words, a quarter narrowed, a fifth by price; the same every time."""
    chance = Random(7)  # noqa: S311  # only to choose questions
    asked = []
    for _ in range(count):
        thing, audience = chance.choice(THINGS), chance.choice(AUDIENCES)
        words = chance.choice((thing.zh, thing.zh, thing.en, f"{audience.zh} {thing.zh}", f"{audience.zh}", thing.benefit_zh[:6]))
        more = {"trial": "1"} if chance.random() < 0.25 else {}
        asked.append({"q": words, **more, **({"sort": "price"} if chance.random() < 0.2 else {})})
    return asked


def _questions(app: Flask, name: str, asked: Sequence[dict[str, str]], target: float | None) -> Iterator[Figure]:
    with app.app_context(), db.transaction(readonly=True):
        search.shelf(today())  # made once for each process
        bare, whole = [], []
        for arguments in (asked[0], *asked):
            with app.test_request_context(f"/offerings/?{urlencode(arguments)}"):
                whoosh_index.forget_words()
                bare.append(_milliseconds(partial(_bare, arguments["q"])))
                whoosh_index.forget_words()
                whole.append(_milliseconds(browse.read))
    bare, whole = bare[1:], whole[1:]
    yield Figure(f"{name}: bare search, p95", percentile(bare, 95), "ms")
    limit = Reference("bare search", percentile(bare, 95))
    yield Figure(f"{name}: with all counts, p50", middle(whole), "ms", reference=Reference("bare search", middle(bare)))
    yield Figure(f"{name}: with all counts, p95", percentile(whole, 95), "ms", target, reference=limit)
    ratio = middle([all_of / one for all_of, one in zip(whole, bare, strict=True)])
    yield Figure(f"{name}: counts beside the bare search", ratio, "×", MOST_FOR_COUNTS)


def _bare(words: str) -> None:
    """What is found and the first page of it, nothing counted."""
    known, answer = search.shelf(today()), search.find(words)
    if answer is not None:
        known.in_order(known.ranked(answer.found), "", today(), skip=0, take=browse.PAGE_SIZE)


def _follow() -> float:
    """From the change of one listing until the index has it, when the worker looks at once."""
    with db.transaction():
        offering = catalog.live_offerings(ids=catalog.live_offering_ids()[:1])[0]
        catalog.offering_changed.send(offering, at=resources.clock.now())
    return _milliseconds(lambda: search.refresh(resources.clock.now()))


def _milliseconds(work: Callable[[], object]) -> float:
    return _seconds(work) * 1000


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
