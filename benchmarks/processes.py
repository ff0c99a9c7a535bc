"""What processes use: time on the processor, memory. Linux only; elsewhere nothing is known, which is said as 0."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Iterable
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
_TICKS = os.sysconf("SC_CLK_TCK")
_MEGABYTE_IN_KB = 1024


def end_with_parent() -> None:
    """Runs in a new child: when the benchmark is killed so suddenly that it stops nobody, the child ends as well."""
    if _LIBC:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def children(process: int) -> list[int]:
    """The processes that a process has started and that still run."""
    try:
        return [int(each) for each in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
    except FileNotFoundError:
        return []


def family(process: int) -> list[int]:
    """A process and its children."""
    return [process, *children(process)]


def cpu_seconds(process: int) -> float:
    """Processor time of a process and its children, the ended ones included."""
    own = _stat(process)
    ticks = sum(own[:4]) + sum(sum(_stat(child)[:2]) for child in children(process))
    return ticks / _TICKS


def megabytes(processes: Iterable[int]) -> float:
    """Resident memory."""
    return sum(_resident(process) for process in processes) / _MEGABYTE_IN_KB


def _stat(process: int) -> list[int]:
    """Ticks of its own in user and system mode, then those of the children it has waited for."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return [0, 0, 0, 0]
    return [int(each) for each in fields[11:15]]


def _resident(process: int) -> int:
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("VmRSS:")), 0)
