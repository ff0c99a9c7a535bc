"""What one worker of a run has found out, so that the others need not find it out again."""

from __future__ import annotations

import fcntl
import json
import os
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import Any


class Numbers:
    """A set of 64-bit numbers that only grows; workers that are told of one file hold it together."""

    def __init__(self) -> None:
        self.held: set[int] = set()
        self.file: Path | None = None
        self.read = 0

    def share(self, file: Path) -> None:
        """From now on with whoever names the same file."""
        file.touch()
        self.file = file

    def hold(self, numbers: set[int]) -> bool:
        """Whether all of them are in it."""
        if not numbers <= self.held:
            self._catch_up()
        return numbers <= self.held

    def add(self, numbers: set[int]) -> None:
        """Put them in, for everybody."""
        if self.file is not None and (new := numbers - self.held):
            with self.file.open("ab", buffering=0) as file:
                file.write(array("Q", sorted(new)).tobytes())
        self.held |= numbers

    def _catch_up(self) -> None:
        if self.file is None or self.file.stat().st_size <= self.read:
            return
        with self.file.open("rb") as file:
            file.seek(self.read)
            told = file.read()
        whole = len(told) // 8 * 8
        self.read += whole
        self.held.update(array("Q", told[:whole]))


def once(folder: Path, name: str, find: Callable[[], Any]) -> Any:
    """What `find` tells (JSON), found by whichever worker asks first; the others wait for it."""
    with (folder / f"{name}.json").open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        if told := file.read():
            return json.loads(told)
        found = find()
        json.dump(found, file)
        return found


def folder_of(base: Path) -> Path:
    """The folder of the whole run, where `base` is this worker's."""
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
