"""In which order tests run: what takes long first, so that no worker is left with it when the others have ended."""

from __future__ import annotations

from pathlib import Path

import pytest

TESTS = Path(__file__).parent.parent
#: Files whose tests take long, and about how many seconds. What a worker has once read or built serves all tests of a file.
LONG = {
    "browser/test_looks.py": 140, "test_bad_input.py": 100, "examples/test_tour.py": 75, "test_every_page.py": 50,
    "scenarios/test_kills.py": 48, "benchmarks/test_runs.py": 40, "api/test_fuzz.py": 40, "browser/test_listing.py": 39,
    "test_permissions.py": 35, "browser/test_main_job.py": 30, "demo/test_keepsakes.py": 25, "browser/test_tasks.py": 25,
    "test_architecture.py": 25, "scenarios/test_attack.py": 20, "examples/test_provider.py": 20, "test_tenancy.py": 15,
    "test_audited.py": 15, "browser/test_usage.py": 15, "subscriptions/test_changes.py": 15, "billing/test_close_together.py": 12,
}  # fmt: skip


def shared_out(items: list[pytest.Item], workers: int) -> list[pytest.Item]:
    """So that each worker, which gets an equal number of tests in a row, begins with its share of the long files.

    Who has done his tests takes over what others have not begun, from the end.
    """
    files: dict[str, list[pytest.Item]] = {}
    for item in items:
        name = item.path.relative_to(TESTS).as_posix()
        files.setdefault(name if name in LONG else "", []).append(item)
    short = files.pop("", [])
    shares: list[list[pytest.Item]] = [[] for _ in range(workers)]
    seconds = [0] * workers
    for name in sorted(files, key=LONG.__getitem__, reverse=True):
        least = seconds.index(min(seconds))
        shares[least] += files[name]
        seconds[least] += LONG[name]
    ordered, left = [], len(items)
    for number, share in enumerate(shares):
        more = max(0, left // (workers - number) - len(share))
        ordered += share + short[:more]
        short, left = short[more:], left - len(share) - more
    return ordered
