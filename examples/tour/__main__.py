"""`python -m examples.tour`: the whole job on a marketplace of its own; exits 1 when one fen differs."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import httpx
from tqdm import tqdm

from examples.tour import journey
from examples.tour.storage import Storage
from examples.tour.visitor import Surprise
from examples.tour.world import World, running, trouble

START = datetime(2026, 10, 8, 10, 0, tzinfo=journey.GUANGDONG)


#: Compares the bill with our own figures and shows both; whether they agree.
Check = Callable[[], bool]


def main(arguments: list[str] | None = None, *, before_check: Callable[[Check], object] | None = None) -> int:
    """Run the tour; 0 when every amount agrees. `before_check` is given the check before it is made."""
    options = _options(arguments)
    environment = {"DATABASE_URL": options.database} if options.database else {}
    with tempfile.TemporaryDirectory(prefix="tour-") as scratch:
        folder = Path(options.folder or scratch).resolve()
        print(f"Starting a marketplace with a clock of its own in {folder} …", flush=True)
        try:
            with running(folder, start=START, environment=environment) as world:
                return _walk(world, options, before_check or (lambda _: None))
        except (Surprise, RuntimeError, httpx.TransportError) as error:
            print(f"\nThe tour ends here: {error}\n{_last_words(folder)}", file=sys.stderr)
            return 1


def _walk(world: World, options: argparse.Namespace, before_check: Callable[[Check], object]) -> int:
    with contextlib.ExitStack() as stack:
        visitor = stack.enter_context(contextlib.closing(journey.register(world)))
        print(f"Registered {journey.FIRM['organization_name']}", flush=True)
        with _trouble(world, options):
            address = journey.subscribe(world, visitor)
            storage = stack.enter_context(
                contextlib.closing(Storage(world, journey.access(visitor, address)))
            )
            print(
                f"Subscribed to {journey.OFFERING}, plan {journey.PLAN}: {storage.http.base_url}", flush=True
            )
            _live_a_month(world, storage, options)
            end = journey.month_after(world.now())
            bill = journey.close_month(world, visitor, storage)
        lines: list[journey.Checked] = []

        def check() -> bool:
            lines[:] = journey.check(world, visitor, storage, bill, until_=end)
            return _show(lines, storage)

        before_check(check)
        if not check():
            return 1
        journey.pay(world, visitor, bill, lines[-1].our_fen)
        print("Paid by bank transfer, confirmed by an administrator: the bill is settled.")
        return 0


@contextlib.contextmanager
def _trouble(world: World, options: argparse.Namespace) -> Iterator[None]:
    if not options.kill:
        yield
        return
    with trouble(world, seed=options.seed, every=(3.0, 9.0)) as kills:
        yield
    print(f"Killed server, worker or provider {len(kills)} times", flush=True)


def _live_a_month(world: World, storage: Storage, options: argparse.Namespace) -> None:
    files = journey.sources(world.folder, options.files)
    steps = journey.store(world, storage, files, days=options.days, seed=options.seed)
    total = len(files) * (options.days + max(0, options.days - 2))
    for _ in tqdm(steps, desc="files", total=total, unit="file", disable=None):
        pass


def _show(lines: list[journey.Checked], storage: Storage) -> bool:
    ledger = storage.ledger
    print(
        f"\n{len(ledger.copies) + len(ledger.past)} files stored, {ledger.requests} requests. The bill, line by line:\n"
    )
    for line in lines:
        print(f"  {line.label:<8} ¥{line.billed_fen / 100:>8.2f}   {line.formula}")
        print(
            f"  {'our own':<8} ¥{line.our_fen / 100:>8.2f}   {line.our_working}{'' if line.agrees else '   ← DIFFERS'}"
        )
    agreed = all(line.agrees for line in lines)
    print("\nEvery amount agrees to the fen." if agreed else "\nThe bill is wrong.")
    return agreed


def _last_words(folder: Path) -> str:
    try:
        return "".join((folder / "tour.log").read_text().splitlines(keepends=True)[-20:])
    except FileNotFoundError:
        return ""


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="market tour", description=__doc__)
    parser.add_argument(
        "--database", default=os.environ.get("DATABASE_URL"), help="a PostgreSQL address; SQLite otherwise"
    )
    parser.add_argument("--folder", help="where to keep the data; a folder that goes away otherwise")
    parser.add_argument("--files", type=int, help="only so many of the repository's files")
    parser.add_argument("--days", type=int, default=5, help="days on which all files are stored once more")
    parser.add_argument(
        "--kill", action="store_true", help="kill server, worker and provider at random moments"
    )
    parser.add_argument("--seed", type=int, default=1, help="makes a run repeatable")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
