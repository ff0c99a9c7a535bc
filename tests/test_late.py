"""What is loaded when it is asked for is not loaded before."""

from __future__ import annotations

import re

from market.config import ROOT
from market.late import Library
from tests.support import commands

LOADED = """
import sys
import market.app
print(*sorted(set(sys.argv[1:]) & set(sys.modules)))
"""


def test_neither_a_command_nor_the_server_starts_with_what_only_some_work_needs() -> None:
    named = {name for path in (ROOT / "market").rglob("*.py") for name in re.findall(r'Library\("([^"]+)"\)', path.read_text())}
    assert len(named) > 10
    ended = commands.python(LOADED, *sorted(named)).wait()
    assert (ended.returncode, ended.stdout.split()) == (0, []), ended.stderr


def test_a_library_has_what_its_module_has() -> None:
    assert Library("json").loads("[1]") == [1]
