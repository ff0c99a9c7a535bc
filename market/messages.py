"""Every Chinese text of the program and its English: collecting and checking.

Chinese is the source. In templates a text is marked with `_()`; in Python every string literal
with a Chinese character counts, so a refusal's message needs no mark. Modules that hold both
languages side by side, or Chinese that is data, are listed in `BILINGUAL`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TypeGuard

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po, write_po

from market.config import ROOT

FOLDER = ROOT / "market" / "translations" / "en" / "LC_MESSAGES"
PO = FOLDER / "messages.po"

#: Modules whose Chinese is data, stands beside its English, or is read by operators only.
BILINGUAL = (
    "market/accounts/sizes.py",
    "market/documents/samples.py",
    "market/config.py",
    "market/messages.py",
    "market/billing/credit_notes/wording.py",
    "market/billing/wording.py",
    "market/catalog/measures.py",
    "market/kit/capitals.py",
    "market/payments/statements/vocabulary.py",
    "market/rating/phrases.py",
    "market/search/",
    "market/catalog/sections.py",
    "market/catalog/generator.py",
    "market/catalog/seed/",
    "market/cli/",
    "market/demo/",
)

#: Without dates and tool versions, so that two runs write the same file.
_HEADER = """msgid ""
msgstr ""
"Language: en\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"

"""
_KEYWORDS = {"_": None, "gettext": None}
_CHINESE = re.compile(r"[\u3400-\u9fff]")
#: Punctuation alone is a text only where it is marked as one; elsewhere it is what people type.
_CHINESE_MARKS = re.compile(r"[\u3000-\u303f\uff01-\uff5e]")


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
    catalog = Catalog(locale="en", charset="utf-8")
    places = collect()
    for text in sorted(places):
        catalog.add(text, translations.get(text, ""), flags={"python-format"} & _flags(text))
    FOLDER.mkdir(parents=True, exist_ok=True)
    with PO.open("wb") as file:
        file.write(_HEADER.encode())
        write_po(file, catalog, width=110, omit_header=True, sort_output=True)
    return [text for text in sorted(places) if not translations.get(text)]


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
    skipped = _paired(tree) | {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            skipped.update(id(piece) for piece in node.values)  # `glued` reports these
    marked = {id(node.args[0]) for node in ast.walk(tree) if _is_marked(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and id(node) not in skipped:
            said = _said(node)
            if _is_chinese(said) or (id(node) in marked and _CHINESE_MARKS.search(said)):
                yield said, node.lineno


def _is_marked(node: ast.AST) -> TypeGuard[ast.Call]:
    return (
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _KEYWORDS and bool(node.args)
    )


def glued() -> list[str]:
    """Where Chinese stands in an f-string: such a text has no fixed form and cannot be translated."""
    places = []
    for path in sorted((ROOT / "market").rglob("*.py")):
        name = str(path.relative_to(ROOT))
        if not name.startswith(BILINGUAL):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            paired = _paired(tree)
            places += [
                f"{name}:{node.lineno}"
                for node in ast.walk(tree)
                if isinstance(node, ast.JoinedStr) and _is_chinese(_said(node)) and id(node) not in paired
            ]
    return places


def _paired(tree: ast.Module) -> set[int]:
    """Texts whose next neighbour is the same in English, as in `Choice("phone", "电话", "Phone")`."""
    pairs = set()
    for node in ast.walk(tree):
        row = node.args if isinstance(node, ast.Call) else getattr(node, "elts", [])
        for text, neighbor in zip(row, row[1:], strict=False):
            if _is_chinese(_said(text)) and _said(neighbor).strip() and not _is_chinese(_said(neighbor)):
                pairs.add(id(text))
    return pairs


def _said(node: ast.AST) -> str:
    """The fixed text of a literal; nothing for anything else."""
    if isinstance(node, ast.JoinedStr):
        return "".join(_said(piece) for piece in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _is_chinese(value: object) -> bool:
    return isinstance(value, str) and bool(_CHINESE.search(value))
