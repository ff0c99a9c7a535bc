"""The documentation is true: commands, settings, addresses, sign-ins and links exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

from market import demo
from market.cli import main
from market.config import ROOT, Settings

README = ROOT / "README.md"
DOCUMENTS = [
    README,
    ROOT / "CHANGELOG.md",
    ROOT / "SECURITY.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "examples").rglob("*.md")),
]
BY_NAME = [str(path.relative_to(ROOT)) for path in DOCUMENTS]


def settings_table() -> dict[str, str]:
    """Variable → default as the README says it; a row may name several."""
    section = README.read_text().partition("## Settings")[2].partition("\n## ")[0]
    table = {}
    for names, default in re.findall(r"^\| (`[A-Z].*?) \| (.*?) \|", section, re.MULTILINE):
        each, defaults = re.findall(r"`([A-Z_]+)`", names), re.findall(r"`([^`]+)`", default)
        table |= dict(
            zip(each, defaults if len(defaults) == len(each) else [default] * len(each), strict=True)
        )
    return table


def read_by_the_code() -> set[str]:
    source = (ROOT / "market/config.py").read_text()
    return set(re.findall(r'(?:text|flag|number|percent|choice|words|env\.get)\(\s*"([A-Z_]+)"', source))


def test_the_settings_table_names_every_variable_and_no_other() -> None:
    assert settings_table().keys() == read_by_the_code()


def test_the_defaults_are_those_of_the_code(tmp_path: Path) -> None:
    settings, said = Settings.from_env({"MARKET_DATA_DIR": str(tmp_path)}), settings_table()
    meant = {
        "HOST": settings.host, "PORT": settings.port, "MARKET_MAIL_FROM": settings.mail_from,
        "MARKET_SITE_NAME_ZH": settings.site_name_zh, "MARKET_SITE_NAME_EN": settings.site_name_en,
        "MARKET_GRACE_DAYS": settings.grace_days, "MARKET_PAYMENT_DAYS": settings.payment_days,
        "MARKET_WEB_WORKERS": settings.web_workers, "MARKET_WEB_THREADS": settings.web_threads,
        "MARKET_LOG_FORMAT": settings.log_format, "MARKET_DEMO_MONTHS": settings.demo_months,
        "MARKET_TEST_CLOCK": int(settings.test_clock),
    }  # fmt: skip
    assert {name: said[name] for name in meant} == {name: str(value) for name, value in meant.items()}


def test_the_sign_ins_are_those_of_the_demo() -> None:
    text = README.read_text()
    assert set(re.findall(r"`(\S+@\S+\.example)`", text)) == {person.email for person in demo.PEOPLE}
    assert f"`{demo.PASSWORD}`" in text


@pytest.mark.parametrize("name", BY_NAME)
def test_make_targets_exist(name: str) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"(?:^|`|PORT=\d+ )make ([a-z]+)", (ROOT / name).read_text(), re.MULTILINE))
    assert named <= targets


@pytest.mark.parametrize("name", BY_NAME)
def test_commands_exist(name: str) -> None:
    words = re.findall(
        r"(?:^|`|bin/|[A-Za-z0-9] )market ([a-z]{3,}\b)(?=[^\n]*(?:`|$))", code(name), re.MULTILINE
    )
    assert set(words) <= set(main.commands)


@pytest.mark.parametrize("name", BY_NAME)
def test_links_lead_somewhere(name: str) -> None:
    path = ROOT / name
    for link in re.findall(r"\]\(([^)\s]+)\)", path.read_text()):
        if "://" not in link:
            assert (path.parent / link.partition("#")[0]).exists(), link


def test_pictures_load_fast() -> None:
    sizes = {path.name: path.stat().st_size for path in (ROOT / "docs/images").glob("*.png")}
    assert sizes and max(sizes.values()) <= 300 * 1024, sizes


@pytest.mark.parametrize("name", ["README.md", "docs/operations.md", "docs/api.md"])
def test_addresses_are_pages(name: str, app: Flask) -> None:
    router = app.url_map.bind("market.example")
    for address in set(re.findall(r"`(?:GET |POST )?(/[a-z][a-z0-9/-]*)`", (ROOT / name).read_text())):
        method = "POST" if address == "/api/v1/events" else "GET"
        try:
            router.match(address, method=method)
        except RequestRedirect:
            pytest.fail(f"{address} is written without its slash at the end")
        except HTTPException:
            pytest.fail(f"{address} is no page")


def code(name: str) -> str:
    """What is set as code: fenced lines and `spans`, one a line."""
    text = (ROOT / name).read_text()
    fenced = re.findall(r"^```\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return "\n".join([*fenced, *re.findall(r"`([^`\n]+)`", text)])
