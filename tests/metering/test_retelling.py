"""A refused event's reason in other languages: found again in the stored sentence."""

from __future__ import annotations

import ast

import pytest

from market.config import ROOT
from market.metering import RefusedEvent, retold
from market.metering.retelling import TEXTS


def _filled_in() -> set[str]:
    """The texts with gaps of every refusal of an event in the source."""
    found = set[str]()
    for path in (ROOT / "market" / "metering").rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "EventRefused":
                texts = [each.value for each in call.args[1:] if isinstance(each, ast.Constant)]
                found |= {text for text in texts if isinstance(text, str) and "%(" in text}
    return found


def test_every_text_with_something_in_it_is_known() -> None:
    assert _filled_in() <= set(TEXTS)


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("“a“b”不是数字”不是数字", ("“%(value)s”不是数字", {"value": "a“b”不是数字"})),
        ("mb 最大是 1,000。", ("%(name)s 最大是 %(limit)s。", {"name": "mb", "limit": "1,000"})),
        ("缺少 source。", ("缺少 %(name)s。", {"name": "source"})),
        ("data 里没有 两\n行。", ("data 里没有 %(name)s。", {"name": "两\n行"})),
        ("找不到这个订阅。", ("找不到这个订阅。", {})),
    ],
)
def test_what_was_filled_in_is_found_again(reason: str, told: tuple[str, dict[str, str]]) -> None:
    assert retold(RefusedEvent(reason=reason)) == told
