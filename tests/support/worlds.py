"""What takes long to build and many tests begin with, built once a run for each kind of database and copied for whoever wants it.

The world of `tests/builders/worlds.py` takes half a second, and a hundred tests look at it; the catalogue two and a half.
"""

from __future__ import annotations

import fcntl
import importlib
import pickle
import shutil
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import Any

from market import db
from market.config import Settings
from tests.support.databases import Room

_BUILDERS = [f"tests.builders.{file.stem}" for file in Path(__file__).parent.parent.joinpath("builders").glob("*.py")]


def count_from_one() -> None:
    """What builders make is numbered anew, so that a test finds the same data whatever ran before it."""
    for module in _numbering():
        module._numbers = count(1)


def _numbering() -> list[ModuleType]:
    loaded = [sys.modules[name] for name in _BUILDERS if name in sys.modules]
    return [module for module in loaded if hasattr(module, "_numbers")]


class Kept:
    """What `build` has committed and told, with the files that belong to it and where the builders' numbers stood after it."""

    def __init__(self, room: Room, folder: Path, build: Callable[[], Any]) -> None:
        self.room, self.folder, self.build = room, folder, build
        self.name = build.__name__
        folder.mkdir(parents=True, exist_ok=True)

    def settle(self, settings: Settings) -> Any:
        """Put it into this fresh database, with which nobody has begun to work; gives what `build` told."""
        with (self.folder / "told").open("a+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            if not (known := file.read()):
                pickle.dump(self._build(settings), file)
                file.flush()
                file.seek(0)
                return pickle.load(file)[0]
        told, numbers = pickle.loads(known)
        db.session.remove()
        self.room.refill(settings.database_url, self.name)
        shutil.copytree(self.folder / "data", settings.data_dir, dirs_exist_ok=True)
        for name, number in numbers.items():
            importlib.import_module(name)._numbers = count(number)
        return told

    def _build(self, settings: Settings) -> tuple[Any, dict[str, Any]]:
        told = self.build()
        db.session.remove()
        self.room.keep(settings.database_url, self.name)
        shutil.copytree(settings.data_dir, self.folder / "data", dirs_exist_ok=True)
        numbers = {module.__name__: next(module._numbers) for module in _numbering()}
        for module in _numbering():
            module._numbers = count(numbers[module.__name__])
        return told, numbers
