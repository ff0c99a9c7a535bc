"""The few marks of a policy's text."""

from __future__ import annotations

import pytest

from market.policies import Block, Change, blocks, changes

TEXT = "开头\r\n第二行\n\n## 标题\n- 一\n- 二\n段落\n## 又一个"


def test_headings_lists_and_paragraphs() -> None:
    assert blocks(TEXT) == [
        Block("paragraph", ("开头第二行",)),
        Block("heading", ("标题",)),
        Block("list", ("一", "二")),
        Block("paragraph", ("段落",)),
        Block("heading", ("又一个",)),
    ]


def test_english_lines_of_a_paragraph_join_with_a_blank() -> None:
    assert blocks("one\ntwo") == [Block("paragraph", ("one two",))]


@pytest.mark.parametrize("text", ["", " \n\t\n", "\x00\x1b"])
def test_nothing_is_no_block(text: str) -> None:
    assert blocks(text) == []


def test_markup_is_only_text() -> None:
    assert blocks("<script>alert(1)</script> [a](javascript:1)")[0].lines == ("<script>alert(1)</script> [a](javascript:1)",)


def test_changes_stand_beside_what_they_replace_under_their_heading() -> None:
    old = "开头\n\n## 甲\n- 一\n- 二\n\n## 乙\n丙"
    new = "开头\n\n## 甲\n- 一\n- 二百\n- 三\n\n## 乙\n丙"
    assert changes(old, new) == [
        Change("", "开头", "开头"),
        Change("甲", "一", "一"),
        Change("甲", "二", "二百"),
        Change("甲", "", "三"),
        Change("乙", "丙", "丙"),
    ]
