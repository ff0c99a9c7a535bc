"""`make audit`: clean, at fault, or not checked — and the last is never taken for the first."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from market.config import ROOT

CLEAN = {"name": "flask", "version": "3.1.3", "vulns": []}
FAULTY = {"name": "old", "version": "1.0", "vulns": [{"id": "PYSEC-2026-1", "fix_versions": ["1.1"]}]}
UNKNOWN = {"name": "flask", "skip_reason": "Dependency not found on PyPI"}


@pytest.mark.parametrize(
    ("reports", "code", "said"),
    [
        ({"pypi": [CLEAN]}, 0, "All 1 packages were looked up"),
        ({"pypi": [CLEAN, FAULTY]}, 1, "old 1.0: PYSEC-2026-1, mended in 1.1"),
        ({"pypi": [UNKNOWN, FAULTY]}, 1, "1 known faults"),
        ({"pypi": [UNKNOWN], "osv": [CLEAN]}, 0, "Asking osv"),
        ({"pypi": [UNKNOWN]}, 3, "knows nothing about 1 of 1 packages"),
        ({"pypi": []}, 3, "NOT CHECKED"),
        ({}, 3, "NOT CHECKED"),
    ],
)
def test_what_it_says_and_how_it_ends(tmp_path: Path, reports: dict[str, list[object]], code: int, said: str) -> None:
    for service, found in reports.items():
        (tmp_path / service).write_text(json.dumps({"dependencies": found}))
    program = tmp_path / "pip-audit"
    program.write_text(f'#!/bin/sh\nfor last; do :; done\ncat "{tmp_path}/$last" 2>/dev/null || {{ echo no route >&2; exit 1; }}\n')
    program.chmod(0o755)
    environment = {"PATH": "/usr/bin:/bin:/usr/local/bin", "PIP_AUDIT": str(program)}
    result = subprocess.run([ROOT / ".ci/audit"], env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == code, result.stdout + result.stderr
    assert said in result.stdout + result.stderr
