"""Closing with several processes: each does chunks of its own, and what one that was killed left is done here."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context

import structlog

from market.billing.closing.report import Report
from market.billing.closing.rounds import Hour, Turn, catch_up

log = structlog.get_logger(__name__)

#: Makes a new process able to work: settings, database, who listens to signals. It has to be found by its name.
Begin = Callable[[], object]
Chunk = Sequence[Turn]
#: After so many new objects garbage is looked for; a chunk makes a few hundred thousand, which are all in use.
_GARBAGE = 100_000


def work(chunks: Sequence[Chunk], hour: Hour, *, processes: int, begin: Begin | None) -> Iterator[tuple[int, Report]]:
    """Do all chunks; (how many organizations, what became of them) as they are done."""
    if processes < 2 or len(chunks) < 2 or begin is None:
        for chunk in chunks:
            yield len(chunk), catch_up(chunk, hour)
        return
    left = dict(enumerate(chunks))
    workers = min(processes, len(chunks))
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_set_up, initargs=(begin,)) as pool:
        futures = {pool.submit(catch_up, chunk, hour): number for number, chunk in left.items()}
        try:
            for future in as_completed(futures):
                report = future.result()
                yield len(left.pop(futures[future])), report
        except BrokenProcessPool:
            # Killed from outside, for want of memory say. Its transaction is undone; others may go on with theirs.
            log.warning("process_lost", organizations=sum(len(chunk) for chunk in left.values()))
    for chunk in left.values():
        yield len(chunk), catch_up(chunk, hour)


def _set_up(begin: Begin) -> None:
    """Make a new process able to work. Its programs are never garbage, so they are not looked through for any."""
    begin()
    gc.collect()
    gc.freeze()
    gc.set_threshold(_GARBAGE)
