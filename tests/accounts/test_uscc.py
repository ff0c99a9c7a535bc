"""统一社会信用代码: the vectors of the standard, and what is said about a wrong one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.accounts import uscc

VALID = ["91350100M000100Y43", "91440300708461136T", "91140100767144608G", "914403001922038216"]
ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


@pytest.mark.parametrize("code", VALID)
def test_real_codes_pass_both_checks(code: str) -> None:
    assert uscc.problem(code) is None


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("91350100M000100Y4Z", "不会出现“Z”"),
        ("91350100M000100Y4", "现在是 17 位"),
        ("91350100M000100Y44", "最后一位校验位（4）对不上"),
        ("91350100M000200Y43", "第 9–17 位（M000200Y4）的校验位对不上"),
        ("91350200M000100Y43", "最后一位校验位（3）对不上"),
        ("<script>alert(1)</", "不会出现“<”"),
        ("九一三五〇一〇〇Ｍ０００１００Ｙ４３", "不会出现“九”"),
        ("", "现在是 0 位"),
    ],
)
def test_a_wrong_code_says_what_is_wrong(code: str, said: str) -> None:
    problem = uscc.problem(code)
    assert problem is not None and said in str(problem)


@given(st.sampled_from(VALID), st.integers(0, 17), st.sampled_from(ALPHABET))
def test_one_mistyped_character_is_always_noticed(code: str, place: int, letter: str) -> None:
    typed = code[:place] + letter + code[place + 1 :]
    assert (uscc.problem(typed) is None) == (typed == code)


def test_spaces_and_small_letters_are_forgiven() -> None:
    assert uscc.normal(" 91350100 m000100y43 ") == VALID[0]
    assert uscc.normal("９１３５０１００Ｍ０００１００Ｙ４３") == VALID[0]


def test_a_code_hints_at_the_city() -> None:
    assert uscc.place(VALID[1]) == "440300"
    assert uscc.place("914403") == uscc.place("") == ""
