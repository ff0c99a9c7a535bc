"""The hand-written catalogue in English: no category, filter, order or card is left in Chinese."""

from __future__ import annotations

import re
from datetime import timedelta

from sqlalchemy import select

from market import audit, db
from market.accounts import Organization
from market.catalog import seed
from market.config import ROOT
from tests.conftest import PRESENT
from tests.support.pages import text_of
from tests.test_translations import CHINESE, QUOTED

#: How a visitor finds her language. A firm's registered name has no English.
OWN_NAME = re.compile("中文")


def test_lists_and_filters_speak_english(client, app) -> None:
    with db.transaction():
        seed.load(ROOT / "catalog_seed", by=audit.system("test"), at=PRESENT - timedelta(days=90))
        registered = re.compile("|".join(map(re.escape, db.session.scalars(select(Organization.name)))))
    lists = [f"/offerings/?category={slug}" for slug in ("storage", "development", "promotion", "payment")]
    for path in ("/", *lists, "/offerings/?category=storage&subcategory=backup", "/solutions/", "/compare/?s=computer-backup&s=team-drive",
                 "/help/", "/recommended/", "/requirements/new"):  # fmt: skip
        page = client.page(f"{path}{'&' if '?' in path else '?'}lang=en")
        said = registered.sub("", QUOTED.sub("", OWN_NAME.sub("", page.text)))
        assert not CHINESE.search(said), (path, [line for line in said.splitlines() if CHINESE.search(line)][:3] or said[max(0, CHINESE.search(said).start() - 40) :][:120])
        assert all(text_of(label) for label in page.all("label")), path
