"""What people type into a larger box, as it is kept: one kind of line end, no control characters, no empty margins."""

from __future__ import annotations

import re

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u200b\u2028-\u202e\u2066-\u2069\ufeff]")
_GAPS = re.compile(r"\n{3,}")


def cleaned(text: str) -> str:
    """The same words; several empty lines are one."""
    narrow = _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    return _GAPS.sub("\n\n", "\n".join(line.rstrip() for line in narrow.split("\n"))).strip()
