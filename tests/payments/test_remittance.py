"""Codes that survive being copied by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.payments import remittance

bodies = st.text(alphabet=remittance.ALPHABET, min_size=9, max_size=9)


def test_a_new_code_is_a_code() -> None:
    codes = {remittance.new_code() for _ in range(50)}
    assert len(codes) == 50
    assert all(remittance.is_code(code) and len(code) == 10 for code in codes)


@given(bodies, st.integers(0, 9), st.sampled_from(remittance.ALPHABET))
def test_one_wrong_character_is_found(body: str, place: int, wrong: str) -> None:
    code = body + remittance.check_character(body)
    changed = code[:place] + wrong + code[place + 1 :]
    assert remittance.is_code(changed) == (changed == code)


@given(bodies, st.integers(0, 8))
def test_two_neighbors_swapped_are_found(body: str, place: int) -> None:
    code = body + remittance.check_character(body)
    changed = code[:place] + code[place + 1] + code[place] + code[place + 2 :]
    assert remittance.is_code(changed) == (changed == code)


@pytest.mark.parametrize("written", ["", "GD7K3M9QX", "O" * 10, "1" * 10, "汇款识别码一二三四五"])
def test_what_cannot_be_a_code(written: str) -> None:
    assert not remittance.is_code(written)


def test_spaces_and_small_letters_do_no_harm() -> None:
    code = remittance.new_code()
    assert remittance.is_code(f" {code[:5].lower()}-{code[5:]} ")
