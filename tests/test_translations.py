"""Everything that people can be shown in Chinese can be shown in English too."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
from jinja2 import Environment

from market import messages
from market.config import ROOT

PLACES = re.compile(r"%\(\w+\)[sd]|%%|\{\w+\}")
CHINESE = re.compile(r"[\u3400-\u9fff\uff01-\uff5e\u3000-\u303f]")
#: Chinese words that English speakers here need, such as the name of a document, stand in brackets or quotes.
QUOTED = re.compile(r"\([^)]*\)|“[^”]*”|\"[^\"]*\"")
#: A visitor looks for his language by its own name.
OWN_NAME = re.compile(r'lang="zh-CN"[^>]*>\s*中文\s*<')


@pytest.fixture(scope="module")
def english() -> dict[str, str]:
    return messages.english()


@pytest.fixture(scope="module")
def collected() -> dict[str, list[str]]:
    return messages.collect()


def test_every_message_has_its_english(english: dict[str, str], collected: dict[str, list[str]]) -> None:
    missing = [f"{places[0]}: {message}" for message, places in collected.items() if message not in english]
    listing = "\n".join(missing[:60])
    assert not missing, f"{len(missing)} messages without English (`make messages` adds them):\n{listing}"


def test_placeholders_are_the_same_in_both_languages(english: dict[str, str]) -> None:
    assert not {
        chinese: text
        for chinese, text in english.items()
        if set(PLACES.findall(chinese)) != set(PLACES.findall(text))
    }


def test_english_is_english(english: dict[str, str]) -> None:
    assert not {text for text in english.values() if CHINESE.search(QUOTED.sub("", text))}


def test_the_catalogue_holds_nothing_that_is_gone(
    english: dict[str, str], collected: dict[str, list[str]]
) -> None:
    assert not set(english) - set(collected)


def test_no_sentence_is_glued_together() -> None:
    assert not messages.glued(), "an f-string cannot be translated: use %(name)s and parameters"


def test_templates_say_nothing_outside_gettext() -> None:
    environment = Environment(autoescape=True)
    bare = []
    for path in sorted((ROOT / "templates").rglob("*.html")):
        for line, kind, value in environment.lex(path.read_text(encoding="utf-8")):
            if kind == "data" and CHINESE.search(OWN_NAME.sub("", value)):
                bare.append(f"{path.relative_to(ROOT)}:{line}: {' '.join(value.split())[:40]}")
    assert not bare


def test_the_catalogue_is_written_in_both_languages() -> None:
    """Categories, sectors, cities, solutions, providers and services: what is said in one language is said in the other."""
    files = sorted((ROOT / "catalog_seed").rglob("*.toml"))
    wrong = [f"{path.relative_to(ROOT)}: {place}" for path in files for place in halves(tomllib.loads(path.read_text(encoding="utf-8")))]
    assert len(files) > 30 and not wrong


def halves(value: Any, place: str = "") -> Iterator[str]:
    """Where one language lacks what the other says, or English holds Chinese."""
    if isinstance(value, list):
        for number, each in enumerate(value):
            yield from halves(each, f"{place}[{number}]")
    if not isinstance(value, dict):
        return
    for key, each in value.items():
        yield from halves(each, f"{place}.{key}")
        name, _bar, language = key.rpartition("_")
        if language not in ("zh", "en"):
            continue
        other = value.get(f"{name}_{'en' if language == 'zh' else 'zh'}")
        if bool(each) != bool(other) or (isinstance(each, list) and len(each) != len(other or [])):
            yield f"{place}.{key}"
        if language == "en" and CHINESE.search(QUOTED.sub("", " ".join(each) if isinstance(each, list) else str(each))):
            yield f"{place}.{key} holds Chinese"
