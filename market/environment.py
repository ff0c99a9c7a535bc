"""Environment variables, read one by one: what cannot be read is told in words, all of it at once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal

_PERCENT = re.compile(r"[0-9]{1,3}(\.[0-9]{1,4})?", re.ASCII)
_YES = {"1", "true", "yes", "on"}
_NO = {"", "0", "false", "no", "off"}


class Environment:
    """The variables, and the `problems` there were with those that were read so far."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self.env = env
        self.problems: list[str] = []

    def text(self, name: str, default: str) -> str:
        """A text; what is empty counts as not set."""
        return self.env.get(name, "").strip() or default

    def flag(self, name: str, default: bool) -> bool:
        """Yes or no."""
        raw = self.env.get(name)
        if raw is None:
            return default
        if raw.lower() in _YES:
            return True
        if raw.lower() not in _NO:
            self.problems.append(f"{name}={raw!r} is neither yes nor no: set it to 1 or 0.")
        return False

    def number(self, name: str, default: int, low: int, high: int) -> int:
        """A whole number within these bounds."""
        raw = self.env.get(name, "").strip()
        if not raw:
            return default
        if raw.isdecimal() and low <= int(raw) <= high:
            return int(raw)
        self.problems.append(f"{name}={raw!r} is not a whole number from {low} to {high}.")
        return default

    def percent(self, name: str, default: str) -> str:
        """`2.5` as the part `0.025`, with up to four places."""
        raw = self.env.get(name, "").strip()
        if not raw:
            return default
        if _PERCENT.fullmatch(raw) and Decimal(raw) <= 100:
            return f"{Decimal(raw).scaleb(-2).normalize():f}"
        self.problems.append(f"{name}={raw!r} is not a number from 0 to 100 such as 5 or 2.5.")
        return default

    def choice(self, name: str, default: str, choices: tuple[str, ...]) -> str:
        """One of these words."""
        raw = self.text(name, default)
        if raw not in choices:
            self.problems.append(f"{name}={raw!r} is not one of: {', '.join(choices)}.")
        return raw

    def words(self, name: str) -> list[str]:
        """A list with commas."""
        return [word.strip() for word in self.env.get(name, "").split(",") if word.strip()]
