"""Marking what is different between two texts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.catalog import marked


@pytest.mark.parametrize(
    ("before", "after", "removed", "added"),
    [
        ("每天备份", "每小时备份", ["天"], ["小时"]),
        ("99.9%", "99.95%", ["99.9%"], ["99.95%"]),
        ("same", "same", [], []),
        ("", "新写的", [], ["新写的"]),
        ("every day", "every hour", ["day"], ["hour"]),
    ],
)
def test_only_what_differs_is_marked(before, after, removed, added):
    old, new = marked(before, after)
    assert [text for mark, text in old if mark == "removed"] == removed
    assert [text for mark, text in new if mark == "added"] == added


@given(st.text(max_size=60), st.text(max_size=60))
def test_the_pieces_are_the_whole_text(before, after):
    old, new = marked(before, after)
    assert ("".join(text for _, text in old), "".join(text for _, text in new)) == (before, after)
