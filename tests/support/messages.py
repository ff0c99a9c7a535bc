"""Every sentence that people can be shown, found in the source: what must have an English translation.

In templates these are the arguments of `_()`. In Python also any other text with Chinese characters, for refusals
carry their sentence as a plain attribute; not docstrings, nor pairs such as `Choice("phone", "电话", "Phone")` that
hold their own English.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from babel.messages.extract import extract
from jinja2 import Environment
from jinja2.ext import babel_extract

from market.config import ROOT

CATALOG = ROOT / "market/translations/en/LC_MESSAGES/messages.po"
CHINESE = re.compile(r"[\u3400-\u9fff\uff01-\uff5e\u3000-\u303f]")
#: Names of sample firms, and the like: data in both languages, or of this country only.
DATA = ("market/config.py", "market/cli/", "market/demo", "market/samples", "market/search/words")


def found() -> dict[str, list[str]]:
    """Message → where it stands."""
    places: dict[str, list[str]] = defaultdict(list)
    for path in sorted((ROOT / "market").rglob("*.py")):
        name = str(path.relative_to(ROOT))
        for line, message in _in_python(path, sentences=not name.startswith(DATA)):
            places[message].append(f"{name}:{line}")
    for path in sorted((ROOT / "templates").rglob("*.html")) + sorted((ROOT / "templates").rglob("*.txt")):
        with path.open("rb") as file:
            for line, _function, message, _comments in babel_extract(
                file, ["_", "gettext"], [], {"trimmed": "true"}
            ):
                places[message if isinstance(message, str) else message[0]].append(
                    f"{path.relative_to(ROOT)}:{line}"
                )
    return dict(places)


def _in_python(path: Path, *, sentences: bool) -> Iterator[tuple[int, str]]:
    with path.open("rb") as file:
        for line, message, _comments, _context in extract(
            "python", file, {"_": None, "_l": None, "gettext": None, "lazy_gettext": None}
        ):
            yield line, message if isinstance(message, str) else message[0]
    if sentences:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        exempt = {id(node) for node in _docstrings_and_pairs(tree)}
        for node in ast.walk(tree):
            if id(node) not in exempt and len(CHINESE.findall(_text(node))) > 1:
                yield node.lineno, _text(node)


def _docstrings_and_pairs(tree: ast.Module) -> Iterator[ast.expr]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr):
            yield node.value
        elif isinstance(node, ast.JoinedStr):
            yield from node.values
        row = (
            node.args
            if isinstance(node, ast.Call)
            else node.elts
            if isinstance(node, ast.Tuple | ast.List)
            else []
        )
        for one, following in zip(row, row[1:], strict=False):
            if _text(one) and CHINESE.search(_text(one)) and _english(following):
                yield one
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(isinstance(target, ast.Name) and target.id.lower().endswith("_zh") for target in targets):
                yield from (inner for inner in ast.walk(node.value) if isinstance(inner, ast.expr))
        elif isinstance(node, ast.Call):
            yield from _keyword_pairs(node.keywords)
        elif isinstance(node, ast.Dict):
            yield from _dict_pairs(node)


def _keyword_pairs(keywords: list[ast.keyword]) -> Iterator[ast.expr]:
    names = {keyword.arg for keyword in keywords if keyword.arg}
    for keyword in keywords:
        if keyword.arg and keyword.arg.endswith("_zh") and keyword.arg[:-3] + "_en" in names:
            yield from (node for node in ast.walk(keyword.value) if isinstance(node, ast.expr))


def _dict_pairs(node: ast.Dict) -> Iterator[ast.expr]:
    texts = {
        _text(value): value
        for key, value in zip(node.keys, node.values, strict=True)
        if key and _text(key) == "zh"
    }
    if any(key is not None and _text(key) == "en" for key in node.keys):
        yield from texts.values()


def _text(node: ast.AST) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _english(node: ast.AST) -> bool:
    return bool(re.search("[A-Za-z]{2}", _text(node))) and not CHINESE.search(_text(node))


def bare_chinese() -> list[str]:
    """Chinese in templates that is not inside `_()` and so has no English."""
    environment = Environment(autoescape=True)
    places = []
    for path in sorted((ROOT / "templates").rglob("*.html")):
        for line, kind, value in environment.lex(path.read_text(encoding="utf-8")):
            if kind == "data" and CHINESE.search(re.sub(r'lang="zh-CN">[^<]*<', "", value)):
                places.append(f"{path.relative_to(ROOT)}:{line}: {' '.join(value.split())[:40]}")
    return places
