"""The form of the chain is what its description says, to the byte."""

from __future__ import annotations

import hashlib
import json

from market.audit import chain
from market.config import ROOT

_SECTION = "# How the trail is sealed"


def test_the_example_in_the_description_gives_its_hash() -> None:
    text = (ROOT / "docs/algorithms.md").read_text().partition(_SECTION)[2]
    lines = [line.strip() for line in text.splitlines() if line.startswith("    ")]
    start = lines.index(chain.GENESIS)
    end = next(number for number, line in enumerate(lines) if line.startswith("→"))
    row = "".join(lines[start + 1 : end])
    assert hashlib.sha256((chain.GENESIS + row).encode()).hexdigest() == lines[end].removeprefix("→ ")
    salts = {"actor_salt": "", "subject_salt": ""}
    assert chain.canonical({**json.loads(row), **salts}) == row


def test_only_what_must_be_is_escaped() -> None:
    row = {"actor_digest": "", "subject_digest": "", "reason": '“中”/\u007f\u2028"\\\n\x1f😀', "after": {"b": [], "a": None, "é": 1}}
    assert chain.canonical(row) == (
        '{"actor_digest":"","after":{"a":null,"b":[],"é":1},"reason":"“中”/\u007f\u2028\\"\\\\\\n\\u001f😀","subject_digest":""}'
    )


def test_texts_behind_a_digest_and_salts_are_left_out() -> None:
    row = {
        "actor_digest": "d", "actor_salt": "s", "actor_label": "陈晓彤", "address": "192.0.2.1",
        "subject_digest": "", "subject_salt": "", "subject_label": "企业",
    }  # fmt: skip
    assert chain.canonical(row) == '{"actor_digest":"d","subject_digest":"","subject_label":"企业"}'
    assert chain.digest("s", "陈晓彤", "") == hashlib.sha256('["s","陈晓彤",""]'.encode()).hexdigest()
