"""What pytest makes of the test files before it runs them, made once.

It writes every `assert` anew, so that one which fails can say why, and keeps the result beside the file. In a fresh
clone each worker would do that with every file, all of them at the same time.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from multiprocessing import get_context
from pathlib import Path

import pytest
from _pytest.assertion import rewrite


def ahead(config: pytest.Config, files: Iterable[Path]) -> None:
    """Have these files ready before there are workers; what is ready is left as it is."""
    if sys.dont_write_bytecode:
        return
    waiting = [file for file in files if rewrite._read_pyc(file, _kept(file)) is None]
    parts = os.cpu_count() or 1
    helpers = [get_context("fork").Process(target=_rewrite, args=(config, waiting[part::parts])) for part in range(parts)]
    for helper in helpers:
        helper.start()
    for helper in helpers:
        helper.join()


def _rewrite(config: pytest.Config, files: list[Path]) -> None:
    """A worker does the same with what is missing here, whatever the reason."""
    for file in files:
        source_hash, code = rewrite._rewrite_test(file, config)
        if rewrite.try_makedirs(_kept(file).parent):
            rewrite._write_pyc(config.stash[rewrite.assertstate_key], code, source_hash, _kept(file))


def _kept(file: Path) -> Path:
    return rewrite.get_cache_dir(file) / f"{file.stem}{rewrite.PYC_TAIL}"
