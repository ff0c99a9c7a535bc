"""What every page loads besides itself, packed, in KB."""

from __future__ import annotations

import gzip

import pytest

from market.config import ROOT


@pytest.mark.parametrize(
    ("files", "most"),
    [(["css/app.css"], 14), (["vendor/htmx.min.js", "js/app.js"], 22), (["vendor/icons.svg"], 4)],
    ids=["styles", "scripts", "icons"],
)
def test_what_every_page_loads_stays_within_its_budget(files: list[str], most: int) -> None:
    packed = sum(len(gzip.compress((ROOT / "static" / file).read_bytes(), 9)) for file in files)
    assert packed <= most * 1024, f"{packed / 1024:.1f} KB"
