"""The shape of the code: who imports whom, where things may be said, how long a module may be."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import grimp
import pytest
from importlinter.cli import lint_imports

from market.config import ROOT

MODULES = sorted(path for path in (ROOT / "market").rglob("*.py") if "versions" not in path.parts)
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
DOMAINS = next(
    [module.removeprefix("market.") for module in contract["source_modules"]]
    for contract in CONTRACTS if contract["name"] == "Domains know no HTTP"
)  # fmt: skip
ABOVE_DOMAINS = ["cli", "app", "storefront", "account", "console", "vendor", "admin", "api", "web", "jobs"]
LONGEST = 400


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


@cache
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("market", include_external_packages=True, cache_dir=None)


def where(path: Path, node: ast.AST | None = None) -> str:
    return f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 1)}"


def test_import_contracts_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert lint_imports(no_cache=True) == 0, "see the broken contract above"


@pytest.mark.parametrize(
    "package", ["stripe", "whoosh", "typst", "apscheduler", "rjieba", "argon2", "alembic", "pyotp", "webauthn", "segno", "PIL", "mt940", "pycamt"]
)
def test_a_replaceable_library_is_imported_by_one_package(package: str) -> None:
    if package not in graph().modules:
        return
    users = {module.rpartition(".")[0] if module.count(".") > 1 else module
             for module in graph().find_modules_that_directly_import(package)}  # fmt: skip
    assert len(users - {"market.migrations"}) <= 1, f"{package} is imported by {sorted(users)}"


def test_faces_use_a_domain_through_its_front_door() -> None:
    inner = [
        where(path, node)
        for path in MODULES
        if path.relative_to(ROOT).parts[1].removesuffix(".py") in ABOVE_DOMAINS
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.ImportFrom) and _inside_a_domain(node.module or "")
    ]
    assert not inner, f"import these from the package itself: {inner}"


def _inside_a_domain(module: str) -> bool:
    parts = module.split(".")
    # A package inside a domain, such as `subscriptions.provisioning`, has a front door of its own.
    inner = len(parts) > 2 and parts[0] == "market" and parts[1] in DOMAINS
    return inner and not Path(ROOT, *parts).is_dir()


def test_no_module_grows_past_its_idea() -> None:
    long = {where(path): lines for path in MODULES if (lines := len(path.read_text().splitlines())) > LONGEST}
    assert not long, f"is there an idea without a name in there? {long}"


def test_every_module_says_what_it_is() -> None:
    silent = [
        where(path) for path in MODULES if path.read_text().strip() and not ast.get_docstring(tree_of(path))
    ]
    assert not silent


def test_only_the_edges_commit() -> None:
    allowed = {"market/db.py", "market/web/transactions.py", "market/search/whoosh_index.py"}  # the last commits an index
    others = [
        where(path, node)
        for path in MODULES
        if str(path.relative_to(ROOT)) not in allowed
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "commit"
    ]
    assert not others, f"the transaction belongs to the edge: {others}"


def test_a_status_moves_through_its_lifecycle_only() -> None:
    others = [
        where(path, target)
        for path in MODULES
        if path != ROOT / "market/kit/lifecycle.py"
        for target in _assigned(tree_of(path))
        if isinstance(target, ast.Attribute) and target.attr == "status"
    ]
    assert not others, f"use LIFECYCLE.move(thing, state): {others}"


def _assigned(tree: ast.Module) -> Iterator[ast.expr]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            yield from node.targets
        elif isinstance(node, ast.AugAssign | ast.AnnAssign):
            yield node.target


def test_imports_stand_at_the_top() -> None:
    hidden = [
        where(path, inner)
        for path in MODULES
        for function in ast.walk(tree_of(path))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for inner in ast.walk(function)
        if isinstance(inner, ast.Import | ast.ImportFrom)
    ]
    assert not hidden


def test_domains_never_read_the_clock() -> None:
    # A webhook's receiver compares the signature's time with its own clock.
    allowed = ROOT / "market/subscriptions/provisioning/transport.py"
    readers = [
        where(path, node)
        for path in MODULES
        if path != allowed and path.relative_to(ROOT).parts[1] in (*DOMAINS, "kit", "rating")
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Attribute)
        and (
            node.attr in ("utcnow", "today")
            or ast.unparse(node) in ("datetime.now", "resources.clock", "resources.present", "time.time")
        )
    ]
    assert not readers, f"time is passed in: {readers}"


def test_only_the_settings_read_the_environment() -> None:
    readers = [
        where(path, node)
        for path in MODULES
        if path.name != "config.py" and path.relative_to(ROOT).parts[1] != "cli"
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Attribute) and ast.unparse(node) in ("os.environ", "os.getenv")
    ]
    assert not readers


def test_nothing_is_left_open() -> None:
    left = re.compile(r"\b(TODO|FIXME|XXX|pragma: no cover)\b|# noqa(?!: [A-Z0-9, ]+  # )")
    found = [
        f"{where(path)[:-2]}:{number}"
        for path in MODULES
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if left.search(line)
    ]
    assert not found


def test_style_holds() -> None:
    checked = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--no-cache", "--output-format=concise", "."],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stdout


def test_types_hold() -> None:
    checked = subprocess.run([sys.executable, "-m", "mypy"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout
