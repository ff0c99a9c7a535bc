"""Every Chinese text of the program and its English: collecting, checking, compiling.

Chinese is the source. In templates a text is marked with `_()`; in Python every string literal
with a Chinese character counts, so a refusal's message needs no mark. Modules that hold both
languages side by side, or Chinese that is data, are listed in `BILINGUAL`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_file
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from market.config import ROOT

FOLDER = ROOT / "market" / "translations" / "en" / "LC_MESSAGES"
PO, MO = FOLDER / "messages.po", FOLDER / "messages.mo"

#: Modules whose Chinese is data or stands beside its English.
BILINGUAL = (
    "market/config.py",
    "market/messages.py",
    "market/kit/money.py",
    "market/rating/wording.py",
    "market/search/words.py",
    "market/catalog/sections.py",
    "market/catalog/generator.py",
    "market/cli/",
)

_KEYWORDS = {"_": None, "gettext": None}
_CHINESE = re.compile(r"[\u3400-\u9fff]")


def collect() -> dict[str, list[str]]:
    """Every text that needs English, with the places where it stands."""
    found: dict[str, list[str]] = {}
    for text, place in (*_in_templates(), *_in_python()):
        found.setdefault(text, []).append(place)
    return found


def english() -> dict[str, str]:
    """The catalogue as it stands: Chinese → English."""
    if not PO.is_file():
        return {}
    with PO.open("rb") as file:
        return {str(m.id): str(m.string) for m in read_po(file, locale="en") if m.id and m.string}


def write(translations: dict[str, str]) -> list[str]:
    """Write the catalogue for all collected texts; returns those that still have no English."""
    catalog = Catalog(locale="en", project="market", charset="utf-8", fuzzy=False, header_comment="# English")
    places = collect()
    for text in sorted(places):
        catalog.add(text, translations.get(text, ""), flags={"python-format"} & _flags(text))
    FOLDER.mkdir(parents=True, exist_ok=True)
    with PO.open("wb") as file:
        write_po(file, catalog, width=110, omit_header=False, sort_output=True)
    return [text for text in sorted(places) if not translations.get(text)]


def compile() -> None:
    """Make the file that the pages read from the catalogue, if it is older."""
    if PO.is_file() and (not MO.is_file() or MO.stat().st_mtime < PO.stat().st_mtime):
        draft = MO.with_suffix(".part")
        with PO.open("rb") as source, draft.open("wb") as target:
            write_mo(target, read_po(source, locale="en"))
        draft.replace(MO)


def _flags(text: str) -> set[str]:
    return {"python-format"} if "%(" in text else set()


def _in_templates() -> Iterator[tuple[str, str]]:
    for path in sorted((ROOT / "templates").rglob("*.*")):
        if path.suffix in (".html", ".txt", ".xml"):
            yield from _marked(path)


def _marked(path: Path) -> Iterator[tuple[str, str]]:
    messages = extract_from_file(
        "jinja2.ext:babel_extract", path, keywords=_KEYWORDS, options={"silent": "false"}
    )
    for line, text, _comments, _context in messages:
        if isinstance(text, str) and text:
            yield text, f"{path.relative_to(ROOT)}:{line}"


def _in_python() -> Iterator[tuple[str, str]]:
    for path in sorted((ROOT / "market").rglob("*.py")):
        name = str(path.relative_to(ROOT))
        if not name.startswith(BILINGUAL):
            yield from ((text, f"{name}:{line}") for text, line in _literals(path))


def _literals(path: Path) -> Iterator[tuple[str, int]]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            docstrings.update(id(piece) for piece in node.values)  # `glued` reports these
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and _is_chinese(node.value) and id(node) not in docstrings:
            yield node.value, node.lineno


def glued() -> list[str]:
    """Where Chinese stands in an f-string: such a text has no fixed form and cannot be translated."""
    return [
        f"{name}:{node.lineno}"
        for path in sorted((ROOT / "market").rglob("*.py"))
        if not (name := str(path.relative_to(ROOT))).startswith(BILINGUAL)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.JoinedStr)
        if any(isinstance(piece, ast.Constant) and _is_chinese(piece.value) for piece in node.values)
    ]


def _is_chinese(value: object) -> bool:
    return isinstance(value, str) and bool(_CHINESE.search(value))
