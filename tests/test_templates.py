"""Every template is reached from code, obeys the content security policy, and names icons that exist."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from jinja2 import Environment, nodes

from market.config import ROOT

FOLDER = ROOT / "templates"
TEMPLATES = {
    str(path.relative_to(FOLDER)): path.read_text(encoding="utf-8")
    for path in FOLDER.rglob("*")
    if path.is_file()
}
INLINE = re.compile(
    r"""\sstyle\s*=\s*["']|<style\b|<script\b(?![^>]*(?:\bsrc=|application/ld\+json))|\son[a-z]+\s*=\s*["']|javascript:"""
)
environment = Environment(autoescape=True, extensions=["jinja2.ext.i18n"])


def test_every_template_is_reachable() -> None:
    patterns = _named_in_python()
    reached = {name for name in TEMPLATES if any(pattern.fullmatch(name) for pattern in patterns)}
    queue = list(reached)
    while queue:
        for name in _named_in_template(queue.pop()):
            if name in TEMPLATES and name not in reached:
                reached.add(name)
                queue.append(name)
    assert not set(TEMPLATES) - reached, "no view, mail or document uses these"


def _named_in_python() -> list[re.Pattern[str]]:
    """Texts that may name a template; the parts of an f-string that are not fixed match anything."""
    found = set()
    for path in (ROOT / "market").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in TEMPLATES:
                found.add(re.escape(node.value))
            if isinstance(node, ast.JoinedStr) and "/" in ast.unparse(node):
                found.add(
                    "".join(
                        re.escape(v.value) if isinstance(v, ast.Constant) else "[^/]+" for v in node.values
                    )
                )
    return [re.compile(pattern) for pattern in found]


def _named_in_template(name: str) -> Iterator[str]:
    if not name.endswith((".html", ".txt")):
        return
    tree = environment.parse(TEMPLATES[name])
    for node in tree.find_all((nodes.Extends, nodes.Include, nodes.Import, nodes.FromImport)):
        for constant in (node.template, *node.template.find_all(nodes.Const)):
            if isinstance(constant, nodes.Const) and isinstance(constant.value, str):
                yield constant.value


def test_every_template_a_view_names_exists() -> None:
    missing = []
    for path in (ROOT / "market").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            called = isinstance(node, ast.Call) and ast.unparse(node.func) in (
                "render_template",
                "flask.render_template",
            )
            if called and isinstance(node.args[0], ast.Constant) and node.args[0].value not in TEMPLATES:
                missing.append(f"{path.relative_to(ROOT)}:{node.lineno}: {node.args[0].value}")
    assert not missing


def test_no_template_holds_inline_style_or_script() -> None:
    found = [
        f"{name}: {match.group()}"
        for name, text in TEMPLATES.items()
        if name.endswith(".html") and not name.startswith("email/")
        for match in INLINE.finditer(re.sub(r"\{#.*?#\}", "", text, flags=re.DOTALL))
    ]
    assert not found


def test_icons_are_in_the_sprite() -> None:
    lines = (ROOT / "static/icons.txt").read_text(encoding="utf-8").splitlines()
    listed = {line.partition("#")[0].strip() for line in lines}
    used = {
        (name, call.args[0].value)
        for name, text in TEMPLATES.items()
        if name.endswith(".html")
        for call in environment.parse(text).find_all(nodes.Call)
        if isinstance(call.node, nodes.Name) and call.node.name == "icon" and call.args
        if isinstance(call.args[0], nodes.Const)
    }
    assert not {(name, icon) for name, icon in used if icon not in listed}


def test_static_files_that_templates_name_exist() -> None:
    missing = [
        f"{name}: {call.args[0].value}"
        for name, text in TEMPLATES.items()
        if name.endswith(".html")
        for call in environment.parse(text).find_all(nodes.Call)
        if isinstance(call.node, nodes.Name) and call.node.name == "asset"
        if isinstance(call.args[0], nodes.Const) and not Path(ROOT / "static" / call.args[0].value).is_file()
    ]
    assert not missing


def test_the_subject_of_an_email_ends_with_its_line() -> None:
    # A line that ends with a block tag loses its line break, and the next line joins the subject.
    runs_on = []
    for name, text in TEMPLATES.items():
        if name.startswith("email/"):
            subject, after, *_ = (line for line in text.splitlines() if not re.fullmatch(r"\{% set .* %\}", line))
            if subject.endswith("%}") and after:
                runs_on.append(name)
    assert not runs_on
