"""`market bench` and `market tour`: programs that live beside the package, started from one place."""

from __future__ import annotations

import subprocess
import sys

import click

from market.config import ROOT


@click.command(context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def bench(arguments: tuple[str, ...]) -> None:
    """Run the benchmarks, or the one named: `market bench pages --json`."""
    _start("benchmarks", arguments)


@click.command(context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def tour(arguments: tuple[str, ...]) -> None:
    """Walk the main job from the outside on real files and check every fen of the bill."""
    _start("examples.tour", arguments)


def _start(module: str, arguments: tuple[str, ...]) -> None:
    sys.exit(subprocess.run([sys.executable, "-m", module, *arguments], cwd=ROOT, check=False).returncode)
