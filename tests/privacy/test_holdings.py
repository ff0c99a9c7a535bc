"""Every table is somebody's or nobody's, and the way to the owner exists."""

from __future__ import annotations

from itertools import chain

import pytest

from market import schema
from market.privacy.holdings import NOBODYS, OF_ORGANIZATION, OF_PERSON, SECRETS, belongs, table_of

OWNED = [*OF_ORGANIZATION.values(), OF_PERSON]


def test_no_table_was_forgotten() -> None:
    named = set(chain(NOBODYS, *OWNED))
    assert named == set(schema.metadata.tables), named ^ set(schema.metadata.tables)


def test_what_is_nobodys_has_no_owner() -> None:
    assert not [name for name in chain(*OWNED) if name in NOBODYS]


@pytest.mark.parametrize("holdings", OWNED)
def test_every_path_can_be_followed(holdings: dict[str, str]) -> None:
    for name, path in holdings.items():
        assert belongs(table_of(name), path, 1) is not None, name


def test_what_is_hashed_or_encrypted_is_left_out() -> None:
    columns = {column.name for table in schema.metadata.tables.values() for column in table.columns}
    assert columns >= SECRETS
    telling = {name for name in columns if any(word in name for word in ("secret", "password", "salt", "_hash"))}
    assert telling - SECRETS <= {"payload_hash", "terms_hash", "previous_hash", "browser_hash", "challenge_hash"}
