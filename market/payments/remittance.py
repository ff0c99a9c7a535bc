"""Remittance codes: ten characters a buyer copies onto a bank slip, with one that catches slips of the pen.

No I, L, O, U, 1: nothing that is mistaken for another or reads as a word. The last character makes the sum of
all, weighted by place, a multiple of 31; that is a prime and the number of characters, so every single wrong
character and every swap of two is found.
"""

from __future__ import annotations

import secrets

ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ0"
LENGTH = 10


def new_code() -> str:
    """A random code; with 31^9 of them a repeat is a matter for the unique key."""
    body = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH - 1))
    return body + check_character(body)


def check_character(body: str) -> str:
    """What makes the weighted sum, the check character itself counting once, a multiple of 31."""
    total = sum(place * ALPHABET.index(character) for place, character in enumerate(body, start=2))
    return ALPHABET[-total % len(ALPHABET)]


def is_code(written: str) -> bool:
    """Whether it is a code that could have been given out."""
    written = tidy(written)
    known = len(written) == LENGTH and all(character in ALPHABET for character in written)
    return known and check_character(written[:-1]) == written[-1]


def tidy(written: str) -> str:
    """Upper case, without the spaces and hyphens that banks and people put in."""
    return "".join(written.upper().replace("-", " ").split())
