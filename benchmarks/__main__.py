"""`python -m benchmarks [NAME …] [--json] [--quick]`: exits 1 when a target is missed, 2 without room on the disk."""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from types import FrameType
from typing import Any, NoReturn

from benchmarks import calculator, close, depth, ingest, pages, search, trail
from benchmarks.databases import NoRoom
from benchmarks.figures import Figure, table

Benchmark = Callable[..., Iterator[Figure]]

BENCHMARKS: dict[str, Benchmark] = {
    "pages": pages.run,
    "ingest": ingest.run,
    "depth": depth.run,
    "calculator": calculator.run,
    "trail": trail.run,
    "close": close.run,
    "search": search.run,
}

#: What only some take.
EXTRAS = {
    "ingest": ("database", "on", "batch", "rounds", "profile_it"),
    "depth": ("database", "on", "stored"),
    "close": ("database", "on"),
    "search": ("on",),
}


def main(arguments: list[str] | None = None, benchmarks: Mapping[str, Benchmark] = BENCHMARKS) -> int:
    """Run what is asked for; 0 when every target is met."""
    options = _options(arguments, benchmarks)
    signal.signal(signal.SIGTERM, _end)  # so that what was started is stopped, and what was made is removed
    results = []
    for name in options.names or benchmarks:
        try:
            result = _run(name, benchmarks[name], quick=options.quick, **_extras(name, options))
        except NoRoom as error:
            print(f"{name}: {error}", file=sys.stderr)
            return 2
        results.append(result)
        if result["figures"] and not options.json:
            print(f"\n{name}: {_machine_line()}\n\n{table(result['figures'])}\n({result['seconds']:.0f} s)")
    missed = [figure.name for result in results for figure in result["figures"] if figure.missed]
    if options.json:
        told = [
            {**result, "figures": [figure.as_json() for figure in result["figures"]]} for result in results
        ]
        print(json.dumps({"machine": _machine(), "benchmarks": told, "missed": missed}, indent=2))
    elif any(result["figures"] for result in results):
        print(f"\nMissed: {', '.join(missed)}." if missed else "\nEvery target is met.")
    return 1 if missed else 0


def _end(_number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(143)


def _extras(name: str, options: argparse.Namespace) -> dict[str, Any]:
    return {option: getattr(options, option) for option in EXTRAS.get(name, ())}


def _run(name: str, benchmark: Benchmark, **options: Any) -> dict[str, Any]:
    start = time.monotonic()
    figures = list(benchmark(**options))
    return {"benchmark": name, "seconds": round(time.monotonic() - start, 1), "figures": figures}


def _machine() -> dict[str, Any]:
    return {
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
    }


def _machine_line() -> str:
    machine = _machine()
    return f"{machine['cores']} cores, load {machine['load']}, Python {machine['python']}, SQLite {machine['sqlite']}"


def _options(arguments: list[str] | None, benchmarks: Mapping[str, Benchmark]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="market bench", description=__doc__)
    parser.add_argument(
        "names", nargs="*", choices=[[], *benchmarks], metavar="NAME", help=", ".join(benchmarks)
    )
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.add_argument("--quick", action="store_true", help="small and short, to see that it works")
    parser.add_argument("--on", choices=["postgresql", "sqlite"], default="", help="one database only (ingest, depth, close, search)")
    parser.add_argument(
        "--database", default="", metavar="URL", help="a PostgreSQL server to make a database on; else one is started"
    )
    parser.add_argument("--batch", type=int, default=0, choices=[1, 100, 1000], help="one size of request only (ingest)")
    parser.add_argument("--rounds", type=int, default=0, help="how often each is measured; the median counts (ingest)")
    parser.add_argument("--stored", type=int, default=10, metavar="MILLIONS", help="how deep the deep one is (depth)")
    parser.add_argument("--profile", action="store_true", dest="profile_it", help="where the time of an event goes (ingest)")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
