"""Passwords: which are too easily guessed, and which are nobody's business."""

from __future__ import annotations

from market.accounts import passwords

COMMON = [
    "1234567890", "0987654321", "qwertyuiop", "password123", "Passw0rd!!", "P@ssw0rd2026", "iloveyou1314", "woaini5201314", "5201314520",
    "aaaaaaaaaa", "abcabcabcabc", "1q2w3e4r5t", "1qaz2wsx3edc", "asdfghjkl1", "admin123456", "Welcome2026", "qwerty12345", "11112222333",
    "guangdong2026", "zxcvbnm,./", "abcd123456", "passwordpassword", "letmein!!!!",
]  # fmt: skip
FINE = ["plum blossom lantern", "correct horse battery", "demo-cloud-2026", "梅花三弄灯笼十里长街", "Zt7$kk-Wq92m", "violin harbour seventeen"]


OWN = ["owner-2026", "示例店主示例店主99", "Owner@Shop.example", "yueqi cloud market", "粤企云市粤企云市1"]


def test_what_everybody_uses_is_refused(database: None) -> None:
    assert [password for password in [*COMMON, "short", "x" * 201] if passwords.problem(password) is None] == []


def test_anything_else_of_ten_characters_is_taken(database: None) -> None:
    assert [password for password in FINE if passwords.problem(password, email="owner@shop.example", name="示例店主")] == []


def test_ones_own_name_and_the_sites_are_refused(database: None) -> None:
    assert [password for password in OWN if not passwords.problem(password, email="owner@shop.example", name="示例店主")] == []


def test_two_ways_to_type_a_letter_are_one_password() -> None:
    stored = passwords.hash("caf\u00e9 au lait 2026")
    assert passwords.verify(stored, "cafe\u0301 au lait 2026")
    assert not passwords.verify(None, "cafe\u0301 au lait 2026") and not passwords.verify(stored, "x" * 100_000)


def test_nobody_who_has_no_account_is_told_so_by_the_time_it_takes() -> None:
    assert not passwords.outdated(passwords._DECOY)
