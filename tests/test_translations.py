"""Everything that people can be shown in Chinese can be shown in English too."""

from __future__ import annotations

import re

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

from tests.support import messages

PLACES = re.compile(r"%\(\w+\)[sd]|%%")


@pytest.fixture(scope="module")
def english() -> Catalog:
    with messages.CATALOG.open("rb") as file:
        return read_po(file)


@pytest.fixture(scope="module")
def found() -> dict[str, list[str]]:
    return messages.found()


def test_every_message_has_its_english(english: Catalog, found: dict[str, list[str]]) -> None:
    missing = {
        m: places[0] for m, places in found.items() if messages.CHINESE.search(m) and not _english(english, m)
    }
    listing = "\n".join(f"{place}: {message}" for message, place in list(missing.items())[:60])
    assert not missing, (
        f"{len(missing)} messages without English (make messages adds them to the catalog):\n{listing}"
    )


def _english(catalog: Catalog, message: str) -> str:
    entry = catalog.get(message)
    return str(entry.string) if entry and not entry.fuzzy else ""


def test_placeholders_are_the_same_in_both_languages(english: Catalog) -> None:
    different = [
        message.id
        for message in english
        if message.id and set(PLACES.findall(str(message.string))) != set(PLACES.findall(str(message.id)))
    ]
    assert not different


def test_no_english_is_left_in_chinese(english: Catalog) -> None:
    left = [
        m.id
        for m in english
        if m.id and re.search(r"[\u4e00-\u9fff]{2}", str(m.string)) and "示例" not in m.id
    ]
    assert not [m for m in left if not re.search("fapiao|[(“]", str(english[m].string))]


def test_the_catalog_holds_nothing_that_is_gone(english: Catalog, found: dict[str, list[str]]) -> None:
    assert not [message.id for message in english if message.id and message.id not in found]


def test_templates_say_nothing_outside_gettext() -> None:
    assert not messages.bare_chinese()
