"""Styles and scripts keep to their budget, and the two dark themes are the same."""

from __future__ import annotations

import gzip
import re

import pytest

from market.config import ROOT

STATIC = ROOT / "static"
TEMPLATES = ROOT / "templates"


@pytest.mark.parametrize(
    ("names", "kilobytes"),
    [(["css/app.css"], 14), (["js/app.js", "vendor/htmx.min.js"], 22), (["vendor/icons.svg"], 4)],
)
def test_files_of_every_page_stay_small(names: list[str], kilobytes: int) -> None:
    size = sum(len(gzip.compress((STATIC / name).read_bytes(), 9)) for name in names)
    assert size <= kilobytes * 1024


def test_dark_by_choice_and_dark_by_system_are_one_theme() -> None:
    css = (STATIC / "css/app.css").read_text()
    blocks = re.findall(r'(?:not\(\[data-theme="light"\]\)|\[data-theme="dark"\]) \{([^}]*)\}', css)
    assert len(blocks) == 2
    assert blocks[0].split() == blocks[1].split()


def test_every_icon_named_in_a_template_is_in_the_sprite() -> None:
    known = {line.partition("#")[0].strip() for line in (STATIC / "icons.txt").read_text().splitlines()}
    used = {
        (path.name, name)
        for path in TEMPLATES.rglob("*.html")
        for name in re.findall(r"""\bicon\(["']([a-z0-9-]+)["']""", path.read_text())
    }
    assert {(path, name) for path, name in used if name not in known} == set()


def test_every_class_named_in_a_template_has_a_style() -> None:
    styled = set(re.findall(r"\.([a-zA-Z][\w-]*)", (STATIC / "css/app.css").read_text()))
    unknown = {
        (path.name, name)
        for path in TEMPLATES.rglob("*.html")
        if path.parent.name not in ("email", "documents")
        for value in re.findall(r'class="([^"]*)"', path.read_text())
        for name in re.sub(r"\{\{.*?\}\}|\{%.*?%\}", " ", value).split()
        if not name.endswith("-") and name not in styled
    }
    assert unknown == set()
